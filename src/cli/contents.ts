import type { BundleHeader } from '../bundle/header.ts'
import type { Graph } from '../graph/graph.ts'
import { weightLayouts } from '../plan/weights.ts'
import { KINDS } from './profile.ts'

/** Layers of one kind, and the bytes that they take in a bundle. */
export interface LayerKind {
  kind: string
  layers: number
  /** How their weights are stored. */
  dtype: string
  /** Of weights, and of biases, scales and factors; padding included. */
  bytes: { weights: number; others: number }
}

/** Values that a tensor of integers can stand for. */
export interface TensorRange {
  tensor: string
  low: number
  high: number
  scale: number
  zero: number
  bits: number
}

/** What takes the room of a bundle, the largest first. */
export function layerKinds(graph: Graph, { tensors }: BundleHeader): LayerKind[] {
  const found = new Map<string, LayerKind>()
  for (const layout of weightLayouts(graph)) {
    const { name, op } = layout.node
    const kind =
      op === 'coefficients' ? 'coefficient module' : `${layout.kernels ? 'dynamic ' : ''}${KINDS[layout.kind]}`
    const { dtype, bytes: weights } = tensors.get(`${name}.weight`)!
    const others = ['bias', 'scale', 'factor'].reduce(
      (sum, part) => sum + (tensors.get(`${name}.${part}`)?.bytes ?? 0),
      0,
    )
    const key = `${kind} ${dtype}`
    const known = found.get(key) ?? { kind, layers: 0, dtype, bytes: { weights: 0, others: 0 } }
    known.layers += 1
    known.bytes.weights += weights
    known.bytes.others += others
    found.set(key, known)
  }
  const size = ({ bytes }: LayerKind) => bytes.weights + bytes.others
  return [...found.values()].sort((a, b) => size(b) - size(a))
}

/** Tensors that are stored as integers, in the order of the graph. */
export function tensorRanges({ input, nodes, quantization = {} }: Graph): TensorRange[] {
  return [input, ...nodes.map(({ output }) => output)]
    .filter((tensor) => Object.hasOwn(quantization, tensor))
    .map((tensor) => {
      const { scale, zero, bits } = quantization[tensor]
      return { tensor, low: -zero * scale, high: (2 ** bits - 1 - zero) * scale, scale, zero, bits }
    })
}
