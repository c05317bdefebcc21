import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { type Metrics, metricsOf } from '../../src/cli/eval/metrics.ts'
import { type Evaluation, FORMAT, timingOf, VERSION } from '../../src/cli/eval/result.ts'
import { Tally } from '../../src/cli/eval/tally.ts'

/** A picture of its own for every `seed`: stripes of three colours, their width and slope. */
export function stripes(seed: number, width = 40, height = 30): Sharp {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)]
    return 127 + 120 * Math.sin(((x * (1 + (seed % 5)) + y * (seed % 7)) / 9) * (1 + (i % 3)) + seed)
  })
  return sharp(data, { raw: { width, height, channels: 3 } })
}

/** FOLDER/CLASS/0.png, 1.png, ...; pictures of all classes differ. */
export async function writeClasses(folder: string, counts: Record<string, number>): Promise<void> {
  let seed = 0
  for (const [name, count] of Object.entries(counts)) {
    mkdirSync(join(folder, name), { recursive: true })
    for (let i = 0; i < count; ++i)
      await stripes(++seed)
        .png()
        .toFile(join(folder, name, `${i}.png`))
  }
}

export type Guess = [label: number, predicted: number, confidence: number]

/** An evaluation of these guesses, as the command would write it. */
export function evaluationOf(labels: string[], guesses: Guess[], more: Partial<Evaluation> = {}): Evaluation {
  const tally = new Tally(labels.length)
  for (const [label, predicted, confidence] of guesses)
    tally.add(label, { top: [[predicted, confidence]], loss: -Math.log(confidence), own: 1 - confidence })
  const sums = tally.sums()
  return {
    format: FORMAT,
    version: VERSION,
    bundle: { file: 'net.safetensors', network: 'dy-mobile', precision: 'w8', sha256: 'ab'.repeat(32) },
    variants: ['simd'],
    input: [64, 64],
    labels,
    folder: 'pictures',
    matching: 'by name',
    shards: { of: 1, have: [1] },
    set: { files: guesses.length, sha256: 'cd'.repeat(32) },
    metrics: guesses.length ? (metricsOf(sums, labels) as Metrics) : null,
    sums,
    timing: timingOf(guesses.length, 2, 1, 2),
    skipped: [],
    converted: [],
    worst: [],
    ...more,
  }
}
