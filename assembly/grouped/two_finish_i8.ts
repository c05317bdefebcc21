import { Step } from '../program/format'
import { operand, word } from '../program/operands'
import { clampedBytes, rounded, roundingTo, scaled, words } from '../simd/requantize'

// From int32 sums of the eight lanes of a block to bytes: docs/quantization.md, Requantize.

// @ts-ignore: decorator
@inline
export function blockBias(step: usize, block: usize): usize {
  return operand(step, Step.Bias) + (block << 5)
}

/** Requantizes and stores two pixels. */
// @ts-ignore: decorator
@inline
export function finishPair(
  step: usize, block: usize, out: usize, outMove: usize, c00: v128, c01: v128, c10: v128, c11: v128,
): void {
  const factors = operand(step, Step.Factors) + (block << 5)
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const rounding = roundingTo(word(step, Step.OutZero))
  const bytes = clampedBytes(
    words(rounded(scaled(c00, m0), rounding), rounded(scaled(c01, m1), rounding)),
    words(rounded(scaled(c10, m0), rounding), rounded(scaled(c11, m1), rounding)),
    v128.load8_splat(step + (Step.Low << 2)), v128.load8_splat(step + (Step.High << 2)),
  )
  v128.store64_lane(out, bytes, 0)
  v128.store64_lane(out + outMove, bytes, 1)
}
