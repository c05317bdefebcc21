import { roundEven } from '../graph/integer.ts'
import type { Range } from '../pack/quantize-graph.ts'
import type { Histogram } from './histogram.ts'

/** How a range is chosen from the values that a tensor took. docs/calibrate.md */
export const OBSERVERS = ['mse', 'percentile', 'minmax'] as const
export type Observer = (typeof OBSERVERS)[number]

/** Share of the values that `percentile` keeps on either side. */
export const KEPT_SHARE = 0.9999
/** Of the smallest to the largest value, how much `mse` tries to cut off on either side. */
const SHRINKS = Array.from({ length: 90 }, (_, step) => 1 - step / 100)
const ROUNDS = 2

/** The range of a tensor whose values are stored as integers from 0 to `top`. */
export function observed(observer: Observer, histogram: Histogram, top: number): Range {
  if (observer === 'minmax') return histogram.extent()
  if (observer === 'percentile') return histogram.between(KEPT_SHARE)
  return leastError(histogram, top)
}

/** The range whose integers have the smallest mean squared error; one end after the other is moved in, from the extreme values on. */
function leastError(histogram: Histogram, top: number): Range {
  const extent = histogram.extent()
  const bins = histogram.bins()
  let best = extent
  let least = squaredError(bins, best, top)
  const attempt = (range: Range) => {
    const error = squaredError(bins, range, top)
    if (error < least) [best, least] = [range, error]
  }
  for (let round = 0; round < ROUNDS; ++round) {
    if (extent.high > 0) for (const part of SHRINKS) attempt({ low: best.low, high: extent.high * part })
    if (extent.low < 0) for (const part of SHRINKS) attempt({ low: extent.low * part, high: best.high })
  }
  return best
}

/** Sum over all values of (value - the value that its integer stands for)^2. */
export function squaredError(
  { values, counts }: ReturnType<Histogram['bins']>,
  { low, high }: Range,
  top: number,
): number {
  const scale = (Math.max(high, 0) - Math.min(low, 0)) / top
  if (!(scale > 0)) return values.reduce((sum, value, bin) => sum + counts[bin] * value * value, 0)
  const zero = roundEven(Math.min(Math.max(-low, 0) / scale, top))
  let sum = 0
  for (let bin = 0; bin < values.length; ++bin) {
    const integer = Math.min(Math.max(Math.round(values[bin] / scale), -zero), top - zero)
    const error = values[bin] - integer * scale
    sum += counts[bin] * error * error
  }
  return sum
}
