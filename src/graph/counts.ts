import { type Graph, inferShapes, type Node } from './graph.ts'

export interface LayerCount {
  name: string
  kind: string
  /** As in the layer tables of the papers: Cin->Cout, kernel, stride, groups, spatial in->out. */
  shape: string
  dynamic: boolean
  parameters: number
  /** Multiply-adds, with the dynamic overhead of this layer. */
  multiplyAdds: number
}

export interface Counts {
  layers: LayerCount[]
  parameters: number
  multiplyAdds: number
}

/**
 * Parameters and multiply-adds by one rule for all networks: convolutions and classifier (BN and activations not counted); dynamic
 * overhead = g_t x kernel weights (fusion) + coefficient FC + one add per element that its global average pool reads. Parameters =
 * weights + BN gamma and beta + biases.
 */
export function count(graph: Graph, height = 224, width = 224): Counts {
  const shapes = inferShapes(graph, height, width)
  const layers: LayerCount[] = []
  for (const node of graph.nodes) {
    const layer = countNode(node)
    if (layer) layers.push(layer)
  }
  const sum = (field: 'parameters' | 'multiplyAdds') => layers.reduce((total, layer) => total + layer[field], 0)
  return { layers, parameters: sum('parameters'), multiplyAdds: sum('multiplyAdds') }

  function countNode(node: Node): LayerCount | undefined {
    if (node.op !== 'conv' && node.op !== 'coefficients' && node.op !== 'linear') return undefined
    const input = shapes.get(node.input.tensor)!
    const output = shapes.get(node.output)!
    const cin = node.input.channels
    const arrow = `${cin}->${output.channels}`
    if (node.op !== 'conv') {
      const weights = cin * output.channels
      const pooled = node.op === 'coefficients' ? input.height * input.width * cin : 0
      const kind = node.op === 'linear' ? 'fc' : 'coef'
      return {
        name: node.name,
        kind,
        shape: arrow,
        dynamic: false,
        parameters: weights + output.channels,
        multiplyAdds: weights + pooled,
      }
    }
    const { kernel, stride, groups, channels, dynamic } = node
    const weights = (channels * cin * kernel * kernel) / groups
    const fixed = dynamic ? dynamic.kernels : 1
    const size = `${input.height}x${input.width}->${output.height}x${output.width}`
    return {
      name: node.name,
      kind: 'conv',
      shape: `${arrow} k${kernel} s${stride} g${groups} ${size}`,
      dynamic: !!dynamic,
      parameters: weights * fixed + (node.params.bias ? channels * fixed : 0) + (node.params.bn ? 2 * channels : 0),
      multiplyAdds: weights * output.height * output.width + (dynamic ? fixed * weights : 0),
    }
  }
}
