import type { JsonObject } from '../bundle/header.ts'
import { calibrate } from '../calibrate/calibrate.ts'
import type { Measured } from '../calibrate/measure.ts'
import type { Observer } from '../calibrate/observers.ts'
import { Runner } from '../calibrate/runner.ts'
import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { StateDict } from '../graph/parameters.ts'
import type { InputSpec } from '../image/spec.ts'
import { keptLayers, quantizeGraph, rangeGroups } from '../pack/quantize-graph.ts'
import { compile } from '../runtime/module.ts'
import { nodePlatform } from '../runtime/node-platform.ts'
import { DEFAULT_IMAGES, type Int8Options } from './calibrate-options.ts'
import { summaryOf } from './calibrate-table.ts'
import { decode } from './decode.ts'
import { listPictures } from './eval/folder.ts'
import { limited } from './eval/select.ts'
import { complain, oneLine } from './output.ts'
import { RANGES_KEY, rangesIn } from './ranges.ts'

/** A network with integers, ready to be packed, and what its bundle says of how it came to them. */
export interface Quantized {
  graph: Graph
  state: StateDict
  summary: JsonObject
}

/** Fewer pictures than this do not show what a network's tensors can be. */
const FEW = 32
/** A quantized network that gives another answer more often than this is not written unless forced. */
export const LEAST_AGREEMENT = 0.75
/** Of all pictures together; they are kept as the network sees them. */
const MOST_BYTES = 2 ** 31
const DECODED_AT_ONCE = 8
const LISTED = 5

/**
 * Makes a network of integers: with ranges from pictures, or with those that training left in the metadata of its weights.
 * @throws DynedgeError `usage`, `not-found`, `bad-input` for the folder; `bad-model` for weights that int8 cannot hold, or where the
 *   answers agree too rarely with those of the f32 network
 */
export async function quantizeNetwork(
  graph: Graph,
  state: StateDict,
  spec: InputSpec,
  metadata: ReadonlyMap<string, string>,
  options: Int8Options,
): Promise<Quantized> {
  const keep = options.keep ?? []
  const bits = options.activationBits
  if (rangeGroups(graph, keep).length === 0)
    throw new DynedgeError('usage', '--keep leaves no layer for int8; keep fewer, or use --precision f32.')
  const kept = [...keptLayers(graph, keep)].map(({ name }) => name)
  const common = { activations: `${bits} bits, one scale and zero point per tensor`, ...(kept.length && { kept }) }
  if (options.calibrate === undefined) {
    const ranges = rangesIn(metadata, graph, bits)
    const quantized = quantizeGraph(graph, ranges, { keep, bits })
    return { graph: quantized, state, summary: summaryOf(quantized, { ranges: 'training', ...common }) }
  }
  if (metadata.has(RANGES_KEY))
    complain('--calibrate measures ranges anew; those that training left in the weights are not used.')
  // Its results are the same everywhere.
  const module = await compile(nodePlatform, 'simd')
  const { observer, equalize, biasCorrection } = options
  const found = await withBar(async (onProgress) => {
    const pictures = await readPictures(
      options.calibrate!,
      options.images ?? DEFAULT_IMAGES,
      spec,
      onProgress,
      () => new Runner(module, graph, state, 'f32', spec.size),
    )
    const settings = { observer: observer as Observer, equalize, biasCorrection, keep, bits, onProgress }
    return calibrate(module, graph, state, pictures, spec.size, settings)
  })
  const { measured, equalized, runaways } = found
  if (runaways.length)
    complain(
      `${runaways.length} of ${runaways.length + measured.pictures} pictures left out: the f32 network itself runs away on them.`,
    )
  checkAgreement(measured, options.force)
  const how = {
    ranges: 'calibration',
    observer,
    images: measured.pictures,
    ...(runaways.length && { left_out: runaways.length }),
    equalized,
    bias_correction: biasCorrection,
    ...common,
  }
  return { graph: found.graph, state: found.state, summary: summaryOf(found.graph, how, measured) }
}

type OnProgress = (phase: string, share: number) => void

/** Decoding, the slowest where pictures are large, takes the first half of the bar. */
async function withBar<T>(work: (onProgress: OnProgress) => Promise<T>): Promise<T> {
  const { phaseBar } = await import('./eval/progress.ts')
  const bar = phaseBar()
  try {
    return await work((phase, share) => bar.update(phase, phase === DECODING ? share / 2 : 0.5 + share / 2))
  } finally {
    bar.stop()
  }
}

const DECODING = 'reading pictures'

async function readPictures(
  folder: string,
  images: number,
  spec: InputSpec,
  onProgress: OnProgress,
  open: () => Runner,
): Promise<Float32Array[]> {
  const entries = limited(await listPictures(folder), images)
  const bytes = entries.length * spec.size[0] * spec.size[1] * 12
  if (bytes > MOST_BYTES)
    throw new DynedgeError(
      'usage',
      `${entries.length} pictures of ${spec.size.join('x')} take ${Math.ceil(bytes / 2 ** 30)} GiB, expected at most ${MOST_BYTES / 2 ** 30}; use fewer --images.`,
    )
  const runner = open()
  const { default: sharp } = await import('sharp')
  sharp.cache(false)
  const pictures: Float32Array[] = []
  const skipped: string[] = []
  for (let from = 0; from < entries.length; from += DECODED_AT_ONCE) {
    const some = entries.slice(from, from + DECODED_AT_ONCE)
    const decoded = await Promise.allSettled(some.map(({ path }) => decode(path)))
    for (const [index, result] of decoded.entries()) {
      if (result.status === 'fulfilled') pictures.push(runner.prepare(result.value, spec))
      else if (result.reason instanceof DynedgeError)
        skipped.push(`${some[index].file}: ${oneLine(result.reason.message)}`)
      else throw result.reason
      onProgress(DECODING, (pictures.length + skipped.length) / entries.length)
    }
  }
  reportPictures(folder, pictures.length, skipped)
  return pictures
}

function reportPictures(folder: string, read: number, skipped: readonly string[]): void {
  if (read === 0)
    throw new DynedgeError(
      'bad-input',
      `${folder}: none of ${skipped.length} pictures can be read; the first is ${skipped[0]}`,
    )
  if (skipped.length) complain(`${skipped.length} of ${read + skipped.length} pictures skipped:`)
  for (const line of skipped.slice(0, LISTED)) complain(`  ${line}`)
  if (skipped.length > LISTED) complain(`  … and ${skipped.length - LISTED} more`)
  if (read < FEW)
    complain(
      `${read} ${read === 1 ? 'picture is' : 'pictures are'} few to calibrate on; give ${FEW} or more, of all kinds that the network will see.`,
    )
}

function checkAgreement({ agreeing, pictures }: Measured, force = false): void {
  if (agreeing === undefined || agreeing >= pictures * LEAST_AGREEMENT) return
  const share = `the int8 network gives the answer of the f32 network for only ${agreeing} of ${pictures} pictures`
  if (force) {
    complain(`${share}; it is written because of --force.`)
    return
  }
  throw new DynedgeError(
    'bad-model',
    `${share}, expected ${LEAST_AGREEMENT * 100} %; nothing was written. Are these pictures like those it was trained on? ` +
      'Try another --observer, --keep for the layers with the lowest ratio (--force writes it and shows them), or w8.',
  )
}
