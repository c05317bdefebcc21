import type { Graph } from '../graph/graph.ts'
import { storedLane, type WeightLayout } from '../plan/weights.ts'
import { forRows } from './pack.ts'
import { integerIndex } from './pack-int8.ts'
import { scalesOf } from './quantize.ts'

/** What the integers of a layer stand for: weight and bias per PyTorch row, and the constant part of a dynamic layer's bias. */
export function unpackIntegerLayer(
  graph: Graph,
  layout: WeightLayout,
  packed: ArrayLike<number>,
  second: ArrayLike<number>,
  third: ArrayLike<number>,
) {
  const { kernels, taps, lanes } = layout
  const channels = lanes.reduce((most, channel) => Math.max(most, channel + 1), 0)
  const rows = channels * (kernels || 1)
  const length = taps.filter((tap) => tap >= 0).length
  const weight = new Float32Array(rows * length)
  const bias = new Float32Array(rows)
  const constant = new Float32Array(kernels ? channels : 0)
  const { input, output, zero } = scalesOf(graph, layout.node)
  forRows(layout, (row, lane, kernel) => {
    const place = kernels ? storedLane(lanes, lane) : lane
    const scale = kernels ? second[place * kernels + kernel] : (third[lane] * output) / input
    let sum = 0
    taps.forEach((tap, k) => {
      if (tap < 0) return
      const q = packed[integerIndex(layout, place, k, kernel)]
      weight[row * length + tap] = scale * q
      sum += q
    })
    if (kernels) {
      bias[row] = third[place * (kernels + 1) + kernel + 1]
      constant[lanes[lane]] = third[place * (kernels + 1)]
    } else bias[row] = (second[lane] + zero * sum) * input * scale
  })
  return { weight, bias, constant }
}
