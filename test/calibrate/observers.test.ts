import { describe, expect, test } from 'vitest'
import { Histogram } from '../../src/calibrate/histogram.ts'
import { OBSERVERS, observed, squaredError } from '../../src/calibrate/observers.ts'
import { randomFrom, seed } from '../helpers/wasm.ts'

const of = (...parts: ArrayLike<number>[]): Histogram => {
  const histogram = new Histogram()
  for (const part of parts) histogram.add(part)
  return histogram
}
const total = (histogram: Histogram) => histogram.bins().counts.reduce((sum, count) => sum + count, 0)

/** Bell-shaped, with a few values far out. */
function bell(random: () => number, length: number, far: number[] = []): Float32Array {
  const value = () => random() + random() + random() + random() + random() + random() - 3
  return Float32Array.from({ length }, (_, i) => (i < far.length ? far[i] : value()))
}

describe('Histogram', () => {
  test('Larger values widen it; nothing is lost, ends are exact', () => {
    const histogram = of([0.001, -0.002], [0, 0, 3], [-700.5], new Float32Array(0))
    expect([histogram.extent(), histogram.total, total(histogram)]).toEqual([{ low: -700.5, high: 3 }, 6, 6])
  })

  test(`In parts or at once, in one histogram or merged: the same bins (SEED=${seed})`, () => {
    const random = randomFrom(seed)
    const parts = [0.01, 1, 40].map((size) => bell(random, 500).map((value) => value * size))
    const whole = of(Float32Array.from(parts.flatMap((part) => [...part])))
    const merged = of()
    for (const part of parts) merged.merge(of(part))
    expect(of(...parts).bins()).toEqual(whole.bins())
    expect([merged.extent(), merged.total]).toEqual([whole.extent(), whole.total])
    // Merging moves a value by half a bin of the wider histogram at most.
    expect(merged.between(0.99).high / whole.between(0.99).high).toBeCloseTo(1, 2)
  })

  test('Values that are not finite mark it; an empty one has the range 0', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect([value, of([1, value]).broken]).toEqual([value, true])
    expect(of([1, -1]).broken).toBe(false)
    for (const observer of OBSERVERS) expect(observed(observer, of(), 127)).toEqual({ low: 0, high: 0 })
  })

  test('All values alike', () => {
    for (const value of [0, 1, -2, 1e-30, 1e30])
      for (const observer of OBSERVERS) {
        const { low, high } = observed(observer, of(new Float32Array(50).fill(value)), 127)
        expect([value, Number.isFinite(low) && Number.isFinite(high) && low <= high]).toEqual([value, true])
      }
  })
})

describe('Observers', () => {
  const random = randomFrom(seed)
  const spread = of(bell(random, 100_000, [50, -20]))

  test('minmax: all of it', () => expect(observed('minmax', spread, 127)).toEqual({ low: -20, high: 50 }))

  test(`percentile: without the farthest 0.01 % on either side (SEED=${seed})`, () => {
    const { low, high } = observed('percentile', spread, 127)
    expect(high).toBeGreaterThan(2)
    expect(high).toBeLessThan(3.01)
    expect(low).toBeLessThan(-2)
    expect(low).toBeGreaterThan(-3.01)
  })

  test('percentile: fewer than 10,000 values are all kept', () => {
    expect(observed('percentile', of(bell(random, 9_000, [50])), 127).high).toBe(50)
  })

  test(`mse: no range of a grid has a smaller error (SEED=${seed})`, () => {
    const range = observed('mse', spread, 127)
    const error = squaredError(spread.bins(), range, 127)
    expect(error).toBeLessThan(squaredError(spread.bins(), observed('minmax', spread, 127), 127))
    for (let high = 1; high <= 50; high += 0.5)
      for (let low = -20; low <= -1; low += 0.5)
        expect(error).toBeLessThan(1.02 * squaredError(spread.bins(), { low, high }, 127))
  })

  test('mse: what fills its range evenly is not cut', () => {
    const even = of(Float32Array.from({ length: 4000 }, (_, i) => i / 1000))
    expect(observed('mse', even, 127).high).toBeGreaterThan(3.9)
  })
})

test(`The error of a range is that of rounding every value (SEED=${seed})`, () => {
  const values = bell(randomFrom(seed + 1), 3000)
  const scale = 3 / 127
  const zero = 64
  let sum = 0
  for (const value of values) {
    const q = Math.min(Math.max(Math.round(value / scale) + zero, 0), 127)
    sum += (value - scale * (q - zero)) ** 2
  }
  const range = { low: -zero * scale, high: (127 - zero) * scale }
  const got = squaredError(of(values).bins(), range, 127)
  expect(got / sum).toBeGreaterThan(0.95)
  expect(got / sum).toBeLessThan(1.05)
})
