import type { Conv, Graph } from '../graph/graph.ts'
import type { StateDict } from '../graph/parameters.ts'
import { isDepthwise } from '../pack/quantize.ts'
import { consumers } from '../plan/lanes.ts'
import type { Seen } from './collect.ts'
import { offsetsOf } from './folded.ts'

/** A channel is scaled by at most this, or its inverse. */
const MOST = 64

/** Two convolutions between which channels can be scaled without a change of what they compute together. */
export interface Pair {
  first: Conv
  second: Conv
}

/**
 * Convolutions without activation or with relu (relu6 does not scale) that add nothing and whose result is read whole by one convolution
 * and by nothing else.
 */
export function equalizablePairs(graph: Graph): Pair[] {
  const pairs: Pair[] = []
  for (const first of graph.nodes) {
    if (first.op !== 'conv' || first.activation === 'relu6' || first.residual !== undefined) continue
    if (Object.values(graph.outputs).includes(first.output)) continue
    const readers = consumers(graph, first.output)
    const [second] = readers
    if (readers.length !== 1 || second.op !== 'conv') continue
    const isWhole = second.input.tensor === first.output && second.input.channels === first.channels
    if (isWhole && second.residual !== first.output && second.dynamic?.coefficients !== first.output)
      pairs.push({ first, second })
  }
  return pairs
}

/**
 * Cross-layer equalization: divides each channel between two layers by a factor and multiplies the weights that read it, so that the
 * channels of a tensor, which share a scale, use as much of its range as the rows of weights that read them allow. Changes `folded` (BN
 * is the identity there) and nothing of what the network computes in real numbers. Returns the layers whose results it scaled.
 */
export function equalize(graph: Graph, folded: StateDict, seen: ReadonlyMap<string, Seen>): string[] {
  const scaled: string[] = []
  for (const { first, second } of equalizablePairs(graph)) {
    const reaches = seen.get(first.output)?.reaches
    if (!reaches) continue
    const factors = factorsOf(second, folded, reaches)
    scaleOutputs(first, folded, factors)
    scaleInputs(second, folded, factors)
    scaled.push(first.name)
  }
  return scaled
}

function factorsOf(second: Conv, folded: StateDict, reaches: Float64Array): Float64Array {
  const widest = reaches.reduce((most, reach) => Math.max(most, reach), 0)
  const shares = weightShares(second, folded)
  return reaches.map((reach, channel) => {
    const weight = shares[channel]
    if (reach === 0 || weight === 0) return 1
    // A depthwise channel has a row of weights, and so a scale, to itself.
    const factor = isDepthwise(second) ? reach / widest : Math.sqrt(reach / widest / weight)
    return Math.min(Math.max(factor, 1 / MOST), MOST)
  })
}

/** For each input channel the largest part that its weights are of the largest weight of their row, 0 to 1. */
function weightShares(node: Conv, folded: StateDict): Float64Array {
  const shares = new Float64Array(node.input.channels)
  eachWeight(node, folded, (weights) => {
    const largest = weights.data.slice(weights.from, weights.to).reduce((most, w) => Math.max(most, Math.abs(w)), 0)
    for (let k = weights.from; largest > 0 && k < weights.to; ++k) {
      const channel = weights.channelOf(k)
      shares[channel] = Math.max(shares[channel], Math.abs(weights.data[k]) / largest)
    }
  })
  return shares
}

function scaleOutputs(node: Conv, folded: StateDict, factors: Float64Array): void {
  const { weight, bias } = node.params
  const divide = (data: Float32Array) => {
    const run = data.length / factors.length
    for (let i = 0; i < data.length; ++i) data[i] /= factors[Math.floor(i / run)]
  }
  const data = [folded.get(weight)!.data, ...(bias ? [folded.get(bias)!.data] : [])]
  const offsets = offsetsOf(node, folded)
  for (const values of new Set([...data, ...(offsets ? [offsets] : [])])) divide(values)
}

function scaleInputs(node: Conv, folded: StateDict, factors: Float64Array): void {
  eachWeight(node, folded, ({ data, from, to, channelOf }) => {
    for (let k = from; k < to; ++k) data[k] *= factors[channelOf(k)]
  })
}

interface Row {
  data: Float32Array
  from: number
  to: number
  /** Input channel of a weight. */
  channelOf(index: number): number
}

/** Rows of a weight [Cout * g, Cin / groups, k, k]. */
function eachWeight(node: Conv, folded: StateDict, each: (row: Row) => void): void {
  const { data } = folded.get(node.params.weight)!
  const rows = node.channels * (node.dynamic?.kernels ?? 1)
  const length = data.length / rows
  const members = node.input.channels / node.groups
  const area = length / members
  for (let row = 0; row < rows; ++row) {
    const group = Math.floor((row * node.groups) / rows)
    const from = row * length
    const channelOf = (index: number) => group * members + Math.floor((index - from) / area)
    each({ data, from, to: from + length, channelOf })
  }
}
