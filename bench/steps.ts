import { count } from '../src/graph/counts.ts'
import { type Conv, type Graph, inferShapes } from '../src/graph/graph.ts'
import type { Network } from '../src/network.ts'
import type { Precision } from '../src/plan/weights.ts'
import type { Variant } from '../src/runtime/module.ts'
import type { Peaks } from './peaks.ts'

export interface StepClass {
  does: string
  steps: number
  ms: number
  /** Part of the time of all steps. */
  share: number
  /** Logical multiply-adds: no padding. */
  multiplyAdds: number
  /** 10^9 multiply-adds per second. */
  rate: number
}

/** Where a network's time goes, and how near its arithmetic comes to the best rate of the build. */
export interface Breakdown {
  network: string
  precision: Precision
  variant: Variant
  size: number
  /** Sum of the steps, each at its minimum. */
  ms: number
  classes: StepClass[]
  /** Parts of the best float32 rate; integers may go beyond. */
  pointwiseOfBest: number
  networkOfBest: number
  /** Part of the time: kernels and biases of dynamic layers. */
  fusion: number
  /** The pointwise steps one by one. */
  pointwise: { step: string; ms: number; rate: number }[]
}

/** `least` is the shortest whole run that was timed. */
export async function breakDown(network: Network, size: number, least: number, peaks: Peaks): Promise<Breakdown> {
  const { ms, steps } = await network.profile({ size: [size, size], repetitions: 40 })
  const work = multiplyAddsOf(network.graph, size)
  const classes = new Map<string, StepClass>()
  const pointwise: Breakdown['pointwise'] = []
  for (const step of steps) {
    const multiplyAdds = work.get(step.step) ?? 0
    const group = classes.get(step.does) ?? { does: step.does, steps: 0, ms: 0, share: 0, multiplyAdds: 0, rate: 0 }
    classes.set(step.does, group)
    group.steps += 1
    group.ms += step.ms
    group.multiplyAdds += multiplyAdds
    if (step.does === 'pointwise') pointwise.push({ step: step.step, ms: step.ms, rate: multiplyAdds / step.ms / 1e6 })
  }
  for (const group of classes.values())
    Object.assign(group, { share: group.ms / ms, rate: group.multiplyAdds / group.ms / 1e6 })
  const { name, precision, variant } = network
  return {
    network: name,
    precision,
    variant,
    size,
    ms,
    classes: [...classes.values()].sort((a, b) => b.ms - a.ms),
    pointwiseOfBest: (classes.get('pointwise')?.rate ?? 0) / peaks.best,
    networkOfBest: count(network.graph, size, size).multiplyAdds / least / 1e6 / peaks.best,
    fusion: classes.get('fuse')?.share ?? 0,
    pointwise,
  }
}

/** Logical multiply-adds by the label of the step that does them. */
function multiplyAddsOf(graph: Graph, size: number): Map<string, number> {
  const shapes = inferShapes(graph, size, size)
  const work = new Map<string, number>()
  for (const node of graph.nodes) {
    if (node.op === 'linear' || node.op === 'coefficients')
      work.set(node.name, node.input.channels * shapes.get(node.output)!.channels)
    if (node.op !== 'conv') continue
    const { height, width } = shapes.get(node.output)!
    work.set(node.name, weightsOf(node) * height * width)
    if (node.dynamic) work.set(`${node.name}.fuse`, weightsOf(node) * node.dynamic.kernels)
  }
  return work
}

function weightsOf({ channels, input, groups, kernel }: Conv): number {
  return (channels * input.channels * kernel * kernel) / groups
}
