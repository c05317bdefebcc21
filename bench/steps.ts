import type { Breakdown, Peaks, StepClass } from '../src/bench/report.ts'
import { count } from '../src/graph/counts.ts'
import type { Network } from '../src/interface.ts'

const REPETITIONS = 40

/** `least` is the shortest whole run that was timed. */
export async function breakDown(network: Network, size: number, least: number, peaks: Peaks): Promise<Breakdown> {
  const { ms, steps } = await network.profile({ size: [size, size], repetitions: REPETITIONS })
  const classes = new Map<string, StepClass>()
  for (const step of steps) {
    const group = classes.get(step.does) ?? { does: step.does, steps: 0, ms: 0, share: 0, multiplyAdds: 0, rate: 0 }
    classes.set(step.does, group)
    group.steps += 1
    group.ms += step.ms
    group.multiplyAdds += step.multiplyAdds
  }
  for (const group of classes.values())
    Object.assign(group, { share: group.ms / ms, rate: group.multiplyAdds / group.ms / 1e6 })
  const { name, precision } = network
  return {
    network: name,
    precision,
    variant: network.describe().variant,
    size,
    ms,
    classes: [...classes.values()].sort((a, b) => b.ms - a.ms),
    pointwiseOfBest: (classes.get('pointwise')?.rate ?? 0) / peaks.best,
    networkOfBest: count(network.graph, size, size).multiplyAdds / least / 1e6 / peaks.best,
    fusion: classes.get('fuse')?.share ?? 0,
    steps: steps
      .filter(({ multiplyAdds }) => multiplyAdds > 0)
      .map(({ step, does, ms, multiplyAdds }) => ({ step, does, ms, rate: multiplyAdds / ms / 1e6 })),
  }
}
