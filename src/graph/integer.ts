import { DETAILS } from '../details.ts'
import { badGraph, type Graph, type Node, type Quantization } from './graph.ts'

// Which nodes compute in integers follows from the tensors that are stored as integers. docs/quantization.md

/** Does `node` run on integers? Quantize and dequantize nodes do by definition. */
export function isInteger(graph: Graph, node: Node): boolean {
  const { quantization } = graph
  if (!quantization) return false
  if (node.op === 'quantize' || node.op === 'dequantize') return true
  if (node.op === 'softmax') return false
  if (node.op === 'shuffle') return Object.hasOwn(quantization, node.output)
  if (node.op === 'linear') {
    const maker = graph.nodes.find((other) => other.output === node.input.tensor)
    return maker?.op === 'globalpool' && isInteger(graph, maker)
  }
  return Object.hasOwn(quantization, node.input.tensor)
}

/** Extra bits f of a mean over a picture of values 0..top, int16, for a layer that sums `depth`: 127 depth top 2^f <= 2^30. */
export function pooledBits(depth: number, top: number): number {
  let bits = 8
  while (bits > 0 && (127 * depth * top * 2 ** bits > 2 ** 30 || top * 2 ** bits > 32767)) --bits
  return bits
}

/** The nearest integer, ties to even. */
export function roundEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor
}

/** The integer that stands for a float32 `value`; NaN counts as 0. */
export function quantised(value: number, { scale, zero, bits }: Quantization): number {
  if (Number.isNaN(value)) return zero
  return Math.min(Math.max(roundEven(Math.fround(value / scale) + zero), 0), 2 ** bits - 1)
}

/**
 * Do the quantizations of a graph that came from a bundle fit together? Shapes have been inferred.
 * @throws DynedgeError `bad-bundle` for one that is malformed, unknown, missing or differs where it must not
 */
export function checkQuantization(graph: Graph): void {
  const { quantization = {} } = graph
  for (const [tensor, stored] of Object.entries(quantization)) {
    const { scale, zero, bits } = stored
    const fits = Math.fround(scale) === scale && scale > 0 && (bits === 7 || bits === 8)
    if (!fits || !Number.isInteger(zero) || zero < 0 || zero >= 2 ** bits)
      throw badGraph(
        DETAILS &&
          `${tensor} is quantized as ${JSON.stringify(stored)}, expected a float32 scale above 0, 7 or 8 bits, a zero point in them`,
      )
  }
  const known = new Set([graph.input, ...graph.nodes.map((node) => node.output)])
  for (const tensor of Object.keys(quantization))
    if (!known.has(tensor)) throw badGraph(DETAILS && `quantization names ${tensor}, which no node makes`)
  for (const node of graph.nodes) checkNode(node, quantization, isInteger(graph, node))
}

function checkNode(node: Node, quantization: Record<string, Quantization>, integer: boolean): void {
  const { name, op, output } = node
  const demand = (tensor: string, stored: boolean) => {
    if (Object.hasOwn(quantization, tensor) !== stored)
      throw badGraph(
        DETAILS &&
          `${op} ${name}: ${tensor} is ${stored ? 'float32, expected integers' : 'stored as integers, expected float32'}`,
      )
  }
  const tie = (a: string, b: string) => {
    const [x, y] = [quantization[a], quantization[b]]
    if (x && y && (x.scale !== y.scale || x.zero !== y.zero || x.bits !== y.bits))
      throw badGraph(DETAILS && `${op} ${name}: ${a} and ${b} are quantized in two ways`)
  }
  if (op === 'conv') {
    demand(output, integer)
    if (node.residual !== undefined) demand(node.residual, integer)
    if (node.dynamic) demand(node.dynamic.coefficients, false)
  } else if (op === 'shuffle') {
    for (const { tensor } of [node.left, node.right]) {
      demand(tensor, integer)
      tie(tensor, output)
    }
  } else if (op === 'maxpool') {
    demand(output, integer)
    tie(node.input.tensor, output)
  } else {
    if (op === 'quantize' || op === 'dequantize') demand(node.input.tensor, op === 'dequantize')
    demand(output, op === 'quantize')
  }
}
