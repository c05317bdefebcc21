import type { Coefficients, Conv, Graph, Linear, Use } from '../graph/graph.ts'
import { kernelFor } from '../kernels.ts'
import { assignLanes, type ConvKind, convKind, type Lanes } from './lanes.ts'

export type Precision = 'f32' | 'w8'

/** How the weight of a node lies in a bundle, and how to find each value in its PyTorch tensor. docs/layouts.md has the formulas. */
export interface WeightLayout {
  node: Conv | Linear | Coefficients
  kind: ConvKind | 'linear'
  /** Output lane -> row of the PyTorch weight (dynamic: row / kernels), -1 for padding. */
  lanes: Lanes
  /** Position in the reduction -> index in a row, -1 for padding. */
  taps: Int32Array
  /** Quads per block. */
  block: number
  /** Fixed kernels per output lane, g_t; 0 in a fixed layer. */
  kernels: number
}

export interface WeightTensor {
  name: string
  dtype: 'F32' | 'I8'
  elements: number
}

const found = new WeakMap<Graph, WeightLayout[]>()

/** Layouts of all nodes with weights, in the order of the graph; worked out once a graph. */
export function weightLayouts(graph: Graph): WeightLayout[] {
  const known = found.get(graph)
  if (known) return known
  const lanes = assignLanes(graph)
  const layouts: WeightLayout[] = []
  for (const node of graph.nodes) {
    if (node.op !== 'conv' && node.op !== 'linear' && node.op !== 'coefficients') continue
    const kind = node.op === 'conv' ? convKind(node) : 'linear'
    layouts.push({
      node,
      kind,
      lanes: lanes.get(node.output)!,
      taps: tapsOf(kind, node, lanes.get(node.input.tensor)!),
      block: kernelFor(kind).block,
      kernels: node.op === 'conv' && node.dynamic ? node.dynamic.kernels : 0,
    })
  }
  found.set(graph, layouts)
  return layouts
}

/** Logical channels of the lanes that `use` reads, from its first lane on; trailing padding is cut. */
export function usedLanes(use: Use, lanes: Lanes): number[] {
  const from = use.from ?? 0
  let end = use.from === undefined ? lanes.length : from + use.channels
  while (lanes[end - 1] < 0) --end
  const view: number[] = []
  for (let lane = from; lane < end; ++lane) view.push(lanes[lane] < 0 ? -1 : lanes[lane] - from)
  return view
}

function tapsOf(kind: WeightLayout['kind'], node: Conv | Linear | Coefficients, lanes: Lanes): Int32Array {
  const channels = usedLanes(node.input, lanes)
  if (kind === 'pointwise' || kind === 'linear') return Int32Array.from(channels)
  const { kernel } = node as Conv
  const area = kernel * kernel
  // Within a group the members follow the taps; a row of the PyTorch weight is [member][tap].
  const members = { full: channels, grouped6: [0, 1, 2, 3, 4, 5], grouped2: [0, 1], depthwise: [0] }[kind]
  const taps = new Int32Array(area * members.length)
  let k = 0
  for (let tap = 0; tap < area; ++tap) for (const member of members) taps[k++] = member < 0 ? -1 : member * area + tap
  return taps
}

/** Tensors of a node in a bundle of `precision`: `<node>.weight`, `.bias` and, with int8 weights, `.scale`. */
export function weightTensors(layout: WeightLayout, precision: Precision): WeightTensor[] {
  const { name } = layout.node
  const fixed = layout.kernels || 1
  const rows = layout.lanes.length * fixed
  // A dynamic layer has one more bias per lane: what folding BN leaves outside the weighted sum.
  const bias: WeightTensor = {
    name: `${name}.bias`,
    dtype: 'F32',
    elements: rows + (layout.kernels ? layout.lanes.length : 0),
  }
  if (precision === 'f32') return [{ name: `${name}.weight`, dtype: 'F32', elements: rows * layout.taps.length }, bias]
  const stored = layout.kernels ? layout.kernels + (layout.kernels & 1) : 1
  const weight: WeightTensor = {
    name: `${name}.weight`,
    dtype: 'I8',
    elements: layout.lanes.length * stored * layout.taps.length,
  }
  return [weight, { name: `${name}.scale`, dtype: 'F32', elements: rows }, bias]
}
