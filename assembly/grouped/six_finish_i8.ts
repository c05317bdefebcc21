import { Step } from '../program/format'
import { operand, word } from '../program/operands'
import { clampedBytes, rounded, roundingTo, scaled, words } from '../simd/requantize'

// From int32 sums of the twelve lanes of a block to bytes: docs/quantization.md, Requantize.

// @ts-ignore: decorator
@inline
export function blockBias(step: usize, block: usize): usize {
  return operand(step, Step.Bias) + block * 48
}

/** Requantizes and stores three pixels. */
// @ts-ignore: decorator
@inline
export function finishBlock(
  step: usize, block: usize, out: usize, outMove: usize,
  c00: v128, c01: v128, c02: v128, c10: v128, c11: v128, c12: v128, c20: v128, c21: v128, c22: v128,
): void {
  const factors = operand(step, Step.Factors) + block * 48
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const m2 = v128.load(factors, 32)
  const rounding = roundingTo(word(step, Step.OutZero))
  const low = v128.load8_splat(step + (Step.Low << 2))
  const high = v128.load8_splat(step + (Step.High << 2))
  const out1 = out + outMove
  const out2 = out1 + outMove
  let bytes = clampedBytes(eight(c00, c01, m0, m1, rounding), eight(c10, c11, m0, m1, rounding), low, high)
  v128.store64_lane(out, bytes, 0)
  v128.store64_lane(out1, bytes, 1)
  bytes = clampedBytes(eight(c02, c12, m2, m2, rounding), eight(c22, c22, m2, m2, rounding), low, high)
  v128.store32_lane(out, bytes, 0, 8)
  v128.store32_lane(out1, bytes, 1, 8)
  v128.store32_lane(out2, bytes, 2, 8)
  bytes = eight(c20, c21, m0, m1, rounding)
  v128.store64_lane(out2, clampedBytes(bytes, bytes, low, high), 0)
}

// @ts-ignore: decorator
@inline
function eight(first: v128, second: v128, m: v128, n: v128, rounding: v128): v128 {
  return words(rounded(scaled(first, m), rounding), rounded(scaled(second, n), rounding))
}
