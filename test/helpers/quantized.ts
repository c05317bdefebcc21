import type { Graph } from '../../src/graph/graph.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { type QuantizeOptions, quantizeGraph, type Range } from '../../src/pack/quantize-graph.ts'
import { runReference } from '../../src/reference.ts'
import { randomFrom } from './wasm.ts'

/** Smallest and largest value of every tensor, in the float reference, for one random picture of `side` x `side` pixels. */
export function rangesOf(graph: Graph, state: StateDict, side: number, seed: number): Map<string, Range> {
  const random = randomFrom(seed)
  const picture = Float32Array.from({ length: side * side * 3 }, () => random() * 4 - 2)
  const ranges = new Map<string, Range>()
  for (const [tensor, { data }] of runReference(graph, state, 'f32', picture, side, side))
    ranges.set(tensor, {
      low: data.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
      high: data.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
    })
  return ranges
}

/** `graph` with integers whose ranges fit `state`. */
export function quantized(
  graph: Graph,
  state: StateDict,
  side: number,
  seed: number,
  options?: QuantizeOptions,
): Graph {
  return quantizeGraph(graph, rangesOf(graph, state, side, seed), options)
}
