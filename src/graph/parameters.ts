import type { Coefficients, Conv, Graph, Linear, Node } from './graph.ts'

/** Shape of every parameter of a graph in its PyTorch state dict; a dynamic weight is [Cout * g_t, Cin / groups, k, k]. */
export function parameterShapes(graph: Graph): Map<string, number[]> {
  const shapes = new Map<string, number[]>()
  for (const node of graph.nodes) addNode(node, shapes)
  return shapes
}

function addNode(node: Node, shapes: Map<string, number[]>): void {
  if (!('params' in node)) return
  const { weight, bias, bn } = node.params
  const shape = weightShape(node)
  shapes.set(weight, shape)
  if (bias) shapes.set(bias, [shape[0]])
  if (bn) for (const part of BN_PARTS) shapes.set(`${bn}.${part}`, [(node as Conv).channels])
}

/** Of the weight alone. */
export function weightShape(node: Conv | Linear | Coefficients): number[] {
  if (node.op !== 'conv') return [node.op === 'linear' ? node.channels : node.length, node.input.channels]
  const rows = node.channels * (node.dynamic?.kernels ?? 1)
  return [rows, node.input.channels / node.groups, node.kernel, node.kernel]
}

export const BN_PARTS = ['weight', 'bias', 'running_mean', 'running_var'] as const

/** float32 values of a state dict by name, row-major. */
export type StateDict = Map<string, { shape: number[]; data: Float32Array }>

/** Factors on the spread of coefficient FCs (3) and of all other weights (1). */
export interface Gains {
  coefficients?: number
  weights?: number
}

/**
 * Random weights that depend on nothing but names, shapes and `seed`: the same bits in models/dynedge_torch, so that golden logits
 * need no weights beside them. He-uniform weights times their gain, BN statistics around one and zero.
 */
export function seededState(graph: Graph, seed: number, gains: Gains = {}): StateDict {
  const state: StateDict = new Map()
  for (const [name, shape] of parameterShapes(graph)) {
    const fanIn = shape.slice(1).reduce((product, side) => product * side, 1)
    const gain = name.endsWith('.coef.fc.weight') ? (gains.coefficients ?? 3) : (gains.weights ?? 1)
    const weight = name.endsWith('.weight')
    const data = seededUniform(
      name,
      seed,
      shape.reduce((product, side) => product * side, 1),
      (u) => {
        if (shape.length > 1) return (2 * u - 1) * Math.sqrt(6 / fanIn) * gain
        return weight || name.endsWith('.running_var') ? 0.5 + u : (2 * u - 1) * 0.1
      },
    )
    state.set(name, { shape, data })
  }
  return state
}

/** `length` values map(u), u uniform in [0, 1) from a hash of name, seed and index (FNV-1a, then a 32-bit finaliser). */
export function seededUniform(name: string, seed: number, length: number, map: (u: number) => number): Float32Array {
  let start = 2166136261
  for (const byte of new TextEncoder().encode(name)) start = Math.imul(start ^ byte, 16777619)
  start ^= seed
  return Float32Array.from({ length }, (_, j) => {
    let x = (start + Math.imul(j, 0x9e3779b9)) | 0
    x ^= x >>> 16
    x = Math.imul(x, 0x21f0aaad)
    x ^= x >>> 15
    x = Math.imul(x, 0x735a2d97)
    x ^= x >>> 15
    return map((x >>> 8) / 16777216)
  })
}
