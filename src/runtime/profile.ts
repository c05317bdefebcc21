import type { Profile } from '../interface.ts'
import type { Engine } from './engine.ts'

/** Runs a selected plan step by step on a gray picture: time of every step, over `repetitions`, milliseconds. */
export function profileSteps(engine: Engine, input: string, repetitions = 20): Profile {
  const plan = engine.current!
  engine.write(plan.pictures.get(input)!, new Float32Array(plan.height * plan.width * 3).fill(0.5))
  engine.run(0, plan.steps.length)
  const runs: Float64Array[] = []
  for (let repetition = 0; repetition < repetitions; ++repetition) {
    const times = new Float64Array(plan.steps.length)
    for (let step = 0; step < times.length; ++step) {
      const start = performance.now()
      engine.run(step, step + 1)
      times[step] = performance.now() - start
    }
    runs.push(times)
  }
  const times = timesOf(runs)
  const ms = times.reduce((sum, time) => sum + time, 0)
  const steps = plan.steps.map(({ label, kernel, multiplyAdds }, index) => ({
    step: label,
    kernel: kernel.name,
    does: kernel.does,
    ms: times[index],
    share: times[index] / ms,
    multiplyAdds,
  }))
  return { ms, steps }
}

/** A clock with coarser ticks does not see a step. */
const FINE_MS = 0.001

/**
 * The least of every step. Where the clock is coarse (a page has ticks of 5 or 100 microseconds) that would be nothing: then the mean, over
 * the faster half of the runs, which nothing disturbed.
 */
function timesOf(runs: Float64Array[]): number[] {
  const steps = [...runs[0].keys()]
  if (tick() <= FINE_MS) return steps.map((step) => Math.min(...runs.map((times) => times[step])))
  const total = (times: Float64Array) => times.reduce((sum, time) => sum + time, 0)
  const faster = runs.sort((a, b) => total(a) - total(b)).slice(0, Math.ceil(runs.length / 2))
  return steps.map((step) => faster.reduce((sum, times) => sum + times[step], 0) / faster.length)
}

/** Least step of the clock, milliseconds. */
function tick(): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; ++i) {
    const start = performance.now()
    let now = start
    while (now === start) now = performance.now()
    least = Math.min(least, now - start)
  }
  return least
}
