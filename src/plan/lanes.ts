import { DETAILS } from '../details.ts'
import { DynedgeError } from '../errors.ts'
import { type Conv, type Graph, INPUT_CHANNELS, type Node, nodeInputs, type Shuffle } from '../graph/graph.ts'
import { isInteger } from '../graph/integer.ts'

/**
 * Physical lanes of a tensor's pixel: lane -> logical channel, -1 for padding (always zero). The length is a multiple of 4. Kernels
 * for small groups want their channels in an order of their own; packing permutes weights to match, so the order costs nothing.
 */
export type Lanes = Int32Array

export type ConvKind = 'pointwise' | 'full' | 'depthwise' | 'grouped6' | 'grouped2'

/** Which kernel a convolution takes; throws `unsupported-op` for one that none can do. */
export function convKind(node: Conv): ConvKind {
  const { groups, kernel, stride, padding, channels } = node
  const cin = node.input.channels
  if (groups === 1) {
    if (kernel === 1 && padding === 0) return 'pointwise'
    if (padding < kernel) return 'full'
  } else if (kernel === 3 && padding === 1 && stride <= 2 && cin === channels) {
    if (groups === channels) return 'depthwise'
    if (groups * 6 === channels) return 'grouped6'
    if (groups * 2 === channels) return 'grouped2'
  }
  const there =
    DETAILS &&
    ' There are kernels for one group (any size), and for 3x3, stride 1 or 2, padding 1, with 1, 2 or 6 channels per group.'
  throw new DynedgeError(
    'unsupported-op',
    `${node.name}: no kernel for a ${kernel}x${kernel} convolution ${cin} -> ${channels} in ${groups} groups, stride ${stride}, padding ${padding}.${there || ''}`,
  )
}

/** How a shuffle is woven into the epilogue of the convolution that makes its right half. */
export type Zip = 'zip2' | 'zip4' | 'pairs'

export function zipOf(node: Shuffle): Zip {
  const left = (node.left.channels * node.groups) / (node.left.channels + node.right.channels)
  if (node.groups === 2 && left === 1) return 'zip2'
  if (node.groups === 4 && left === 3) return 'zip4'
  if (node.groups === 4 && left === 2) return 'pairs'
  const there = DETAILS && '; there are 1:1 in 2 groups, 3:1 and 2:2 in 4'
  throw new DynedgeError(
    'unsupported-op',
    `${node.name}: no kernel shuffles ${node.left.channels} + ${node.right.channels} channels in ${node.groups} groups${there || ''}.`,
  )
}

/** 0, 1, 2 ... channels - 1, padded to a multiple of 4. */
export function plainLanes(channels: number): Lanes {
  return padded(Array.from({ length: channels }, (_, channel) => channel))
}

function padded(lanes: number[], multiple = 4): Lanes {
  while (lanes.length % multiple) lanes.push(-1)
  return Int32Array.from(lanes)
}

/** Two groups alternately (a0 b0 a1 b1 ...), an odd last group plainly: what grouped6 reads with 64-bit splats. */
function sixLanes(channels: number): Lanes {
  const lanes: number[] = []
  let group = 0
  for (; group + 12 <= channels; group += 12) for (let i = 0; i < 6; ++i) lanes.push(group + i, group + 6 + i)
  for (; group < channels; ++group) lanes.push(group)
  return padded(lanes)
}

/** Four groups of two: first members, then second members; missing groups are padding. */
function twoLanes(channels: number): Lanes {
  return blocks(channels, [0, 2, 4, 6, 1, 3, 5, 7])
}

/** Blocks of two groups a, b: a0..a3 b0..b3 a4 a5 b4 b5, what the int8 grouped6 reads; b is padding in an odd last block. */
function sixInLanes(channels: number): Lanes {
  return blocks(channels, [0, 1, 2, 3, 6, 7, 8, 9, 4, 5, 10, 11])
}

/** And what it writes: a0 b0 a1 b1 ... */
function sixOutLanes(channels: number): Lanes {
  return blocks(channels, [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11])
}

/** As many channels at a time as `order` has, in that order; what is missing from the last block is padding. */
function blocks(channels: number, order: number[]): Lanes {
  const lanes: number[] = []
  for (let block = 0; block < channels; block += order.length)
    for (const member of order) lanes.push(block + member < channels ? block + member : -1)
  return Int32Array.from(lanes)
}

/** The two halves alternately: with it a shuffle in 4 groups weaves pairs of lanes. */
function pairLanes(channels: number): Lanes {
  const half = channels / 2
  return padded(Array.from({ length: channels }, (_, lane) => (lane >> 1) + (lane & 1) * half))
}

const assigned = new WeakMap<Graph, Map<string, Lanes>>()

/** Physical lanes of every tensor, worked out once a graph. Throws `unsupported-op` where two nodes want a tensor in two orders. */
export function assignLanes(graph: Graph): Map<string, Lanes> {
  let lanes = assigned.get(graph)
  if (!lanes) {
    lanes = findLanes(graph)
    assigned.set(graph, lanes)
  }
  return lanes
}

