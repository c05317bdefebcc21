import type { Graph } from '../graph/graph.ts'
import { integerDepth, storedLane, type WeightLayout, weightTensors } from '../plan/weights.ts'
import type { FoldedLayer } from './fold.ts'
import { forRows, type PackedTensor } from './pack.ts'
import { quantizeLayer } from './quantize.ts'

// Integer layers in the layouts of docs/quantization.md.

/** Weights, biases and factors of an integer layer; throws `bad-model`. */
export function packIntegerLayer(graph: Graph, layout: WeightLayout, folded: FoldedLayer): PackedTensor[] {
  const layer = quantizeLayer(graph, layout.node, folded)
  const [weights, second, third] = weightTensors(layout, 'int8')
  const weight = new Int8Array(weights.elements)
  const length = layer.weight.length / layer.rows
  forRows(layout, (row, lane, kernel) => {
    const place = layout.kernels ? storedLane(layout.lanes, lane) : lane
    layout.taps.forEach((tap, k) => {
      if (tap >= 0) weight[integerIndex(layout, place, k, kernel)] = layer.weight[row * length + tap]
    })
  })
  if (!layout.kernels) {
    const bias = new Int32Array(second.elements)
    const factor = new Float32Array(third.elements)
    layout.lanes.forEach((channel, lane) => {
      if (channel < 0) return
      bias[lane] = layer.bias[channel]
      factor[lane] = layer.factor[channel]
    })
    return [
      { ...weights, data: weight },
      { ...second, data: bias },
      { ...third, data: factor },
    ]
  }
  const scale = new Float32Array(second.elements)
  const bias = new Float32Array(third.elements)
  forRows(layout, (row, lane, kernel) => {
    const stored = storedLane(layout.lanes, lane)
    scale[stored * layout.kernels + kernel] = layer.scale[row]
    bias[stored * (layout.kernels + 1) + kernel + 1] = layer.kernelBias[row]
    bias[stored * (layout.kernels + 1)] = layer.constant[layout.lanes[lane]]
  })
  return [
    { ...weights, data: weight },
    { ...second, data: scale },
    { ...third, data: bias },
  ]
}

/** Index of weight `k` of an output lane; in a dynamic layer of its fixed kernel, lanes counted without padding. */
export function integerIndex(layout: WeightLayout, lane: number, k: number, kernel: number): number {
  const { kernels, block, kind, taps } = layout
  if (kernels) {
    const pairs = (kernels + 1) >> 1
    const quad = (lane * integerDepth(layout)) / 4 + (k >> 2)
    return ((quad * pairs + (kernel >> 1)) * 4 + (k & 3)) * 2 + (kernel & 1)
  }
  const number = Math.floor(lane / block)
  const inner = lane - number * block
  if (kind === 'depthwise') return (number * taps.length + k) * block + inner
  return ((number * (taps.length >> 2) + (k >> 2)) * block + inner) * 4 + (k & 3)
}
