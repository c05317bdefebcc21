import { DETAILS, INSPECT } from '../details.ts'
import { DynedgeError } from '../errors.ts'

// A network as its author thinks of it: nodes in order, tensors by name, channels logical. Nothing here knows of layouts.

export type Activation = 'none' | 'relu' | 'relu6'

/** A tensor, or a range of its channels. */
export interface Use {
  tensor: string
  from?: number
  channels: number
}

/** Names of a layer's parameters in the PyTorch state dict; `bn` is a module prefix. */
export interface Params {
  weight: string
  bias?: string
  bn?: string
}

export interface Conv {
  op: 'conv'
  name: string
  input: Use
  output: string
  channels: number
  kernel: number
  stride: number
  /** Zeros around the picture, on every side. */
  padding: number
  groups: number
  activation: Activation
  /** Added before the activation. */
  residual?: string
  /** Kernels fused by the coefficients [from, from + channels * kernels) of that vector; index t * kernels + i. */
  dynamic?: { coefficients: string; from: number; kernels: number }
  params: Params
}

/** Coefficient module of a dynamic block: sigmoid(FC(global average pool)). DyNet paper, section 3.2. */
export interface Coefficients {
  op: 'coefficients'
  name: string
  input: Use
  output: string
  /** Length of the vector: sum over the block's convolutions of channels * kernels. */
  length: number
  params: Params
}

export interface MaxPool {
  op: 'maxpool'
  name: string
  input: Use
  output: string
  kernel: number
  stride: number
}

/** Concatenation left | right, then channel shuffle: out[j * groups + k] = in[k * channels / groups + j]. */
export interface Shuffle {
  op: 'shuffle'
  name: string
  left: Use
  right: Use
  output: string
  groups: number
}

export interface GlobalPool {
  op: 'globalpool'
  name: string
  input: Use
  output: string
}

export interface Linear {
  op: 'linear'
  name: string
  input: Use
  output: string
  channels: number
  params: Params
}

export interface Softmax {
  op: 'softmax'
  name: string
  input: Use
  output: string
}

/** float32 -> stored integers of `graph.quantization[output]`. */
export interface Quantize {
  op: 'quantize'
  name: string
  input: Use
  output: string
}

/** Stored integers of `graph.quantization[input]` -> float32. */
export interface Dequantize {
  op: 'dequantize'
  name: string
  input: Use
  output: string
}

export type Node = Conv | Coefficients | MaxPool | Shuffle | GlobalPool | Linear | Softmax | Quantize | Dequantize

/** A stored integer q stands for scale * (q - zero); 0 <= q < 2^bits. docs/quantization.md */
export interface Quantization {
  /** A float32. */
  scale: number
  zero: number
  bits: 7 | 8
}

export interface Graph {
  network: string
  width: number
  classes: number
  /** g_t, fixed kernels per output channel; 0 in a network without dynamic layers. */
  kernels: number
  /** The picture: 3 channels. */
  input: string
  /** Output name -> tensor. */
  outputs: Record<string, string>
  nodes: Node[]
  /** Tensors that are stored as integers; the others are float32. Which kernels run follows from it. */
  quantization?: Record<string, Quantization>
}

export interface Shape {
  height: number
  width: number
  channels: number
}

export const INPUT_CHANNELS = 3

export function nodeInputs(node: Node): Use[] {
  if (node.op === 'shuffle') return [node.left, node.right]
  if (node.op !== 'conv') return [node.input]
  const uses: Use[] = [node.input]
  if (node.residual) uses.push({ tensor: node.residual, channels: node.channels })
  return uses
}

/** Side of the output of a window of `kernel` at `stride`; below 1 when the picture is too small. */
function outSide(side: number, kernel: number, stride: number, padding: number): number {
  return Math.floor((side + 2 * padding - kernel) / stride) + 1
}

/**
 * Shape of every tensor for an input of `height` x `width` pixels; vectors are 1 x 1. Throws `bad-input` for a picture too small
 * and `bad-bundle` for a graph that does not fit together.
 */
