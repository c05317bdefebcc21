import {
  type Coefficients,
  type Conv,
  type Graph,
  inferShapes,
  type Linear,
  type Node,
  nodeInputs,
  type Quantization,
  type Shape,
  type Use,
} from './graph/graph.ts'
import { isInteger } from './graph/integer.ts'
import type { StateDict } from './graph/parameters.ts'
import { foldLayer } from './pack/fold.ts'
import { isDepthwise, type QuantizedLayer, quantizeLayer } from './pack/quantize.ts'
import { computeReference } from './reference.ts'

// The oracle of the int8 kernels: docs/quantization.md, line by line, in plain loops. No part of the package.

/** A tensor, H x W x C row by row; a vector is 1 x 1. Stored integers (Int32Array) or float32. */
export interface Int8Tensor extends Shape {
  data: Int32Array | Float32Array
}

interface Integers extends Shape {
  data: Int32Array
}

/** A layer's integers at run time: w, B and m of each output channel. */
interface Fused {
  weight: Int8Array
  bias: Int32Array
  factor: Float32Array
}

const f = Math.fround

/** Nearest integer, ties to even: 1.5 * 2^52 leaves a float64 no room for a fraction, and its addition rounds just so. */
function rne(x: number): number {
  return Math.abs(x) < 2 ** 51 ? x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52 : x
}

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high)

/**
 * Every tensor of a quantized graph for one picture, H x W x 3: float32 values, or (Uint8Array) the integers that stand for them. Nodes
 * that are kept in float32 are computed as `runReference` does, and rounded: equal to the kernels' up to the order of their sums only.
 * What follows them is equal to the bit where `replace` puts the kernels' own values in their place.
 */
export function runInt8Reference(
  graph: Graph,
  state: StateDict,
  picture: Float32Array | Uint8Array,
  height: number,
  width: number,
  replace: (output: string, data: Float32Array) => Float32Array = (_, data) => data,
): Map<string, Int8Tensor> {
  const shapes = inferShapes(graph, height, width)
  const stored = graph.quantization?.[graph.input]
  const values = stored ? quantizePicture(picture, stored) : Float32Array.from(picture)
  const tensors = new Map<string, Int8Tensor>([[graph.input, { ...shapes.get(graph.input)!, data: values }]])
  for (const node of graph.nodes) {
    let data = compute(graph, node, tensors, shapes, state)
    if (!isInteger(graph, node)) data = replace(node.output, data as Float32Array)
    tensors.set(node.output, { ...shapes.get(node.output)!, data })
  }
  return tensors
}

/** Stored integers of RGB bytes, H x W x 3. */
export function quantizePixels(
  pixels: Uint8Array,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
  stored: Quantization,
): Uint8Array {
  return pixels.map((byte, i) => quantize(f(f(f(byte / 255) - f(mean[i % 3])) / f(std[i % 3])), stored))
}

function quantizePicture(picture: Float32Array | Uint8Array, stored: Quantization): Int32Array {
  return picture instanceof Uint8Array ? Int32Array.from(picture) : Int32Array.from(picture, (x) => quantize(x, stored))
}

function compute(
  graph: Graph,
  node: Node,
  tensors: ReadonlyMap<string, Int8Tensor>,
  shapes: ReadonlyMap<string, Shape>,
  state: StateDict,
): Int32Array | Float32Array {
  const use = (part: Use) => slice(tensors.get(part.tensor)! as Integers, part)
  const shape = shapes.get(node.output)!
  if (isInteger(graph, node)) {
    if (node.op === 'quantize') {
      const { data } = tensors.get(node.input.tensor)!
      return Int32Array.from(data, (x) => quantize(x, quantization(graph, node.output)))
    }
    if (node.op === 'dequantize') {
      const { scale, zero } = quantization(graph, node.input.tensor)
      return Float32Array.from(tensors.get(node.input.tensor)!.data, (q) => f(scale * (q - zero)))
    }
    if (node.op === 'conv') {
      const layer = quantizeLayer(graph, node, foldLayer(node, state))
      const fused = node.dynamic ? fuse(graph, node, layer, tensors.get(node.dynamic.coefficients)!.data) : layer
      const residual = node.residual === undefined ? undefined : (tensors.get(node.residual)!.data as Int32Array)
      return convolve(graph, node, use(node.input), shape, fused, residual)
    }
    if (node.op === 'globalpool') return globalPool(graph, node.input, use(node.input))
    if (node.op === 'coefficients')
      return linear(graph, node, globalPool(graph, node.input, use(node.input)), state).map(sigmoid)
    if (node.op === 'linear') return linear(graph, node, use(node.input).data, state)
  }
  // Moves and comparisons, exact on integers too; or what is kept in float32.
  const inputs = new Set(nodeInputs(node).map(({ tensor }) => tensor))
  if (node.op === 'conv' && node.dynamic) inputs.add(node.dynamic.coefficients)
  const floats = new Map([...inputs].map((name) => [name, asFloat64(tensors.get(name)!)]))
  const output = { ...shape, data: new Float64Array(shape.height * shape.width * shape.channels) }
  computeReference(node, output, floats, state, 'f32')
  return isInteger(graph, node) ? Int32Array.from(output.data) : Float32Array.from(output.data)
}

