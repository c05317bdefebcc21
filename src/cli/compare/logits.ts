/** How far the logits of one network are from those of another, over all pictures that were added. */
export interface LogitError {
  /** Largest difference of a logit. */
  max: number
  /** Sum of all differences over the sum of all sizes of the first's logits. */
  mean_relative: number
  /** Of all pairs of logits; null where one network's are all the same. */
  correlation: number | null
  /** 10 log10 of the squares of the first's logits over those of the differences, decibels; null where nothing differs. */
  sqnr_db: number | null
}

/** Sums over pairs of logits, from which the errors follow. */
export class LogitSums {
  private count = 0
  private max = 0
  private differences = 0
  private sizes = 0
  private squares = 0
  private readonly first = [0, 0]
  private readonly second = [0, 0]
  private products = 0

  add(a: Float32Array, b: Float32Array): void {
    for (const [i, x] of a.entries()) {
      const y = b[i]
      const difference = Math.abs(x - y)
      this.max = Math.max(this.max, difference)
      this.differences += difference
      this.squares += difference * difference
      this.sizes += Math.abs(x)
      this.first[0] += x
      this.first[1] += x * x
      this.second[0] += y
      this.second[1] += y * y
      this.products += x * y
    }
    this.count += a.length
  }

  error(): LogitError {
    const { count, max, first, second } = this
    const spread = ([sum, squares]: number[]) => squares - (sum * sum) / count
    const size = Math.sqrt(spread(first) * spread(second))
    return {
      max,
      mean_relative: this.differences === 0 ? 0 : this.differences / this.sizes,
      correlation: size > 0 ? Math.min(1, (this.products - (first[0] * second[0]) / count) / size) : null,
      sqnr_db: this.squares > 0 ? 10 * Math.log10(first[1] / this.squares) : null,
    }
  }
}
