import type { Profile } from '../interface.ts'
import type { Engine } from './engine.ts'

/** Runs a selected plan step by step on a gray picture: time of every step, minimum over `repetitions`, milliseconds. */
export function profileSteps(engine: Engine, input: string, repetitions = 20): Profile {
  const plan = engine.current!
  engine.write(plan.pictures.get(input)!, new Float32Array(plan.height * plan.width * 3).fill(0.5))
  engine.run(0, plan.steps.length)
  const times = plan.steps.map(() => Number.POSITIVE_INFINITY)
  for (let repetition = 0; repetition < repetitions; ++repetition)
    for (let step = 0; step < plan.steps.length; ++step) {
      const start = performance.now()
      engine.run(step, step + 1)
      times[step] = Math.min(times[step], performance.now() - start)
    }
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
