import { createHash } from 'node:crypto'
import { openLocal } from '../../bundle/file-source.ts'
import { readHeader } from '../../bundle/load.ts'
import { openSource } from '../../bundle/source.ts'
import { DynedgeError } from '../../errors.ts'
import type { InputSpec } from '../../image/spec.ts'
import { checkHeader } from '../../load.ts'
import { checkInputSize } from '../../network.ts'
import { chooseVariant, type Variant } from '../../runtime/module.ts'
import { modelAddress } from '../models.ts'
import { matchClasses } from './classes.ts'
import { type Entry, listFolder } from './folder.ts'
import { byFile } from './merge.ts'
import { metricsOf } from './metrics.ts'
import { runPool } from './pool.ts'
import { type Evaluation, FORMAT, type Mistake, timingOf, VERSION, WORST_KEPT, worstOf } from './result.ts'
import { digestOf, limited, type Shard, shardOf } from './select.ts'
import { type Answer, Tally } from './tally.ts'
import type { Evaluated, Task, WorkerData } from './worker.ts'

export interface EvaluateOptions {
  variant?: Variant
  size?: [height: number, width: number]
  limit?: number
  shard?: Shard
  workers: number
  /** Once, before the first picture. */
  onStart?(about: About): void
  /** After every file. */
  onProgress?(done: number, correct: number, answered: number): void
  /** For every picture that was evaluated, in any order; `position` sorts them as the set is sorted. */
  onAnswer?(position: number, file: string, label: number, answer: Answer): void
}

/** What is going to be evaluated. */
export interface About {
  network: string
  precision: string
  variant: Variant
  input: [height: number, width: number]
  workers: number
  files: number
  /** Of the whole set. */
  total: number
  labels: readonly string[]
  /** Folders, which may be fewer than the classes of the bundle. */
  folders: number
  matching: string
  byOrder: boolean
}

export interface Evaluating {
  evaluation: Evaluation
  /** Paths of the worst mistakes, by their `file`. */
  paths: ReadonlyMap<string, string>
}

/**
 * Evaluates the bundle on a folder of images by class.
 * @throws DynedgeError for a bundle or folder that cannot be used; a picture that cannot be read is listed in `skipped`
 */
export async function evaluate(model: string, folder: string, options: EvaluateOptions): Promise<Evaluating> {
  const { bytes, metadata, labels, sha256 } = await readBundle(model)
  const { network, precision } = metadata
  const input = options.size ?? (metadata.input as unknown as InputSpec).size
  checkInputSize(...input)
  const variant = await chooseVariant(options.variant)
  const { folders, entries } = await listFolder(folder)
  const { indices, how: matching, byOrder } = await matchClasses(folder, folders, labels)
  const set = limited(entries, options.limit)
  const shard = options.shard ?? { index: 1, of: 1 }
  const mine = shardOf(set, shard)
  const tried = mixed(mine.filter(({ reason }) => reason === undefined))
  const workers = Math.max(1, Math.min(options.workers, tried.length))
  const sizes = { files: mine.length, total: set.length, folders: folders.length }
  options.onStart?.({ network, precision, variant, input, workers, labels, matching, byOrder, ...sizes })

  const record = new Recorder(labels, options)
  for (const { file, reason } of mine) if (reason !== undefined) record.skip(file, reason)
  const data: WorkerData = { bundle: bytes, variant, size: input }
  const start = performance.now()
  await runPool<Task, Evaluated>({
    script: new URL('./eval-worker.js', import.meta.url),
    data,
    workers,
    tasks: tried.map(({ entry }) => ({ path: entry.path, label: indices[entry.folder] })),
    onResult: (id, result) => record.take(tried[id], indices[tried[id].entry.folder], result),
    onLost: (id, reason) => record.skip(tried[id].entry.file, reason),
  })
  const seconds = (performance.now() - start) / 1000
  if (record.answered === 0 && !options.shard) throw allSkipped(folder, record.skipped)
  const evaluation: Evaluation = {
    format: FORMAT,
    version: VERSION,
    bundle: { file: model, network, precision, sha256 },
    variants: [variant],
    input,
    labels,
    folder,
    matching,
    shards: { of: shard.of, have: [shard.index] },
    set: { files: set.length, sha256: digestOf(set, indices) },
    ...record.found(seconds, workers),
  }
  const isWorst = new Set(evaluation.worst.map(({ file }) => file))
  const paths = new Map(mine.filter(({ file }) => isWorst.has(file)).map(({ file, path }) => [file, path]))
  return { evaluation, paths }
}

