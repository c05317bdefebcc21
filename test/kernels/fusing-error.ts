import type { Conv, Graph, Use } from '../../src/graph/graph.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { fuse, layerOf, type ReferenceTensor } from '../../src/reference.ts'

type Tensors = Map<string, ReferenceTensor>

/**
 * How far every tensor of a w8 graph may lie from its exact value because int8 kernels are fused with coefficients rounded to 16 bits
 * (fuse_w8.ts): a fused weight is off by g_t * 127 * max|eta s| / 65534 at most, where 127 s is the largest fixed weight; what comes
 * after multiplies that by its own weights. `tensors` are the exact values.
 */
export function fusingErrors(graph: Graph, state: StateDict, tensors: Tensors): Map<string, number> {
  const errors = new Map<string, number>([[graph.input, 0]])
  const of = (part: Use) => errors.get(part.tensor)!
  for (const node of graph.nodes) {
    let error: number
    if (node.op === 'shuffle') error = Math.max(of(node.left), of(node.right))
    else if (node.op === 'conv') error = convError(node, state, tensors, errors)
    else {
      error = of(node.input)
      if (node.op === 'linear' || node.op === 'coefficients') {
        const { weight } = layerOf(node, state, 'w8')
        error *= largestSum(weight, weight.length / (node.op === 'linear' ? node.channels : node.length))
        // Steepest slope of the sigmoid.
        if (node.op === 'coefficients') error /= 4
      }
    }
    errors.set(node.output, error)
  }
  return errors
}

/** Activations bring no two values further apart. */
function convError(node: Conv, state: StateDict, tensors: Tensors, errors: Map<string, number>): number {
  const layer = layerOf(node, state, 'w8')
  const input = tensors.get(node.input.tensor)!
  const before = errors.get(node.input.tensor)!
  let error = node.residual ? errors.get(node.residual)! : 0
  if (!node.dynamic) return error + before * largestSum(layer.weight, layer.weight.length / node.channels)
  const { coefficients, from, kernels } = node.dynamic
  const eta = tensors.get(coefficients)!.data
  const length = layer.weight.length / (node.channels * kernels)
  const fused = fuse(node, layer, tensors.get(coefficients)!)
  error += before * largestSum(fused.weight, length)
  let rounding = 0
  let perCoefficient = 0
  let perBias = 0
  for (let t = 0; t < node.channels; ++t) {
    let largest = 0
    let bias = 0
    const sums = new Float64Array(length)
    for (let row = t * kernels; row < (t + 1) * kernels; ++row) {
      const weights = layer.weight.subarray(row * length, (row + 1) * length).map(Math.abs)
      largest = Math.max(largest, eta[from + row] * Math.max(...weights))
      bias += Math.abs(layer.bias[row])
      for (let k = 0; k < length; ++k) sums[k] += weights[k]
    }
    rounding = Math.max(rounding, (kernels * largest) / 65534)
    perCoefficient = Math.max(perCoefficient, ...sums)
    perBias = Math.max(perBias, bias)
  }
  const ofCoefficients = errors.get(coefficients)!
  error += (rounding + ofCoefficients * perCoefficient) * (windowSum(node, input) + before * length)
  return error + ofCoefficients * perBias
}

/** Largest sum of absolute values of a row. */
function largestSum(weight: Float64Array, length: number): number {
  let most = 0
  for (let at = 0; at < weight.length; at += length)
    most = Math.max(
      most,
      weight.subarray(at, at + length).reduce((sum, value) => sum + Math.abs(value), 0),
    )
  return most
}

/** No less than the sum of absolute inputs under any kernel: that of the largest pixel in each tap. */
function windowSum({ kernel, groups, input: { from = 0, channels } }: Conv, input: ReferenceTensor): number {
  const members = channels / groups
  let most = 0
  for (let pixel = 0; pixel < input.height * input.width; ++pixel)
    for (let group = 0; group < groups; ++group) {
      const at = pixel * input.channels + from + group * members
      most = Math.max(
        most,
        input.data.subarray(at, at + members).reduce((sum, value) => sum + Math.abs(value), 0),
      )
    }
  return kernel * kernel * most
}
