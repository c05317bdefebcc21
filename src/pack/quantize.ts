import { DynedgeError } from '../errors.ts'
import type { Coefficients, Conv, Graph, Linear } from '../graph/graph.ts'
import { pooledBits, roundEven } from '../graph/integer.ts'
import type { FoldedLayer } from './fold.ts'

// Weights of integer layers. Every formula is in docs/quantization.md.

/** Integers of a layer, rows and weights in the order of its PyTorch weight. */
export interface QuantizedLayer {
  /** [rows][row length], -127..127. */
  weight: Int8Array
  rows: number
  /** Fixed layers, [channels]: what a sum starts with, the part of the input's zero point included. */
  bias: Int32Array
  /** Fixed layers, [channels]: a sum times this is the output, in steps of its scale (of a linear layer: in reals). */
  factor: Float32Array
  /** [rows]: what weight 1 stands for. */
  scale: Float32Array
  /** Dynamic layers, [rows]: multiplied by the row's coefficient. */
  kernelBias: Float32Array
  /** Dynamic layers, [channels]: added after fusing. */
  constant: Float32Array
}

/** Scale, zero point and largest value of what a layer sums; scale of what it stores, 1 where that is float32. */
export interface Scales {
  input: number
  zero: number
  top: number
  output: number
}

const SUM_LIMIT = 2 ** 30
/** Sum of the weights of one sign in a depthwise channel: 258 * 127 fits int16. */
const DEPTHWISE_LIMIT = 258
/** Weights of one fixed kernel that the fusion has room for. */
const FUSED_LIMIT = 4096
/** Below it a float32 loses precision. */
const SMALLEST = 2 ** -126

/**
 * The integers that stand for a layer whose input is quantized in `graph`.
 * @throws DynedgeError `bad-model` for a layer that int8 cannot hold: sums too long, scales outside float32
 */
export function quantizeLayer(graph: Graph, node: Conv | Linear | Coefficients, folded: FoldedLayer): QuantizedLayer {
  const scales = scalesOf(graph, node)
  const length = folded.weight.length / folded.rows
  if (127 * scales.top * length > SUM_LIMIT)
    throw bad(
      node,
      `sums ${length} products, of which int32 holds ${Math.floor(SUM_LIMIT / 127 / scales.top)}; keep it in f32`,
    )
  return node.op === 'conv' && node.dynamic
    ? quantizeDynamic(node, folded, scales)
    : quantizeFixed(node, folded, scales)
}

export function isDepthwise(node: Conv | Linear | Coefficients): boolean {
  return node.op === 'conv' && node.groups > 1 && node.groups === node.channels && node.groups === node.input.channels
}

/** Of an integer layer of `graph`. */
export function scalesOf(graph: Graph, node: Conv | Linear | Coefficients): Scales {
  const { quantization = {} } = graph
  if (node.op === 'conv') {
    const { scale, zero, bits } = quantization[node.input.tensor]
    return { input: scale, zero, top: 2 ** bits - 1, output: quantization[node.output].scale }
  }
  const pool = graph.nodes.find((other) => other.op === 'globalpool' && other.output === node.input.tensor)
  const { tensor, channels } = pool?.op === 'globalpool' ? pool.input : node.input
  const { scale, bits } = quantization[tensor]
  const top = 2 ** bits - 1
  return { input: scale / 2 ** pooledBits(channels, top), zero: 0, top, output: 1 }
}

function quantizeFixed(node: Conv | Linear | Coefficients, folded: FoldedLayer, scales: Scales): QuantizedLayer {
  const { rows } = folded
  const layer: QuantizedLayer = {
    weight: new Int8Array(folded.weight.length),
    rows,
    bias: new Int32Array(rows),
    factor: new Float32Array(rows),
    scale: new Float32Array(rows),
    kernelBias: new Float32Array(0),
    constant: new Float32Array(0),
  }
  const length = folded.weight.length / rows
  // Neither the scale nor the factor may lose bits; a channel whose weights vanish beside that contributes nothing to see.
  const floor = SMALLEST * Math.max(1, scales.output / scales.input)
  let [filled, vanished] = [0, 0]
  for (let row = 0; row < rows; ++row) {
    const weights = folded.weight.subarray(row * length, (row + 1) * length)
    const peak = largest(weights)
    const bias = folded.bias[row]
    const wanted = Math.max(peak / 127, Math.abs(bias) / (scales.input * SUM_LIMIT)) || 1
    let scale = Math.fround(Math.max(wanted, floor))
    if (isDepthwise(node)) scale = depthwiseScale(weights, scale)
    const factor = (scales.input * scale) / scales.output
    if (peak > 0) ++filled
    if (peak > 0 && peak / 127 < floor) ++vanished
    if (!(Math.fround(factor) < Infinity && scale < Infinity))
      throw bad(node, `has weights up to ${peak} and a bias of ${bias} in channel ${row}, too large for float32 scales`)
    const integers = weights.map((value) => integer(value, scale))
    layer.weight.set(integers, row * length)
    layer.scale[row] = scale
    layer.factor[row] = factor
    const start = Math.min(Math.max(roundEven(bias / (scales.input * scale)), -SUM_LIMIT), SUM_LIMIT)
    layer.bias[row] = start - scales.zero * integers.reduce((sum, value) => sum + value, 0)
  }
  demandVisible(node, filled, vanished)
  return layer
}

