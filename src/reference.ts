import {
  type Coefficients,
  type Conv,
  type Graph,
  inferShapes,
  type Linear,
  type Node,
  type Shape,
  type Use,
} from './graph/graph.ts'
import type { StateDict } from './graph/parameters.ts'
import { BN_EPSILON, foldLayer } from './pack/fold.ts'
import { rowScales } from './pack/pack.ts'
import type { Precision } from './plan/weights.ts'

// The oracle of the tests: every operation as its formula says, in float64, one plain loop each. No part of the package.

/** A tensor, H x W x C row by row; a vector is 1 x 1. */
export interface ReferenceTensor extends Shape {
  data: Float64Array
}

/**
 * Every tensor of a graph for one picture, H x W x 3. With `w8` the weights are those that the int8 bundle stands for. `keep` gives what
 * kernels are fused from, for the coefficients of the picture (output of the node, values): those, or others near them.
 */
export function runReference(
  graph: Graph,
  state: StateDict,
  precision: Precision,
  picture: ArrayLike<number>,
  height: number,
  width: number,
  keep: (output: string, data: Float64Array) => Float64Array = (_, data) => data,
): Map<string, ReferenceTensor> {
  const shapes = inferShapes(graph, height, width)
  const tensors = new Map<string, ReferenceTensor>([
    [graph.input, { ...shapes.get(graph.input)!, data: Float64Array.from(picture) }],
  ])
  for (const node of graph.nodes) {
    const output: ReferenceTensor = { ...shapes.get(node.output)!, data: new Float64Array(0) }
    output.data = new Float64Array(output.height * output.width * output.channels)
    computeReference(node, output, tensors, state, precision)
    if (node.op === 'coefficients') output.data = keep(node.output, output.data)
    tensors.set(node.output, output)
  }
  return tensors
}

/** Fills `output`, zeros of its shape, from `tensors`. */
export function computeReference(
  node: Node,
  output: ReferenceTensor,
  tensors: Map<string, ReferenceTensor>,
  state: StateDict,
  precision: Precision,
): void {
  const use = (part: Use) => slice(tensors.get(part.tensor)!, part.from ?? 0, part.channels)
  if (node.op === 'shuffle') shuffle(use(node.left), use(node.right), output, node.groups)
  else if (node.op === 'maxpool') maxPool(use(node.input), output, node.kernel, node.stride)
  else if (node.op === 'globalpool') globalPool(use(node.input), output)
  else if (node.op === 'softmax') softmax(use(node.input), output)
  else if (node.op === 'quantize' || node.op === 'dequantize') output.data = use(node.input).data.slice()
  else {
    const input = use(node.input)
    const layer = layerOf(node, state, precision)
    if (node.op === 'linear') linear(input, output, layer)
    else if (node.op === 'coefficients') coefficients(input, output, layer)
    else {
      convolve(node, input, output, node.dynamic ? fuse(node, layer, tensors.get(node.dynamic.coefficients)!) : layer)
      finish(node, output, node.residual ? tensors.get(node.residual)!.data : undefined)
    }
  }
}

/** Residual, then activation. */
function finish(node: Conv, output: ReferenceTensor, residual: Float64Array | undefined): void {
  const [low, high] = { none: [-Infinity, Infinity], relu: [0, Infinity], relu6: [0, 6] }[node.activation]
  for (let i = 0; i < output.data.length; ++i)
    output.data[i] = Math.min(Math.max(output.data[i] + (residual?.[i] ?? 0), low), high)
}

/** Sigmoid of a linear layer of the means. */
function coefficients(input: ReferenceTensor, output: ReferenceTensor, layer: Layer): void {
  const pooled = { height: 1, width: 1, channels: input.channels, data: new Float64Array(input.channels) }
  globalPool(input, pooled)
  linear(pooled, output, layer)
  for (let i = 0; i < output.data.length; ++i) output.data[i] = 1 / (1 + Math.exp(-output.data[i]))
}

/** y = scale (w x + bias) + shift: `weight` and `bias` per row of the PyTorch weight, `scale` and `shift` (BN) per output channel. */
export interface Layer {
  weight: Float64Array
  bias: Float64Array
  scale: Float64Array
  shift: Float64Array
}

export function layerOf(node: Conv | Linear | Coefficients, state: StateDict, precision: Precision): Layer {
  const channels = node.op === 'coefficients' ? node.length : node.channels
  const ones = new Float64Array(channels).fill(1)
  if (precision === 'w8') {
    const folded = foldLayer(node, state)
    const scales = rowScales(folded)
    const length = folded.weight.length / folded.rows
    const weight = folded.weight.map((value, i) => {
      const scale = scales[Math.floor(i / length)]
      return scale ? Math.round(value / scale) * scale : 0
    })
    return {
      weight,
      bias: folded.bias,
      scale: ones,
      shift: node.op === 'conv' && node.dynamic ? folded.constant : new Float64Array(channels),
    }
  }
  const weight = Float64Array.from(state.get(node.params.weight)!.data)
  const bias = node.params.bias
    ? Float64Array.from(state.get(node.params.bias)!.data)
    : new Float64Array(state.get(node.params.weight)!.shape[0])
  const { bn } = node.params
  if (!bn) return { weight, bias, scale: ones, shift: new Float64Array(channels) }
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
    (part) => state.get(`${bn}.${part}`)!.data,
  )
  const scale = ones.map((_, c) => gamma[c] / Math.sqrt(variance[c] + BN_EPSILON))
  return { weight, bias, scale, shift: scale.map((factor, c) => beta[c] - mean[c] * factor) }
}

