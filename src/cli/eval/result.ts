import { DynedgeError } from '../../errors.ts'
import { readWhole } from '../files.ts'
import { type Metrics, metricsOf } from './metrics.ts'
import { type Sums, Tally } from './tally.ts'

export const FORMAT = 'dynedge-eval'
export const VERSION = 1

/** A picture that the network got wrong with confidence. */
export interface Mistake {
  file: string
  label: string
  predicted: string
  /** Of the predicted and of the true class. */
  probability: number
  own_probability: number
  /** Data URL, at most 160 pixels a side; only in files. */
  thumbnail?: string
}

export interface Timing {
  /** Wall clock from the start of the workers to the last picture; of merged results the sum. */
  seconds: number
  /** Sum over all pictures of the time in the network alone. */
  network_seconds: number
  workers: number
  /** Of `seconds`: in merged results, what one part does on average. */
  images_per_second: number
  /** Of the network alone, on one core. */
  network_images_per_second: number
}

/** What an evaluation, or a part of one, found. */
export interface Evaluation {
  format: typeof FORMAT
  version: typeof VERSION
  bundle: { file: string; network: string; precision: string; sha256: string }
  /** Binaries that ran; more than one only where parts ran on different machines. */
  variants: string[]
  input: [height: number, width: number]
  labels: string[]
  folder: string
  /** How folders were matched to classes. */
  matching: string
  /** Which of the `of` parts these are. */
  shards: { of: number; have: number[] }
  /** The whole set, after --limit: its number of files, and SHA-256 over names and classes. */
  set: { files: number; sha256: string }
  /** Null for a part without pictures. */
  metrics: Metrics | null
  sums: Sums
  timing: Timing
  /** Files that were not evaluated. */
  skipped: { file: string; reason: string }[]
  /** Pictures that were evaluated, but not as they are. */
  converted: { file: string; changes: string[] }[]
  /** Highest confidence first. */
  worst: Mistake[]
}

export const WORST_KEPT = 24

/** The worst mistakes of several lists; ties by name, so that parts give what the whole gives. */
export function worstOf(mistakes: readonly Mistake[]): Mistake[] {
  return [...mistakes]
    .sort((a, b) => b.probability - a.probability || (a.file < b.file ? -1 : Number(a.file > b.file)))
    .slice(0, WORST_KEPT)
}

export function timingOf(images: number, seconds: number, networkSeconds: number, workers: number): Timing {
  return {
    seconds,
    network_seconds: networkSeconds,
    workers,
    images_per_second: seconds > 0 ? images / seconds : 0,
    network_images_per_second: networkSeconds > 0 ? images / networkSeconds : 0,
  }
}

/** Reads a file that `dynedge eval --json FILE` or `--shard` wrote. Throws `not-found` or `bad-input`. */
export async function readEvaluation(path: string): Promise<Evaluation> {
  const bytes = await readWhole(path, 'a result of dynedge eval')
  const refuse = (what: string) =>
    new DynedgeError('bad-input', `${path}: ${what}, expected a file written by dynedge eval --json or --shard.`)
  let result: Evaluation
  try {
    result = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw refuse('not JSON, or cut off')
  }
  if (result?.format !== FORMAT) throw refuse(`format is ${JSON.stringify(result?.format)}`)
  if (result.version !== VERSION)
    throw new DynedgeError(
      'unsupported-version',
      `${path} has version ${result.version}, this program reads ${VERSION}; evaluate again with this program.`,
    )
  const fault = faultOf(result)
  if (fault) throw refuse(`damaged: ${fault}`)
  return result
}

/** What contradicts itself in `result`; merged sums are only as good as their parts. */
function faultOf(result: Evaluation): string | undefined {
  try {
    const { labels, sums, shards, skipped, worst, converted, metrics, bundle, set, timing, variants, input } = result
    const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
    const strings = [bundle.sha256, bundle.network, bundle.precision, bundle.file, set.sha256, ...labels, ...variants]
    if (!strings.every((value) => typeof value === 'string')) return 'bundle, set, labels or variants'
    if (!input.every(isCount) || !isCount(set.files)) return 'input or set'
    if (!isCount(shards.of) || !shards.have.every((i) => isCount(i) && i >= 1 && i <= shards.of)) return 'shards'
    const cells = sums.confusion
    if (!cells.every((cell) => cell.every(isCount) && cell[0] < labels.length && cell[1] < labels.length))
      return 'confusion'
    const total = cells.reduce((sum, cell) => sum + cell[2], 0)
    const right = cells.reduce((sum, cell) => sum + (cell[0] === cell[1] ? cell[2] : 0), 0)
    const binned = sums.bins.reduce((sum, { images }) => sum + images, 0)
    if (total !== sums.images || binned !== total || right !== sums.top1) return 'sums that do not add up'
    if (!isCount(sums.loss) || !isCount(sums.top5) || !sums.bins.every((bin) => isCount(bin.confidence)))
      return 'sums that are not whole numbers'
    if (![skipped, worst, converted].every(Array.isArray)) return 'lists'
    if (!(timing.seconds >= 0 && timing.network_seconds >= 0 && timing.workers >= 0)) return 'timing'
    // Computed anew from the sums, it must be what the file says.
    const tally = new Tally(labels.length)
    tally.addSums(sums)
    const anew = total ? metricsOf(tally.sums(), labels) : null
    if (JSON.stringify(anew) !== JSON.stringify(metrics)) return 'metrics that do not follow from its sums'
    return undefined
  } catch {
    return 'a part is missing'
  }
}
