import type { Coefficients, Conv, Graph, Linear, Use } from '../graph/graph.ts'
import { isInteger } from '../graph/integer.ts'
import type { Precision } from '../interface.ts'
import { kernelFor } from '../kernels.ts'
import { assignLanes, type ConvKind, convKind, type Lanes } from './lanes.ts'

export type { Precision }

/** How the weight of a node lies in a bundle, and how to find each value in its PyTorch tensor. docs/layouts.md has the formulas. */
export interface WeightLayout {
  node: Conv | Linear | Coefficients
  kind: ConvKind | 'linear'
  /** Output lane -> row of the PyTorch weight (dynamic: row / kernels), -1 for padding. */
  lanes: Lanes
  /** Position in the reduction -> index in a row, -1 for padding. */
  taps: Int32Array
  /** Does it run on integers? Then weights lie as docs/quantization.md says. */
  integer: boolean
  /** Quads per block; of an integer layer lanes per block. */
  block: number
  /** Fixed kernels per output lane, g_t; 0 in a fixed layer. */
  kernels: number
}

export interface WeightTensor {
  name: string
  dtype: 'F32' | 'I8' | 'I32'
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
    const integer = isInteger(graph, node)
    layouts.push({
      node,
      kind,
      lanes: lanes.get(node.output)!,
      taps: (integer ? integerTapsOf : tapsOf)(kind, node, lanes.get(node.input.tensor)!),
      integer,
      block: kernelFor(kind, integer ? 'i8' : 'f32').block,
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

/** Groups of four, that a 32-bit word of an activation multiplies. */
function integerTapsOf(kind: WeightLayout['kind'], node: Conv | Linear | Coefficients, lanes: Lanes): Int32Array {
  if (kind === 'depthwise') return tapsOf(kind, node, lanes)
  const taps: number[] = []
  const quads = (values: number[]) => {
    taps.push(...values)
    while (taps.length % 4) taps.push(-1)
  }
  if (kind === 'pointwise' || kind === 'linear') quads(usedLanes(node.input, lanes))
  else if (kind === 'full') {
    const area = (node as Conv).kernel ** 2
    const channels = usedLanes(node.input, lanes)
    for (let tap = 0; tap < area; ++tap) quads(channels.map((channel) => (channel < 0 ? -1 : channel * area + tap)))
  } else {
    // Pairs of taps share a quad, the ninth has one to itself.
    const members = kind === 'grouped6' ? [4, 5] : [0, 1]
    if (kind === 'grouped6') for (let tap = 0; tap < 9; ++tap) quads([0, 1, 2, 3].map((member) => member * 9 + tap))
    for (let tap = 0; tap < 9; tap += 2)
      quads([tap, tap + 1].filter((each) => each < 9).flatMap((each) => members.map((member) => member * 9 + each)))
  }
  return Int32Array.from(taps)
}

/** Lanes of an integer layer's weights: whole blocks. */
export function wholeLanes({ lanes, block }: WeightLayout): number {
  return Math.ceil(lanes.length / block) * block
}

/** Place of `lane` among the lanes of `lanes` that are not padding: dynamic integer layers store only those. */
export function storedLane(lanes: Lanes, lane: number): number {
  return lanes.subarray(0, lane).reduce((count, channel) => count + (channel < 0 ? 0 : 1), 0)
}

/** Which of the last 12 lanes are padding: bit 0 for the first of them. */
export function holesOf(lanes: Lanes): number {
  return lanes.reduce((holes, channel, lane) => (channel < 0 ? holes | (1 << (lane - lanes.length + 12)) : holes), 0)
}

/** Weights of one lane of an integer layer: a multiple of 4; the fused kernel of a depthwise layer has 9. */
export function integerDepth({ kind, taps, kernels }: WeightLayout): number {
  return kind === 'depthwise' && kernels ? 12 : taps.length
}

function integerTensors(layout: WeightLayout): WeightTensor[] {
  const { node, lanes, kernels } = layout
  const whole = wholeLanes(layout)
  const depth = integerDepth(layout)
  const tensor = (part: string, dtype: WeightTensor['dtype'], elements: number) => ({
    name: `${node.name}.${part}`,
    dtype,
    elements,
  })
  if (!kernels)
    return [tensor('weight', 'I8', whole * depth), tensor('bias', 'I32', whole), tensor('factor', 'F32', whole)]
  const stored = storedLane(lanes, lanes.length)
  return [
    tensor('weight', 'I8', stored * depth * (kernels + (kernels & 1))),
    tensor('scale', 'F32', stored * kernels),
    tensor('bias', 'F32', stored * (kernels + 1)),
  ]
}

/** Tensors of a node in a bundle of `precision`: `<node>.weight`, `.bias` and, with int8 weights, `.scale` or `.factor`. */
export function weightTensors(layout: WeightLayout, precision: Precision): WeightTensor[] {
  if (layout.integer) return integerTensors(layout)
  const { name } = layout.node
  const fixed = layout.kernels || 1
  const rows = layout.lanes.length * fixed
  // A dynamic layer has one more bias per lane: what folding BN leaves outside the weighted sum.
  const bias: WeightTensor = {
    name: `${name}.bias`,
    dtype: 'F32',
    elements: rows + (layout.kernels ? layout.lanes.length : 0),
  }
  if (precision !== 'w8') return [{ name: `${name}.weight`, dtype: 'F32', elements: rows * layout.taps.length }, bias]
  const stored = layout.kernels ? layout.kernels + (layout.kernels & 1) : 1
  const weight: WeightTensor = {
    name: `${name}.weight`,
    dtype: 'I8',
    elements: layout.lanes.length * stored * layout.taps.length,
  }
  return [weight, { name: `${name}.scale`, dtype: 'F32', elements: rows }, bias]
}