function quantization(graph: Graph, tensor: string): Quantization {
  return graph.quantization![tensor]
}

function topOf({ bits }: Quantization): number {
  return 2 ** bits - 1
}

function quantize(x: number, stored: Quantization): number {
  return clamp(rne(f(x / stored.scale) + stored.zero), 0, topOf(stored))
}

function convolve(
  graph: Graph,
  node: Conv,
  input: Integers,
  shape: Shape,
  { weight, bias, factor }: Fused,
  residual: Int32Array | undefined,
): Int32Array {
  const stored = quantization(graph, node.output)
  const low = node.activation === 'none' ? 0 : stored.zero
  const high =
    node.activation === 'relu6' ? Math.min(topOf(stored), stored.zero + rne(6 / stored.scale)) : topOf(stored)
  const side = node.residual === undefined ? undefined : quantization(graph, node.residual)
  const ratio = side ? f(side.scale / stored.scale) : 0
  const { zero } = quantization(graph, node.input.tensor)
  const length = weight.length / node.channels
  const perGroup = node.channels / node.groups
  const output = new Int32Array(shape.height * shape.width * shape.channels)
  for (let y = 0, at = 0; y < shape.height; ++y)
    for (let x = 0; x < shape.width; ++x) {
      const taps = window(node, input, y, x, zero)
      for (let t = 0; t < node.channels; ++t, ++at) {
        const first = Math.floor(t / perGroup) * length
        let sum = bias[t]
        for (let k = 0; k < length; ++k) sum = (sum + Math.imul(taps[first + k], weight[t * length + k])) | 0
        let v = f(f(sum) * factor[t])
        if (side) v = f(v + f(f(residual![at] - side.zero) * ratio))
        output[at] = clamp(rne(v + stored.zero), low, high)
      }
    }
  return output
}

/** What one output pixel sees, [channel][tap] as in a row of the weight; padding is the zero point. */
function window({ kernel, stride, padding }: Conv, input: Integers, y: number, x: number, zero: number): Int32Array {
  const taps = new Int32Array(input.channels * kernel * kernel)
  for (let c = 0, k = 0; c < input.channels; ++c)
    for (let i = 0; i < kernel; ++i)
      for (let j = 0; j < kernel; ++j, ++k) {
        const v = y * stride + i - padding
        const u = x * stride + j - padding
        const inside = v >= 0 && v < input.height && u >= 0 && u < input.width
        taps[k] = inside ? input.data[(v * input.width + u) * input.channels + c] : zero
      }
  return taps
}

