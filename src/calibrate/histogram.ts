import type { Range } from '../pack/quantize-graph.ts'

/** Of which half are negative. A range of 128 levels has 16 or more of them a level. */
const BINS = 8192
const HALF = BINS / 2

/** How often a tensor had which values: bins of one width around 0, wider ones by powers of two as larger values come. One pass is enough. */
export class Histogram {
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  /** How many values came. */
  total = 0
  /** Did a value come that is not finite? It is not counted. */
  broken = false
  private readonly counts = new Float64Array(BINS)
  /** The bins reach from -reach to reach; a power of two. */
  private reach = 0

  add(values: ArrayLike<number>): void {
    let { min, max } = this
    let sum = 0
    for (let i = 0; i < values.length; ++i) {
      const value = values[i]
      if (value < min) min = value
      if (value > max) max = value
      // Neither NaN nor infinity leaves 0 times itself 0.
      sum += value * 0
    }
    if (sum !== 0) this.broken = true
    if (this.broken || values.length === 0) return
    this.min = min
    this.max = max
    this.widen(Math.max(-min, max))
    const { counts } = this
    const perUnit = HALF / this.reach
    for (let i = 0; i < values.length; ++i) ++counts[HALF + Math.floor(values[i] * perUnit)]
    this.total += values.length
  }

  merge(other: Histogram): void {
    this.broken ||= other.broken
    if (other.total === 0) return
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
    this.widen(Math.max(-this.min, this.max))
    const ratio = other.reach / this.reach
    other.counts.forEach((count, bin) => {
      if (count) this.counts[HALF + Math.floor((bin - HALF + 0.5) * ratio)] += count
    })
    this.total += other.total
  }

  /** Centres of the bins that are not empty, in order, and how many values each has. */
  bins(): { values: Float64Array; counts: Float64Array } {
    const filled = [...this.counts.keys()].filter((bin) => this.counts[bin])
    const width = this.reach / HALF
    return {
      values: Float64Array.from(filled, (bin) => Math.min(Math.max((bin - HALF + 0.5) * width, this.min), this.max)),
      counts: Float64Array.from(filled, (bin) => this.counts[bin]),
    }
  }

  /** From the smallest to the largest value, which are exact; 0..0 where none came. */
  extent(): Range {
    return this.total ? { low: this.min, high: this.max } : { low: 0, high: 0 }
  }

  /** Values beyond which the share 1 - `share` of all values lies, on either side. */
  between(share: number): Range {
    const { values, counts } = this.bins()
    const rest = this.total * (1 - share)
    const edge = (order: 1 | -1) => {
      let at = order > 0 ? 0 : values.length - 1
      for (let seen = counts[at]; seen <= rest && values[at + order] !== undefined; seen += counts[at]) at += order
      return values[at]
    }
    if (this.total === 0) return { low: 0, high: 0 }
    const { min, max } = this
    return rest < 1 ? { low: min, high: max } : { low: edge(1), high: edge(-1) }
  }

  private widen(largest: number): void {
    if (largest < this.reach) return
    const { counts } = this
    // The last bin ends before `reach`.
    const wanted = 2 ** (Math.floor(Math.log2(Math.max(largest, 2 ** -100))) + 1)
    if (this.total === 0) this.reach = wanted
    for (; this.reach < wanted; this.reach *= 2) {
      const folded = new Float64Array(BINS)
      for (let bin = 0; bin < BINS; ++bin) folded[HALF + Math.floor((bin - HALF) / 2)] += counts[bin]
      counts.set(folded)
    }
  }
}