/** Raised until the weights of either sign sum to at most 258. */
function depthwiseScale(weights: Float64Array, scale: number): number {
  let positive = 0
  let negative = 0
  for (const value of weights) {
    if (value > 0) positive += value
    else negative -= value
  }
  let raised = Math.fround(Math.max(scale, Math.max(positive, negative) / DEPTHWISE_LIMIT))
  for (;;) {
    let [above, below] = [0, 0]
    for (const value of weights) {
      const rounded = integer(value, raised)
      if (rounded > 0) above += rounded
      else below -= rounded
    }
    const sum = Math.max(above, below)
    if (!(sum > DEPTHWISE_LIMIT)) return raised
    raised = Math.fround((raised * sum) / DEPTHWISE_LIMIT)
  }
}

function quantizeDynamic(node: Conv, folded: FoldedLayer, scales: Scales): QuantizedLayer {
  const { rows } = folded
  const length = folded.weight.length / rows
  if (length > FUSED_LIMIT)
    throw bad(
      node,
      `has ${length} weights a channel in its fixed kernels, expected ${FUSED_LIMIT} at most; keep it in f32`,
    )
  const kernels = node.dynamic!.kernels
  const weight = new Int8Array(folded.weight.length)
  const scale = new Float32Array(rows)
  const floor = SMALLEST * Math.max(1, scales.output / scales.input)
  let [filled, vanished] = [0, 0]
  for (let row = 0; row < rows; ++row) {
    const weights = folded.weight.subarray(row * length, (row + 1) * length)
    const peak = largest(weights)
    if (peak > 0) ++filled
    if (peak > 0 && peak / 127 < floor) ++vanished
    // A fused kernel is at most the sum of its fixed ones: no coefficient is above 1.
    const fused = (peak * kernels * Math.max(1, scales.input, scales.input / scales.output)) / 127
    if (!(Math.fround(fused * 2 ** 15) < Infinity))
      throw bad(node, `has weights up to ${peak} in row ${row}, too large for float32 scales`)
    scale[row] = peak > 0 ? Math.max(peak / 127, SMALLEST) : 0
    if (peak > 0)
      weights.forEach((value, k) => {
        weight[row * length + k] = integer(value, scale[row])
      })
  }
  demandVisible(node, filled, vanished)
  const kernelBias = Float32Array.from(folded.bias)
  const constant = Float32Array.from(folded.constant)
  for (const values of [kernelBias, constant]) {
    const wrong = values.findIndex((value) => !Number.isFinite(value))
    if (wrong >= 0) throw bad(node, `has bias ${wrong} outside float32 after folding BN`)
  }
  return { weight, rows, bias: new Int32Array(0), factor: new Float32Array(0), scale, kernelBias, constant }
}

/** A few channels without visible weights are dead ones; a whole layer of them would make every answer the same. */
function demandVisible(node: Conv | Linear | Coefficients, filled: number, vanished: number): void {
  if (filled > 0 && vanished === filled)
    throw bad(node, 'has weights too small for float32 scales in every channel; scale them up, or keep it in f32')
}

function integer(value: number, scale: number): number {
  return Math.min(Math.max(roundEven(value / scale), -127), 127)
}

function largest(weights: Float64Array): number {
  return weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

function bad(node: Conv | Linear | Coefficients, what: string): DynedgeError {
  return new DynedgeError('bad-model', `${node.op} ${node.name} ${what}.`)
}
