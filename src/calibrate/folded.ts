import type { Coefficients, Conv, Graph, Linear } from '../graph/graph.ts'
import { parameterShapes, type StateDict } from '../graph/parameters.ts'
import { BN_EPSILON, foldLayer } from '../pack/fold.ts'

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
  for (const node of layersOf(graph)) {
    const { weight, bias, constant } = foldLayer(node, state)
    const { params } = node
    const dynamic = node.op === 'conv' && node.dynamic !== undefined
    const put = (name: string, data: ArrayLike<number>) =>
      folded.set(name, { shape: shapes.get(name)!, data: Float32Array.from(data) })
    put(params.weight, weight)
    const { bn } = params
    if (params.bias) put(params.bias, bn && !dynamic ? new Float32Array(bias.length) : bias)
    if (!bn) continue
    const beta = dynamic ? constant : bias
    put(`${bn}.weight`, new Float32Array(beta.length).fill(1))
    put(`${bn}.bias`, beta)
    put(`${bn}.running_mean`, new Float32Array(beta.length))
    put(`${bn}.running_var`, new Float32Array(beta.length).fill(1 - BN_EPSILON))
  }
  return folded
}

/** One value per output channel that is added to the layer's result, in a folded state dict; undefined where the layer has none. */
export function offsetsOf(node: Layer, folded: StateDict): Float32Array | undefined {
  const { bn, bias } = node.params
  if (bn) return folded.get(`${bn}.bias`)!.data
  const dynamic = node.op === 'conv' && node.dynamic !== undefined
  return bias && !dynamic ? folded.get(bias)!.data : undefined
}
