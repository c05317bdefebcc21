import type { BundleDescription, Json } from '../bundle/header.ts'
import { writeBundle } from '../bundle/write.ts'
import type { Graph } from '../graph/graph.ts'
import type { StateDict } from '../graph/parameters.ts'
import { type Precision, type WeightLayout, weightLayouts, weightTensors } from '../plan/weights.ts'
import { type FoldedLayer, foldLayer } from './fold.ts'
import { packIntegerLayer } from './pack-int8.ts'

export interface PackedTensor {
  name: string
  dtype: 'F32' | 'I8' | 'I32'
  data: Float32Array | Int8Array | Int32Array
}

/** Weights of a state dict in the kernels' layouts (docs/layouts.md), BN folded; throws `bad-model`. */
export function packWeights(graph: Graph, state: StateDict, precision: Precision): PackedTensor[] {
  return weightLayouts(graph).flatMap((layout) => {
    const folded = foldLayer(layout.node, state)
    return layout.integer ? packIntegerLayer(graph, layout, folded) : packLayer(layout, folded, precision)
  })
}

/** A bundle: packed weights, graph and what else the caller describes. */
export function packBundle(
  graph: Graph,
  state: StateDict,
  precision: Precision,
  description: Omit<BundleDescription, 'network' | 'precision' | 'graph'>,
): Uint8Array {
  const tensors = packWeights(graph, state, precision)
  return writeBundle({
    tensors,
    metadata: { ...description, network: graph.network, precision, graph: graph as unknown as Json },
  })
}

function packLayer(layout: WeightLayout, folded: FoldedLayer, precision: Precision): PackedTensor[] {
  const specs = weightTensors(layout, precision)
  const bias = new Float32Array(specs.at(-1)!.elements)
  forRows(layout, (row, lane, kernel) => {
    if (!layout.kernels) bias[lane] = folded.bias[row]
    else bias[biasIndex(layout, lane, kernel + 1)] = folded.bias[row]
  })
  if (layout.kernels)
    layout.lanes.forEach((channel, lane) => {
      if (channel >= 0) bias[biasIndex(layout, lane, 0)] = folded.constant[channel]
    })
  if (precision !== 'w8') {
    const weight = new Float32Array(specs[0].elements)
    fill(layout, folded, weight, (value) => value)
    return [
      { ...specs[0], data: weight },
      { ...specs[1], data: bias },
    ]
  }
  const weight = new Int8Array(specs[0].elements)
  const scales = rowScales(folded)
  fill(layout, folded, weight, (value, row) => (scales[row] ? Math.round(value / scales[row]) : 0), true)
  const scale = new Float32Array(specs[1].elements)
  forRows(layout, (row, lane, kernel) => {
    scale[layout.kernels ? quadIndex(lane, kernel, layout.kernels) : lane] = scales[row]
  })
  return [
    { ...specs[0], data: weight },
    { ...specs[1], data: scale },
    { ...specs[2], data: bias },
  ]
}

/** Symmetric scale of each row, max|w| / 127 in float32: the value that the engine multiplies by. A row of zeros has scale 0. */
export function rowScales({ weight, rows }: FoldedLayer): Float32Array {
  const length = weight.length / rows
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; ++row) {
    let largest = 0
    for (let k = row * length; k < (row + 1) * length; ++k) largest = Math.max(largest, Math.abs(weight[k]))
    scales[row] = largest / 127
  }
  return scales
}

/** Calls back with (PyTorch row, output lane, fixed kernel) for every row that is not padding. */
export function forRows(layout: WeightLayout, each: (row: number, lane: number, kernel: number) => void): void {
  const fixed = layout.kernels || 1
  layout.lanes.forEach((channel, lane) => {
    for (let kernel = 0; channel >= 0 && kernel < fixed; ++kernel) each(channel * fixed + kernel, lane, kernel)
  })
}

/** [lanes / 4][count][4]. */
export function quadIndex(lane: number, i: number, count: number): number {
  return ((lane >> 2) * count + i) * 4 + (lane & 3)
}

/** Biases of a dynamic layer: [lanes / 4][1 + g][4], the constant part first. */
export function biasIndex(layout: WeightLayout, lane: number, i: number): number {
  return quadIndex(lane, i, layout.kernels + 1)
}

/** Index of depth `k` of an output lane: [blocks][depth][quads of the block][4]; dynamic [lanes / 4][depth][g][4], int8 in pairs. */
export function weightIndex(layout: WeightLayout, lane: number, k: number, kernel: number, pairs: boolean): number {
  const depth = layout.taps.length
  const quad = lane >> 2
  if (layout.kernels && pairs)
    return (((quad * depth + k) * ((layout.kernels + 1) >> 1) + (kernel >> 1)) * 4 + (lane & 3)) * 2 + (kernel & 1)
  if (layout.kernels) return ((quad * depth + k) * layout.kernels + kernel) * 4 + (lane & 3)
  const first = quad - (quad % layout.block)
  const width = Math.min(layout.block, layout.lanes.length / 4 - first)
  return (first * depth + k * width + (quad - first)) * 4 + (lane & 3)
}

function fill(
  layout: WeightLayout,
  folded: FoldedLayer,
  target: Float32Array | Int8Array,
  map: (value: number, row: number) => number,
  pairs = false,
): void {
  const length = folded.weight.length / folded.rows
  forRows(layout, (row, lane, kernel) => {
    layout.taps.forEach((tap, k) => {
      if (tap >= 0) target[weightIndex(layout, lane, k, kernel, pairs)] = map(folded.weight[row * length + tap], row)
    })
  })
}
