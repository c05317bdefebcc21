import { DynedgeError } from '../../errors.ts'
import { some } from './classes.ts'
import { metricsOf } from './metrics.ts'
import { type Evaluation, readEvaluation, timingOf, worstOf } from './result.ts'
import { Tally } from './tally.ts'

/**
 * Puts the parts of one evaluation together; all metrics are those of a run over the whole set.
 * @throws DynedgeError `bad-input` for parts of different bundles, classes or sets, for a part that is missing or there twice
 */
export async function mergeFiles(paths: readonly string[]): Promise<Evaluation> {
  const parts: Evaluation[] = []
  for (const path of paths) parts.push(await readEvaluation(path))
  for (const [i, part] of parts.entries()) checkSame(paths[0], parts[0], paths[i], part)
  checkComplete(paths, parts)
  return merged(parts)
}

function checkSame(firstPath: string, first: Evaluation, path: string, part: Evaluation): void {
  const differs = (what: string, a: string | number, b: string | number, remedy: string) =>
    new DynedgeError('bad-input', `${path} ${what} ${b}, ${firstPath} ${a}; ${remedy}.`)
  const again = 'evaluate all parts with the same'
  if (part.bundle.sha256 !== first.bundle.sha256)
    throw differs(
      'evaluates the bundle with SHA-256',
      `${first.bundle.sha256.slice(0, 12)}…`,
      `${part.bundle.sha256.slice(0, 12)}… (${part.bundle.file})`,
      `${again} bundle`,
    )
  if (JSON.stringify(part.labels) !== JSON.stringify(first.labels))
    throw differs('has other classes:', some(first.labels), some(part.labels), `${again} bundle`)
  if (part.input.join('x') !== first.input.join('x'))
    throw differs('has input', first.input.join('x'), part.input.join('x'), `${again} --size`)
  if (part.shards.of !== first.shards.of)
    throw differs('is of n =', first.shards.of, part.shards.of, `${again} n in --shard i/n`)
  if (part.set.sha256 !== first.set.sha256)
    throw differs(
      'comes of a folder with other files:',
      `${first.set.files} (${first.folder})`,
      `${part.set.files} (${part.folder})`,
      `${again} folder and --limit`,
    )
}

function checkComplete(paths: readonly string[], parts: readonly Evaluation[]): void {
  const owner = new Map<number, string>()
  for (const [i, { shards }] of parts.entries())
    for (const index of shards.have) {
      const other = owner.get(index)
      if (other !== undefined)
        throw new DynedgeError(
          'bad-input',
          `Part ${index}/${shards.of} is there twice: ${other} and ${paths[i]}; give each part once.`,
        )
      owner.set(index, paths[i])
    }
  const { of } = parts[0].shards
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((index) => !owner.has(index))
  if (missing.length)
    throw new DynedgeError(
      'bad-input',
      `${missing.length} of ${of} parts are missing: ${some(missing.map((index) => `${index}/${of}`))}; run them with --shard, then merge all.`,
    )
}

function merged(parts: readonly Evaluation[]): Evaluation {
  const [first] = parts
  const tally = new Tally(first.labels.length)
  for (const { sums } of parts) tally.addSums(sums)
  const sums = tally.sums()
  const total = (pick: (part: Evaluation) => number) => parts.reduce((sum, part) => sum + pick(part), 0)
  return {
    ...first,
    variants: [...new Set(parts.flatMap(({ variants }) => variants))].sort(),
    shards: { of: first.shards.of, have: parts.flatMap(({ shards }) => shards.have).sort((a, b) => a - b) },
    metrics: sums.images ? metricsOf(sums, first.labels) : null,
    sums,
    timing: timingOf(
      sums.images,
      total(({ timing }) => timing.seconds),
      total(({ timing }) => timing.network_seconds),
      Math.max(...parts.map(({ timing }) => timing.workers)),
    ),
    skipped: byFile(parts.flatMap(({ skipped }) => skipped)),
    converted: byFile(parts.flatMap(({ converted }) => converted)),
    worst: worstOf(parts.flatMap(({ worst }) => worst)),
  }
}

/** Sorted by name, as a single run writes them. */
export function byFile<T extends { file: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)))
}
