import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { StateDict } from '../graph/parameters.ts'
import { quantizeGraph, rangeGroups } from '../pack/quantize-graph.ts'
import { chooseRanges, collect, runaways } from './collect.ts'
import { correctBiases } from './correct.ts'
import { equalizablePairs, equalize } from './equalize.ts'
import { foldedState, layersOf } from './folded.ts'
import { type Measured, measure } from './measure.ts'
import type { Observer } from './observers.ts'
import { Runner } from './runner.ts'

export interface CalibrateOptions {
  observer: Observer
  /** Cross-layer range equalization. */
  equalize: boolean
  biasCorrection: boolean
  /** As in `quantizeGraph`. */
  keep: readonly string[]
  bits: 7 | 8
  /** Called with what is being done and how much of all is, 0 to 1. */
  onProgress?: (phase: string, share: number) => void
}

export interface Calibrated {
  /** The graph with integers, for `packWeights(graph, state, 'int8')`. */
  graph: Graph
  state: StateDict
  /** Layers whose channels were scaled. */
  equalized: string[]
  /** Numbers of the pictures that were left out, because the float32 network itself runs away on them. */
  runaways: number[]
  measured: Measured
}

/**
 * Post-training quantization: ranges from what the float32 network does with pictures (`given`: normalised, height x width x 3), see docs/calibrate.md.
 * @param module the kernels; baseline SIMD gives the same ranges everywhere
 * @param size [height, width] of the pictures
 * @throws DynedgeError `bad-model` for weights or values that are not finite, `usage` for an unknown layer in `keep`
 */
export function calibrate(
  module: WebAssembly.Module,
  graph: Graph,
  state: StateDict,
  given: readonly Float32Array[],
  size: readonly [height: number, width: number],
  options: CalibrateOptions,
): Calibrated {
  const { observer, keep, bits } = options
  if (given.length === 0)
    throw new DynedgeError('bad-input', 'There are no pictures to calibrate on, expected one or more.')
  // Wrong names are reported before anything is computed.
  const groups = rangeGroups(graph, keep)
  const scales = options.equalize && equalizablePairs(graph).length > 0
  const progress = progressOf(options, given.length, layersOf(graph).length, scales)
  const folded = foldedState(graph, state)
  let float = new Runner(module, graph, folded, 'f32', size)
  let seen = collect(float, given, progress('observing'))
  const odd = runaways(seen)
  const pictures = given.filter((_, index) => !odd.has(index))
  if (odd.size) seen = collect(float, pictures)
  let equalized: string[] = []
  if (scales) {
    equalized = equalize(graph, folded, seen)
    float = new Runner(module, graph, folded, 'f32', size)
    seen = collect(float, pictures, progress('observing the equalized network'))
  }
  const quantized = quantizeGraph(graph, chooseRanges(groups, seen, observer, 2 ** bits - 1), { keep, bits })
  const corrected = options.biasCorrection ? copyOf(folded) : folded
  const integer = new Runner(module, quantized, folded, 'int8', size)
  if (options.biasCorrection) correctBiases(integer, corrected, seen, pictures, progress('correcting biases'))
  const measured = measure(float, integer, pictures, progress('measuring'))
  return { graph: quantized, state: corrected, equalized, runaways: [...odd], measured }
}

function copyOf(state: StateDict): StateDict {
  return new Map([...state].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]))
}

/** Layers of the correction count as often as pictures of a pass: rough, but all that a bar shows. */
function progressOf(
  { onProgress, biasCorrection }: CalibrateOptions,
  pictures: number,
  layers: number,
  scales: boolean,
) {
  const passes = 2 + (scales ? 1 : 0)
  const total = passes * pictures + (biasCorrection ? layers : 0)
  let done = 0
  return (phase: string) => () => onProgress?.(phase, ++done / total)
}