/** The dynamic convolution's kernels for this picture. */
function fuse(graph: Graph, node: Conv, layer: QuantizedLayer, vector: ArrayLike<number>): Fused {
  const { kernels, from } = node.dynamic!
  const { channels } = node
  const length = layer.weight.length / layer.rows
  const fused: Fused = {
    weight: new Int8Array(channels * length),
    bias: new Int32Array(channels),
    factor: new Float32Array(channels),
  }
  const input = quantization(graph, node.input.tensor)
  const output = quantization(graph, node.output)
  let h = 0
  while (2 ** h < kernels * 127) ++h
  for (let t = 0; t < channels; ++t) {
    const row = t * kernels
    const eta = Array.from({ length: kernels }, (_, i) => vector[from + row + i])
    const c = eta.map((value, i) => f(value * layer.scale[row + i]))
    let largest = Math.max(...c.map(Math.abs))
    if (largest < 2 ** -100) largest = 1
    const reach = f(32767 / largest)
    const e = c.map((value) => rne(f(value * reach)))
    const sums = new Int32Array(length)
    for (let i = 0; i < kernels; ++i)
      for (let k = 0; k < length; ++k) sums[k] += e[i] * layer.weight[(row + i) * length + k]
    const rounded = h === 0 ? sums : sums.map((sum) => (sum + 2 ** (h - 1)) >> h)
    const factor = fusedFactor(rounded, isDepthwise(node))
    const scale = f(f(largest * f((2 ** h * 32768) / 32767)) / f(factor))
    let w = rounded.map((value) => (Math.imul(value, factor) + 2 ** 14) >> 15)
    let b = layer.constant[t]
    for (let i = 0; i < kernels; ++i) b = f(b + f(eta[i] * layer.kernelBias[row + i]))
    let unit = f(input.scale * scale)
    if (Math.abs(f(b / unit)) > 2 ** 30) {
      w = w.map(() => 0)
      unit = f(Math.abs(b) * 2 ** -30)
    }
    fused.weight.set(w, t * length)
    fused.factor[t] = f(unit / output.scale)
    fused.bias[t] = clamp(rne(f(b / unit)), -(2 ** 30), 2 ** 30) - input.zero * w.reduce((sum, q) => sum + q, 0)
  }
  return fused
}

/** F: times F / 2^15, the values fit int8; in a depthwise layer, so do their sums of one sign 258. */
function fusedFactor(values: Int32Array, depthwise: boolean): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1
  const factor = Math.min(32767, Math.floor((127 * 32768) / largest))
  if (!depthwise) return factor
  const above = values.reduce((sum, value) => sum + Math.max(value, 0), 0)
  const below = values.reduce((sum, value) => sum - Math.min(value, 0), 0)
  return Math.min(factor, Math.floor((253 * 32768) / Math.max(above, below, 1)))
}

/** f, the extra bits of a mean of `channels` channels. */
function extraBits(channels: number, top: number): number {
  const fits = (bits: number) => 127 * channels * top * 2 ** bits <= 2 ** 30 && top * 2 ** bits <= 32767
  return [8, 7, 6, 5, 4, 3, 2, 1].find(fits) ?? 0
}

function globalPool(graph: Graph, from: Use, { height, width, channels, data }: Integers): Int32Array {
  const stored = quantization(graph, from.tensor)
  const area = height * width
  const ratio = f(2 ** extraBits(channels, topOf(stored)) / area)
  const sums = new Int32Array(channels)
  for (let i = 0; i < data.length; ++i) sums[i % channels] += data[i]
  return sums.map((sum) => clamp(rne(f(f(sum - stored.zero * area) * ratio)), -32768, 32767))
}

function linear(graph: Graph, node: Linear | Coefficients, pooled: Int32Array, state: StateDict): Float32Array {
  const { weight, rows, bias, factor } = quantizeLayer(graph, node, foldLayer(node, state))
  return Float32Array.from({ length: rows }, (_, n) => {
    const sum = pooled.reduce(
      (total, value, c) => (total + Math.imul(weight[n * pooled.length + c], value)) | 0,
      bias[n],
    )
    return f(f(sum) * factor[n])
  })
}

/** Cephes' polynomial in float32. */
function sigmoid(y: number): number {
  const x = clamp(-y, -87, 88)
  const n = rne(f(x * f(Math.LOG2E)))
  const r = f(f(x - f(n * f(0.693359375))) - f(n * f(-2.1219444e-4)))
  let p = f(1.98756915e-4)
  for (const c of [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1])
    p = f(f(p * r) + f(c))
  p = f(f(f(p * f(r * r)) + r) + 1)
  const e = f(p * 2 ** n)
  return f(1 / f(1 + e))
}

/** The channels that `part` names. */
function slice(tensor: Integers, { from = 0, channels }: Use): Integers {
  if (channels === tensor.channels) return tensor
  const { height, width } = tensor
  const data = new Int32Array(height * width * channels)
  for (let i = 0; i < data.length; ++i)
    data[i] = tensor.data[Math.floor(i / channels) * tensor.channels + from + (i % channels)]
  return { height, width, channels, data }
}

function asFloat64({ data, ...shape }: Int8Tensor) {
  return { ...shape, data: Float64Array.from(data) }
}
