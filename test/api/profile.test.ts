import { afterEach, expect, test, vi } from 'vitest'
import { profileSteps } from '../../src/runtime/profile.ts'

// Steps that take a known time by a clock of the test's own.
const COSTS = [0.004, 0.03, 0.5, 0.0105]
const DISTURBED = 7

afterEach(() => {
  vi.restoreAllMocks()
})

function profiled(tick: number, repetitions: number) {
  let now = 0
  let runs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 0.0001
    return Math.floor(now / tick) * tick
  })
  const plan = {
    height: 1,
    width: 1,
    pictures: new Map(),
    steps: COSTS.map((_, step) => ({ label: `${step}`, kernel: { name: 'k', does: 'd' }, multiplyAdds: step })),
  }
  const run = (from: number, to: number) => {
    if (from === 0 && ++runs === DISTURBED) now += 40
    for (let step = from; step < to; ++step) now += COSTS[step]
  }
  const engine = { current: plan, write() {}, run }
  return profileSteps(engine as unknown as Parameters<typeof profileSteps>[0], 'image', repetitions)
}

test('a fine clock: the least time of every step', () => {
  const { ms, steps } = profiled(0.00001, 20)
  steps.forEach((step, index) => {
    expect(step.ms).toBeGreaterThanOrEqual(COSTS[index])
    expect(step.ms).toBeLessThan(COSTS[index] + 0.001)
  })
  expect(ms).toBeCloseTo(steps.reduce((sum, step) => sum + step.ms, 0))
  expect(steps.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
})

test.each([0.005, 0.1])('a clock with ticks of %s ms: means, without the runs that something disturbed', (tick) => {
  const { steps } = profiled(tick, 1000)
  steps.forEach((step, index) => {
    expect(step.ms, `step ${index}`).toBeGreaterThan(0)
    expect(Math.abs(step.ms - COSTS[index])).toBeLessThan(0.1 * tick + 0.1 * COSTS[index])
  })
})