/** Equation 1 of the DyNet paper: w~[t] = sum_i eta[t][i] w[t][i], and so the biases. */
export function fuse(node: Conv, layer: Layer, coefficients: ReferenceTensor): Layer {
  const { kernels, from } = node.dynamic!
  const length = layer.weight.length / (node.channels * kernels)
  const weight = new Float64Array(node.channels * length)
  const bias = new Float64Array(node.channels)
  for (let t = 0; t < node.channels; ++t)
    for (let i = 0; i < kernels; ++i) {
      const row = t * kernels + i
      const eta = coefficients.data[from + row]
      bias[t] += eta * layer.bias[row]
      for (let k = 0; k < length; ++k) weight[t * length + k] += eta * layer.weight[row * length + k]
    }
  return { ...layer, weight, bias }
}

function convolve(
  node: Conv,
  input: ReferenceTensor,
  output: ReferenceTensor,
  { weight, bias, scale, shift }: Layer,
): void {
  const { kernel, stride, padding, groups } = node
  const members = input.channels / groups
  const perGroup = output.channels / groups
  for (let y = 0; y < output.height; ++y)
    for (let x = 0; x < output.width; ++x)
      for (let t = 0; t < output.channels; ++t) {
        const first = Math.floor(t / perGroup) * members
        let sum = bias[t]
        for (let i = 0; i < kernel; ++i) {
          const v = y * stride + i - padding
          if (v < 0 || v >= input.height) continue
          for (let j = 0; j < kernel; ++j) {
            const u = x * stride + j - padding
            if (u < 0 || u >= input.width) continue
            const pixel = (v * input.width + u) * input.channels + first
            const tap = (t * members * kernel + i) * kernel + j
            for (let c = 0; c < members; ++c) sum += input.data[pixel + c] * weight[tap + c * kernel * kernel]
          }
        }
        output.data[(y * output.width + x) * output.channels + t] = scale[t] * sum + shift[t]
      }
}

function linear(input: ReferenceTensor, output: ReferenceTensor, { weight, bias }: Layer): void {
  for (let t = 0; t < output.channels; ++t) {
    let sum = bias[t]
    for (let c = 0; c < input.channels; ++c) sum += weight[t * input.channels + c] * input.data[c]
    output.data[t] = sum
  }
}

function globalPool(input: ReferenceTensor, output: ReferenceTensor): void {
  const area = input.height * input.width
  for (let i = 0; i < input.data.length; ++i) output.data[i % input.channels] += input.data[i] / area
}

/** Taps outside the picture do not count. */
function maxPool(input: ReferenceTensor, output: ReferenceTensor, kernel: number, stride: number): void {
  const padding = (kernel - 1) >> 1
  for (let y = 0; y < output.height; ++y)
    for (let x = 0; x < output.width; ++x)
      for (let c = 0; c < output.channels; ++c) {
        let largest = -Infinity
        for (let i = 0; i < kernel; ++i)
          for (let j = 0; j < kernel; ++j) {
            const v = y * stride + i - padding
            const u = x * stride + j - padding
            const inside = v >= 0 && v < input.height && u >= 0 && u < input.width
            if (inside) largest = Math.max(largest, input.data[(v * input.width + u) * input.channels + c])
          }
        output.data[(y * output.width + x) * output.channels + c] = largest
      }
}

/** Concatenation, then PyTorch's view(groups, channels / groups).transpose(). */
function shuffle(left: ReferenceTensor, right: ReferenceTensor, output: ReferenceTensor, groups: number): void {
  const perGroup = output.channels / groups
  for (let pixel = 0; pixel < output.height * output.width; ++pixel)
    for (let c = 0; c < output.channels; ++c) {
      const value =
        c < left.channels
          ? left.data[pixel * left.channels + c]
          : right.data[pixel * right.channels + c - left.channels]
      output.data[pixel * output.channels + (c % perGroup) * groups + Math.floor(c / perGroup)] = value
    }
}

function softmax(input: ReferenceTensor, output: ReferenceTensor): void {
  const largest = input.data.reduce((most, value) => Math.max(most, value), -Infinity)
  const powers = input.data.map((value) => Math.exp(value - largest))
  const sum = powers.reduce((total, value) => total + value, 0)
  output.data = powers.map((value) => value / sum)
}

/** Channels from .. from + channels of a tensor. */
function slice(tensor: ReferenceTensor, from: number, channels: number): ReferenceTensor {
  if (channels === tensor.channels) return tensor
  const { height, width } = tensor
  const data = new Float64Array(height * width * channels)
  for (let i = 0; i < data.length; ++i)
    data[i] = tensor.data[Math.floor(i / channels) * tensor.channels + from + (i % channels)]
  return { height, width, channels, data }
}
