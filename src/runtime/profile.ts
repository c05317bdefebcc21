import type { Profile } from '../interface.ts'
import type { Plan } from '../plan/plan.ts'
import type { Engine } from './engine.ts'

/** Runs a selected plan step by step on a gray picture: time of every step, over `repetitions`, milliseconds. */
export function profileSteps(engine: Engine, input: string, repetitions = 20): Profile {
  const plan = engine.current!
  writeGray(engine, input)
  engine.run(0, plan.steps.length)
  const runs: ArrayLike<number>[] = []
  for (let repetition = 0; repetition < repetitions; ++repetition) {
    const times = new Float64Array(plan.steps.length)
    for (let step = 0; step < times.length; ++step) {
      const start = performance.now()
      engine.run(step, step + 1)
      times[step] = performance.now() - start
    }
    runs.push(times)
  }
  return profileOf(plan, runs)
}

export function writeGray(engine: Engine, input: string): void {
  const { pictures, height, width } = engine.current!
  engine.write(pictures.get(input)!, new Float32Array(height * width * 3).fill(0.5))
}

/** Of the milliseconds of every step, for each of some runs. */
export function profileOf(plan: Plan, runs: ArrayLike<number>[]): Profile {
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

/** Runs that take so much longer than the one in the middle, beside a tick, were disturbed. */
const SLOWER = 1.1

/**
 * The least of every step. Where the clock is coarse (a page has ticks of 5 or 100 microseconds) that would be nothing: then the mean over
 * the runs that nothing disturbed. All of them: the faster ones are also those in which the clock happened to tick less.
 */
function timesOf(runs: ArrayLike<number>[]): number[] {
  const steps = [...Array(runs[0].length).keys()]
  const coarse = tick()
  if (coarse <= FINE_MS) return steps.map((step) => Math.min(...runs.map((times) => times[step])))
  const total = (times: ArrayLike<number>) => steps.reduce((sum, step) => sum + times[step], 0)
  const middle = runs.map(total).sort((a, b) => a - b)[runs.length >> 1]
  const calm = runs.filter((times) => total(times) <= SLOWER * middle + coarse)
  return steps.map((step) => calm.reduce((sum, times) => sum + times[step], 0) / calm.length)
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
