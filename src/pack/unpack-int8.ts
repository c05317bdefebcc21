import type { Graph } from '../graph/graph.ts'
import { pooledBits } from '../graph/integer.ts'
import type { WeightLayout } from '../plan/weights.ts'
import { forRows } from './pack.ts'
import { integerIndex } from './pack-int8.ts'

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
  const { input, output, zero } = scalesOf(graph, layout)
  forRows(layout, (row, lane, kernel) => {
    const scale = kernels ? second[lane * kernels + kernel] : (third[lane] * output) / input
    let sum = 0
    taps.forEach((tap, k) => {
      if (tap < 0) return
      const q = packed[integerIndex(layout, lane, k, kernel)]
      weight[row * length + tap] = scale * q
      sum += q
    })
    if (kernels) {
      bias[row] = third[lane * (kernels + 1) + kernel + 1]
      constant[lanes[lane]] = third[lane * (kernels + 1)]
    } else bias[row] = (second[lane] + zero * sum) * input * scale
  })
  return { weight, bias, constant }
}

/** Scale of what a layer sums, of what it stores (1: float32), and the zero point that its biases contain. */
function scalesOf(graph: Graph, { node }: WeightLayout): { input: number; output: number; zero: number } {
  const quantization = graph.quantization!
  if (node.op === 'conv') {
    const { scale, zero } = quantization[node.input.tensor]
    return { input: scale, output: quantization[node.output].scale, zero }
  }
  const pool = graph.nodes.find((other) => other.op === 'globalpool' && other.output === node.input.tensor)
  const { scale, bits } = quantization[pool?.op === 'globalpool' ? pool.input.tensor : node.input.tensor]
  return { input: scale / 2 ** pooledBits(node.input.channels, 2 ** bits - 1), output: 1, zero: 0 }
}
