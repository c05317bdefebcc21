import type { Coefficients, Conv, Graph, Linear } from '../graph/graph.ts'
import { parameterShapes, type StateDict } from '../graph/parameters.ts'
import { foldLayer, putFolded } from '../pack/fold.ts'

export type Layer = Conv | Linear | Coefficients

export function layersOf(graph: Graph): Layer[] {
  return graph.nodes.filter((node): node is Layer => 'params' in node)
}

/**
 * The same weights with BN folded, as a state dict whose BN is the identity (its beta is the bias): values that calibration may scale and
 * shift. Throws `bad-model` as folding does.
 */
export function foldedState(graph: Graph, state: StateDict): StateDict {
  const shapes = parameterShapes(graph)
  const folded: StateDict = new Map()
  for (const node of layersOf(graph)) putFolded(folded, shapes, node, foldLayer(node, state))
  return folded
}

/** One value per output channel that is added to the layer's result, in a folded state dict; undefined where the layer has none. */
export function offsetsOf(node: Layer, folded: StateDict): Float32Array | undefined {
  const { bn, bias } = node.params
  if (bn) return folded.get(`${bn}.bias`)!.data
  const dynamic = node.op === 'conv' && node.dynamic !== undefined
  return bias && !dynamic ? folded.get(bias)!.data : undefined
}