function findLanes(graph: Graph): Map<string, Lanes> {
  const wishes = new Map<string, { lanes: Lanes; by: string }>()
  const wish = (tensor: string, lanes: Lanes, by: string) => {
    const other = wishes.get(tensor)
    ASSERT: if (other && !equalLanes(other.lanes, lanes))
      throw new DynedgeError(
        'unsupported-op',
        `${tensor}: ${by} and ${other.by} need its channels in different orders.`,
      )
    wishes.set(tensor, { lanes, by })
  }
  for (const node of graph.nodes) for (const [tensor, lanes] of nodeWishes(graph, node)) wish(tensor, lanes, node.name)
  // What is only converted keeps its order.
  for (const node of graph.nodes)
    if (node.op === 'quantize' || node.op === 'dequantize') {
      const known = wishes.get(node.output) ?? wishes.get(node.input.tensor)
      if (known) for (const tensor of [node.input.tensor, node.output]) wish(tensor, known.lanes, node.name)
    }
  const lanes = new Map<string, Lanes>([[graph.input, plainLanes(INPUT_CHANNELS)]])
  for (const node of graph.nodes) {
    if (node.op === 'coefficients') lanes.set(node.output, coefficientLanes(graph, node.output, wishes))
    else lanes.set(node.output, wishes.get(node.output)?.lanes ?? plainLanes(outputChannels(node)))
  }
  ASSERT: for (const node of graph.nodes)
    for (const use of nodeInputs(node))
      if (use.from !== undefined && lanes.get(use.tensor)?.some((channel, lane) => channel >= 0 && channel !== lane))
        throw new DynedgeError(
          'unsupported-op',
          `${node.name} reads a range of ${use.tensor}, whose channels another node needs in an order of its own.`,
        )
  return lanes
}

type Orders = Partial<Record<ConvKind, [input: (channels: number) => Lanes, output: (channels: number) => Lanes]>>
const ORDERS: Orders = {
  grouped6: [sixLanes, sixLanes],
  grouped2: [twoLanes, twoLanes],
  depthwise: [plainLanes, plainLanes],
}
const INTEGER_ORDERS: Orders = {
  grouped6: [sixInLanes, sixOutLanes],
  grouped2: [(channels) => padded(Array.from(plainLanes(channels)), 8), twoLanes],
  depthwise: [plainLanes, plainLanes],
}

function nodeWishes(graph: Graph, node: Node): [string, Lanes][] {
  const wishes: [string, Lanes][] = []
  if (node.op === 'shuffle') {
    const order = zipOf(node) === 'pairs' ? pairLanes : plainLanes
    if (node.left.from === undefined) wishes.push([node.left.tensor, order(node.left.channels)])
    wishes.push(
      [node.right.tensor, order(node.right.channels)],
      [node.output, plainLanes(node.left.channels + node.right.channels)],
    )
  }
  // A range of channels, and whatever is added, lies as its author numbered it.
  if (node.op === 'conv') {
    const orders = (isInteger(graph, node) ? INTEGER_ORDERS : ORDERS)[convKind(node)]
    if (orders) wishes.push([node.input.tensor, orders[0](node.channels)], [node.output, orders[1](node.channels)])
    if (node.residual) wishes.push([node.residual, plainLanes(node.channels)], [node.output, plainLanes(node.channels)])
  }
  return wishes
}

function outputChannels(node: Node): number {
  if (node.op === 'conv' || node.op === 'linear') return node.channels
  if (node.op === 'coefficients') return node.length
  if (node.op === 'shuffle') return node.left.channels + node.right.channels
  return node.input.channels
}

/** The coefficient vector in the order in which fusion reads it: per convolution [lanes / 4][g][4], for integers [lanes that are not padding][g]. */
function coefficientLanes(graph: Graph, vector: string, wishes: Map<string, { lanes: Lanes }>): Lanes {
  const lanes: number[] = []
  for (const conv of dynamicConvs(graph, vector)) {
    const out = wishes.get(conv.output)?.lanes ?? plainLanes(conv.channels)
    const { from, kernels } = conv.dynamic!
    if (isInteger(graph, conv)) {
      for (const channel of out)
        for (let i = 0; i < kernels && channel >= 0; ++i) lanes.push(from + channel * kernels + i)
      continue
    }
    for (let quad = 0; quad < out.length; quad += 4)
      for (let i = 0; i < kernels; ++i)
        for (let lane = 0; lane < 4; ++lane) {
          const channel = out[quad + lane]
          lanes.push(channel < 0 ? -1 : from + channel * kernels + i)
        }
  }
  return padded(lanes)
}

/** The convolutions fused with `vector`, in the order of their coefficients. */
export function dynamicConvs(graph: Graph, vector: string): Conv[] {
  return graph.nodes
    .filter((node): node is Conv => node.op === 'conv' && node.dynamic?.coefficients === vector)
    .sort((a, b) => a.dynamic!.from - b.dynamic!.from)
}

/** Nodes that read `tensor`. */
export function consumers(graph: Graph, tensor: string): Node[] {
  return graph.nodes.filter(
    (node) =>
      nodeInputs(node).some((use) => use.tensor === tensor) ||
      (node.op === 'conv' && node.dynamic?.coefficients === tensor),
  )
}

function equalLanes(a: Lanes, b: Lanes): boolean {
  return a.length === b.length && a.every((channel, lane) => channel === b[lane])
}