export function inferShapes(graph: Graph, height: number, width: number): Map<string, Shape> {
  const shapes = new Map<string, Shape>([[graph.input, { height, width, channels: INPUT_CHANNELS }]])
  const at = (node: Node, use: Use): Shape => {
    const shape = shapes.get(use.tensor)
    if (!shape) throw broken(node, DETAILS && `reads ${use.tensor}, which no node before it makes`)
    const from = use.from ?? 0
    if (!(from >= 0 && use.channels > 0 && from + use.channels <= shape.channels))
      throw broken(
        node,
        DETAILS && `reads channels ${from} to ${from + use.channels} of ${use.tensor}, which has ${shape.channels}`,
      )
    return shape
  }
  for (const node of graph.nodes) {
    if (shapes.has(node.output)) throw broken(node, DETAILS && `writes ${node.output} a second time`)
    shapes.set(node.output, shapeOf(node, at))
  }
  for (const [name, tensor] of Object.entries(graph.outputs))
    if (!shapes.has(tensor)) throw badGraph(DETAILS && `no node makes ${tensor}, its output ${name}`)
  return shapes
}

function shapeOf(node: Node, at: (node: Node, use: Use) => Shape): Shape {
  if (node.op === 'shuffle') {
    const left = at(node, node.left)
    const right = at(node, node.right)
    const channels = node.left.channels + node.right.channels
    if (left.height !== right.height || left.width !== right.width)
      throw broken(node, DETAILS && 'joins pictures of two sizes')
    if (channels % node.groups !== 0)
      throw broken(node, DETAILS && `shuffles ${channels} channels in ${node.groups} groups`)
    return { height: right.height, width: right.width, channels }
  }
  const input = at(node, node.input)
  if (node.op === 'quantize' || node.op === 'dequantize') return { ...input, channels: node.input.channels }
  if (node.op === 'coefficients') return { height: 1, width: 1, channels: node.length }
  if (node.op === 'globalpool') return { height: 1, width: 1, channels: node.input.channels }
  if (node.op === 'linear' || node.op === 'softmax') {
    if (input.height !== 1 || input.width !== 1)
      throw broken(node, DETAILS && `wants a vector, got ${input.height}x${input.width}`)
    return { height: 1, width: 1, channels: node.op === 'linear' ? node.channels : node.input.channels }
  }
  const padding = node.op === 'conv' ? node.padding : (node.kernel - 1) >> 1
  const height = outSide(input.height, node.kernel, node.stride, padding)
  const width = outSide(input.width, node.kernel, node.stride, padding)
  if (height < 1 || width < 1)
    throw new DynedgeError(
      'bad-input',
      `${node.name}: a ${input.height}x${input.width} picture is smaller than its ${node.kernel}x${node.kernel} window; use a larger input.`,
    )
  if (node.op === 'maxpool') return { height, width, channels: node.input.channels }
  if (node.input.channels % node.groups || node.channels % node.groups)
    throw broken(node, DETAILS && `has ${node.input.channels} -> ${node.channels} channels in ${node.groups} groups`)
  const shape = { height, width, channels: node.channels }
  if (node.residual) {
    const residual = at(node, { tensor: node.residual, channels: node.channels })
    if (residual.height !== height || residual.width !== width || residual.channels !== node.channels)
      throw broken(node, DETAILS && `adds ${node.residual} of another shape`)
  }
  if (node.dynamic) {
    const vector = at(node, {
      tensor: node.dynamic.coefficients,
      from: node.dynamic.from,
      channels: node.channels * node.dynamic.kernels,
    })
    if (vector.height !== 1 || vector.width !== 1) throw broken(node, DETAILS && 'takes coefficients from a picture')
  }
  return shape
}

function broken(node: Node, what: string | false): DynedgeError {
  return badGraph(what && `${node.op} ${node.name} ${what}`)
}

export function badGraph(what: string | false): DynedgeError {
  return new DynedgeError('bad-bundle', `The bundle's graph: ${what || INSPECT}.`)
}
