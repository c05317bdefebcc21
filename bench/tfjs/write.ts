import { writeStateDict } from '../../src/bundle/safetensors.ts'
import type { Coefficients, Conv, Graph, Linear } from '../../src/graph/graph.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { foldLayer } from '../../src/pack/fold.ts'

/** How TensorFlow.js is asked for what it has no operation for. */
export interface TfjsForm {
  /** A fused kernel: `sum` of Mul over the fixed kernels, innermost, or a batched `matmul` [C,1,g] x [C,g,K]. */
  kernel: 'sum' | 'matmul'
  /** A dynamic 1x1 layer: `conv`, or `matmul` of the pixels with the kernel. */
  pointwise: 'conv' | 'matmul'
  /**
   * A grouped 3x3 layer: a `dense` one whose kernel is zero between groups, a convolution for every group (`split`), or a `depthwise`
   * one with a multiplier, whose parts a product with ones adds up.
   */
  grouped: 'dense' | 'split' | 'depthwise'
}

/** By name; the first is the fastest where it was measured: bench/RESULTS.md. */
export const TFJS_FORMS: Record<string, TfjsForm> = {
  'sum+matmul': { kernel: 'sum', pointwise: 'matmul', grouped: 'depthwise' },
  'sum+conv': { kernel: 'sum', pointwise: 'conv', grouped: 'depthwise' },
  'matmul+matmul': { kernel: 'matmul', pointwise: 'matmul', grouped: 'depthwise' },
  'matmul+conv': { kernel: 'matmul', pointwise: 'conv', grouped: 'depthwise' },
  'sum+matmul, groups apart': { kernel: 'sum', pointwise: 'matmul', grouped: 'split' },
  'sum+matmul, groups dense': { kernel: 'sum', pointwise: 'matmul', grouped: 'dense' },
}

/**
 * The network for `compile`: a safetensors file with the graph in its metadata and BN folded. Kernels lie as TensorFlow.js wants them,
 * [y][x][in][out]; of a dynamic layer [y][x][in][out][fixed kernel], or for `matmul` [out][fixed kernel][y][x][in]. `in` counts the
 * channels of a group; a layer for `depthwise` has [y][x][group][in][out of the group].
 */
export function writeTfjs(graph: Graph, state: StateDict, form: TfjsForm): Uint8Array {
  const tensors: { name: string; shape: number[]; data: Float32Array }[] = []
  const put = (name: string, shape: number[], data: Float32Array) => tensors.push({ name, shape, data })
  for (const node of graph.nodes) {
    if (node.op === 'conv') putConv(node, state, form, put)
    if (node.op === 'linear' || node.op === 'coefficients') putLinear(node, state, put)
  }
  return writeStateDict(tensors, { graph: JSON.stringify(graph), form: JSON.stringify(form) })
}

type Put = (name: string, shape: number[], data: Float32Array) => void

function putConv(node: Conv, state: StateDict, form: TfjsForm, put: Put): void {
  const { name, channels, kernel, groups, dynamic, input } = node
  const { weight, bias, constant } = foldLayer(node, state)
  const cin = input.channels / groups
  const out = channels / groups
  const taps = kernel * kernel
  const kernels = dynamic?.kernels ?? 1
  const length = taps * cin
  const rows = dynamic !== undefined && form.kernel === 'matmul'
  const data = new Float32Array(weight.length)
  let from = 0
  for (let channel = 0; channel < channels; ++channel)
    for (let k = 0; k < kernels; ++k)
      for (let member = 0; member < cin; ++member)
        for (let tap = 0; tap < taps; ++tap) {
          const group = Math.floor(channel / out)
          const place = byGroup(node, form)
            ? ((tap * groups + group) * cin + member) * out + (channel % out)
            : (tap * cin + member) * channels + channel
          const index = rows ? (channel * kernels + k) * length + tap * cin + member : place * kernels + k
          data[index] = weight[from++]
        }
  put(`${name}.weight`, rows ? [channels, kernels, length] : [length * channels, kernels], data)
  put(`${name}.bias`, dynamic ? [channels, kernels] : [channels], Float32Array.from(bias))
  if (dynamic) put(`${name}.constant`, [channels], Float32Array.from(constant))
}

/** Is this layer a depthwise one with a multiplier, for want of groups? */
export function byGroup({ groups, channels }: Conv, form: TfjsForm): boolean {
  return groups > 1 && groups < channels && form.grouped === 'depthwise'
}

function putLinear(node: Linear | Coefficients, state: StateDict, put: Put): void {
  const { weight, bias, rows } = foldLayer(node, state)
  const length = node.input.channels
  const data = Float32Array.from(weight, (_, i) => weight[(i % rows) * length + Math.floor(i / rows)])
  put(`${node.name}.weight`, [length, rows], data)
  put(`${node.name}.bias`, [rows], Float32Array.from(bias))
}
