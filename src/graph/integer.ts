import type { Graph, Node } from './graph.ts'

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

/** Extra bits f of a mean over a picture of values 0..top, for a layer that sums `depth` of them: 127 depth top 2^f <= 2^30. */
export function pooledBits(depth: number, top: number): number {
  let bits = 8
  while (bits > 0 && 127 * depth * top * 2 ** bits > 2 ** 30) --bits
  return bits
}
