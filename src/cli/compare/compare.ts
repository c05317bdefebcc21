import { race, timesOf } from '../../bench/race.ts'
import { DynedgeError } from '../../errors.ts'
import type { PixelSource } from '../../image/pixels.ts'
import { load, type Network, type Variant } from '../../node.ts'
import { allSkipped, readBundle } from '../eval/evaluate.ts'
import { byFile } from '../eval/merge.ts'
import { type LogitError, LogitSums } from './logits.ts'
import { decoded, type Labelled, picturesOf, reasonOf } from './pictures.ts'

export interface CompareOptions {
  images: string
  variant?: Variant
  limit?: number
  /** Timed for so long, each. */
  seconds: number
  /** Once, before the first picture. */
  onStart?(about: Start): void
  /** After every file. */
  onProgress?(done: number, same: number, answered: number): void
}

/** What is going to be compared. */
export interface Start {
  a: Side
  b: Side
  files: number
  matching: string | null
}

export interface Side {
  file: string
  network: string
  precision: string
  variant: Variant
  input: [height: number, width: number]
  bytes: number
  arena_bytes: number
  /** From the bundle's bytes in memory to a network that is ready; least of a few. */
  load_ms: number
}

export interface Judged extends Side {
  /** One picture through the network, in turns with the other's. */
  ms: { min: number; median: number }
  /** Null where the folders are no classes. */
  top1: { correct: number; share: number } | null
}

export interface Comparison {
  a: Judged
  b: Judged
  files: number
  /** Pictures that both classified. */
  images: number
  /** How often both have the same best class. */
  same: { count: number; share: number }
  /** Of b's, beside a's. */
  logits: LogitError
  matching: string | null
  skipped: { file: string; reason: string }[]
}

interface Opened {
  side: Side
  net: Network
  correct: number
}

const LOADS = 3

/**
 * Two bundles side by side over the same pictures.
 * @throws DynedgeError for a bundle or folder that cannot be used, or two bundles of different classes; a picture that cannot be read is
 *   listed in `skipped`
 */
export async function compareBundles(a: string, b: string, options: CompareOptions): Promise<Comparison> {
  const bundles = [await readBundle(a), await readBundle(b)]
  checkClasses(a, b, bundles[0].labels, bundles[1].labels)
  const { entries, matching } = await picturesOf(options.images, bundles[0].labels, options.limit)
  const sides: Opened[] = []
  for (const [index, { bytes }] of bundles.entries()) sides.push(await open([a, b][index], bytes, options.variant))
  const files = entries.length
  const about = { files, matching }
  const judged = ({ side, correct }: Opened, ms: Judged['ms'], images: number): Judged => ({
    ...side,
    ms,
    top1: matching === null ? null : { correct, share: correct / images },
  })
  options.onStart?.({ a: sides[0].side, b: sides[1].side, ...about })
  const { images, same, logits, skipped } = await runPictures(sides, entries, options)
  if (images === 0) throw allSkipped(options.images, skipped)
  const times = await raced(sides, options.seconds)
  for (const { net } of sides) net.dispose()
  return {
    a: judged(sides[0], times[0], images),
    b: judged(sides[1], times[1], images),
    ...about,
    images,
    same: { count: same, share: same / images },
    logits: logits.error(),
    skipped: byFile(skipped),
  }
}

function checkClasses(a: string, b: string, labels: readonly string[], others: readonly string[]): void {
  const end = 'compare bundles of one task.'
  if (labels.length !== others.length)
    throw new DynedgeError(
      'bad-input',
      `${a} has ${labels.length} classes and ${b} has ${others.length}, expected the same; ${end}`,
    )
  const differs = labels.findIndex((label, i) => label !== others[i])
  if (differs >= 0)
    throw new DynedgeError(
      'bad-input',
      `Class ${differs} of ${a} is called ${labels[differs]}, of ${b} ${others[differs]}, expected the same; ${end}`,
    )
}

async function open(file: string, bytes: Uint8Array, variant?: Variant): Promise<Opened> {
  let net = await load(bytes, { variant })
  let loadMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < LOADS; ++i) {
    net.dispose()
    const start = performance.now()
    net = await load(bytes, { variant })
    loadMs = Math.min(loadMs, performance.now() - start)
  }
  const { name: network, precision, input } = net
  const { arenaBytes } = net.describe()
  const about = { file, network, precision, variant: net.describe().variant, input: input.size, bytes: bytes.length }
  return { net, side: { ...about, arena_bytes: arenaBytes, load_ms: loadMs }, correct: 0 }
}

async function runPictures(sides: readonly Opened[], entries: readonly Labelled[], options: CompareOptions) {
  const logits = new LogitSums()
  const skipped: Comparison['skipped'] = []
  let images = 0
  let same = 0
  for await (const { entry, found } of decoded(entries)) {
    const answers = typeof found === 'string' ? found : await answersOf(sides, found, entry.path)
    if (typeof answers === 'string') skipped.push({ file: entry.file, reason: answers })
    else {
      const [first, second] = answers.classes
      logits.add(answers.logits[0], answers.logits[1])
      ++images
      if (first === second) ++same
      for (const [side, best] of answers.classes.entries()) if (best === entry.label) ++sides[side].correct
    }
    options.onProgress?.(images + skipped.length, same, images)
  }
  return { logits, skipped, images, same }
}

/** Of both networks, or why there are none. */
async function answersOf(sides: readonly Opened[], pixels: PixelSource, path: string) {
  const classes: number[] = []
  const logits: Float32Array[] = []
  try {
    for (const { net, side } of sides) {
      const { top, outputs } = await net.classifyFully(pixels, { topK: 1 })
      if (!outputs.logits.every(Number.isFinite))
        return `${side.file} gives an answer that is not finite; are its weights damaged?`
      classes.push(top[0].index)
      logits.push(outputs.logits)
    }
  } catch (error) {
    const isPicture = error instanceof DynedgeError && ['bad-image', 'bad-input'].includes(error.code)
    if (!isPicture) throw error
    return reasonOf(error, path)
  }
  return { classes, logits }
}

/** In bursts by turns, so that what else the machine does falls on both. */
async function raced(sides: readonly Opened[], seconds: number): Promise<Judged['ms'][]> {
  const runs = sides.map(({ net, side }) => {
    const [height, width] = side.input
    const gray = { data: new Float32Array(height * width * 3), height, width }
    return () => net.runSync(gray)
  })
  return (await race(runs, { seconds })).map(timesOf)
}