interface Try {
  entry: Entry
  /** In the set's order. */
  position: number
}

/** One file of each class after another, so that the accuracy on the way is that of all classes. */
function mixed(entries: readonly Entry[]): Try[] {
  const seen = new Map<number, number>()
  const ranked = entries.map((entry, position) => {
    const rank = seen.get(entry.folder) ?? 0
    seen.set(entry.folder, rank + 1)
    return { entry, position, rank }
  })
  return ranked.sort((a, b) => a.rank - b.rank || a.position - b.position)
}

/** What comes in from the workers, in any order. */
class Recorder {
  answered = 0
  readonly skipped: Evaluation['skipped'] = []
  private readonly tally: Tally
  private readonly converted: Evaluation['converted'] = []
  private worst: Mistake[] = []
  private correct = 0
  private networkMs = 0

  constructor(
    private readonly labels: readonly string[],
    private readonly options: EvaluateOptions,
  ) {
    this.tally = new Tally(labels.length)
  }

  skip(file: string, reason: string): void {
    this.skipped.push({ file, reason })
    this.progress()
  }

  take({ entry: { file }, position }: Try, label: number, result: Evaluated): void {
    if ('skipped' in result) {
      this.skip(file, result.skipped)
      return
    }
    this.tally.add(label, result)
    this.answered += 1
    this.networkMs += result.networkMs
    const [predicted, probability] = result.top[0]
    if (predicted === label) this.correct += 1
    else {
      const names = { label: this.labels[label], predicted: this.labels[predicted] }
      this.worst.push({ file, ...names, probability, own_probability: result.own })
      if (this.worst.length > WORST_KEPT * 16) this.worst = worstOf(this.worst)
    }
    if (result.changes.length) this.converted.push({ file, changes: result.changes })
    this.options.onAnswer?.(position, file, label, result)
    this.progress()
  }

  found(seconds: number, workers: number) {
    const sums = this.tally.sums()
    return {
      metrics: sums.images ? metricsOf(sums, this.labels) : null,
      sums,
      timing: timingOf(sums.images, seconds, this.networkMs / 1000, workers),
      skipped: byFile(this.skipped),
      converted: byFile(this.converted),
      worst: worstOf(this.worst),
    }
  }

  private progress(): void {
    this.options.onProgress?.(this.answered + this.skipped.length, this.correct, this.answered)
  }
}

export function allSkipped(folder: string, skipped: Evaluation['skipped']): DynedgeError {
  const [{ file, reason }] = skipped
  return new DynedgeError(
    'bad-image',
    `${folder}: none of ${skipped.length} files could be evaluated, the first ${file}: ${reason}`,
  )
}

/** Reads the bundle of a classifier once, for all who load it. */
export async function readBundle(model: string) {
  const source = await openSource(await modelAddress(model), { openOwn: openLocal })
  const chunks: Uint8Array[] = []
  for await (const chunk of source.stream) chunks.push(chunk.slice())
  const bytes = new Uint8Array(Buffer.concat(chunks))
  const { header, rest } = await readHeader({ ...(await openSource(bytes)), name: source.name })
  await rest.cancel()
  const graph = checkHeader(header)
  if (!Object.hasOwn(graph.outputs, 'probabilities') || !Object.hasOwn(graph.outputs, 'logits'))
    throw new DynedgeError(
      'bad-input',
      `${model}: the network has the outputs ${Object.keys(graph.outputs).join(', ')}, expected logits and probabilities; only a classifier can be evaluated.`,
    )
  const { metadata } = header
  const labels = [...(metadata.labels ?? Array.from({ length: graph.classes }, (_, index) => String(index)))]
  return { bytes, metadata, labels, sha256: createHash('sha256').update(bytes).digest('hex') }
}
