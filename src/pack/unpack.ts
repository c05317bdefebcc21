import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { parameterShapes, type StateDict } from '../graph/parameters.ts'
import { type Precision, type WeightLayout, weightLayouts, weightTensors } from '../plan/weights.ts'
import { putFolded } from './fold.ts'
import { biasIndex, forRows, quadIndex, weightIndex } from './pack.ts'
import { unpackIntegerLayer } from './unpack-int8.ts'

/** Values of a bundle's tensor by name; those past its `elements` are padding. */
export type TensorReader = (name: string, dtype: 'F32' | 'I8' | 'I32') => Float32Array | Int8Array | Int32Array

/**
 * The inverse of packing: a standard state dict of the same network with int8 weights dequantized (quantize and dequantize nodes have no
 * parameters). Folding cannot be undone, so every BN is the identity, as `putFolded` says.
 * @throws DynedgeError `bad-bundle` for a tensor that is shorter than its layout
 */
export function unpackWeights(graph: Graph, precision: Precision, read: TensorReader): StateDict {
  const shapes = parameterShapes(graph)
  const state: StateDict = new Map()
  for (const layout of weightLayouts(graph))
    putFolded(state, shapes, layout.node, unpackLayer(graph, layout, precision, read))
  return state
}

/** Rows as in PyTorch, BN folded in. */
function unpackLayer(graph: Graph, layout: WeightLayout, precision: Precision, read: TensorReader) {
  const specs = weightTensors(layout, precision)
  const [packed, ...others] = specs.map(({ name, dtype, elements }) => {
    const values = read(name, dtype)
    if (values.length < elements)
      throw new DynedgeError('bad-bundle', `${name} has ${values.length} values, expected ${elements}.`)
    return values
  })
  if (layout.integer) return unpackIntegerLayer(graph, layout, packed, others[0], others[1])
  const scales = precision === 'w8' ? others[0] : undefined
  const biases = others[others.length - 1]
  const channels = layout.lanes.reduce((most, channel) => Math.max(most, channel + 1), 0)
  const rows = channels * (layout.kernels || 1)
  const length = layout.taps.filter((tap) => tap >= 0).length
  const weight = new Float32Array(rows * length)
  const bias = new Float32Array(rows)
  const constant = new Float32Array(layout.kernels ? channels : 0)
  forRows(layout, (row, lane, kernel) => {
    const scale = scales ? scales[layout.kernels ? quadIndex(lane, kernel, layout.kernels) : lane] : 1
    layout.taps.forEach((tap, k) => {
      if (tap >= 0)
        weight[row * length + tap] = scale * packed[weightIndex(layout, lane, k, kernel, precision === 'w8')]
    })
    bias[row] = biases[layout.kernels ? biasIndex(layout, lane, kernel + 1) : lane]
    if (layout.kernels && kernel === 0) constant[layout.lanes[lane]] = biases[biasIndex(layout, lane, 0)]
  })
  return { weight, bias, constant }
}
