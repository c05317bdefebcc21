import { Step } from '../program/format'
import { scratch, word } from '../program/operands'
import { joinHalves, oneHigh, oneLow, twoHigh, twoLow } from '../simd/dot'
import { roundingTo } from '../simd/requantize'
import { finish } from './finish_i8'
import { IN } from './pixels'
import * as window from './window_i8'

/**
 * out[r][n] = requantize(bias[n] + sum_k a[r][k] * w[n][k]), four pixels by eight lanes, by products of int8: `w` is a panel, a[r] the
 * pixels' pointers in scratch, `from` the first of them; bias and factors are the panel's, `lane` is its first. Two products fit int16
 * (2 * 127 * 127), so two quads are added there before they are widened: on arm64 that is smull, smlal, sadalp. An accumulator holds two
 * half sums of two lanes each.
 */
export function bytesTile(from: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  const table = scratch + (<usize>from << 2)
  let a0: usize = load<u32>(table, IN + 0)
  let a1: usize = load<u32>(table, IN + 4)
  let a2: usize = load<u32>(table, IN + 8)
  let a3: usize = load<u32>(table, IN + 12)
  let b = v128.load(bias)
  let c00 = i64x2.extend_low_i32x4_u(b)
  let c01 = i64x2.extend_high_i32x4_u(b)
  b = v128.load(bias, 16)
  let c02 = i64x2.extend_low_i32x4_u(b)
  let c03 = i64x2.extend_high_i32x4_u(b)
  let c10 = c00; let c11 = c01; let c12 = c02; let c13 = c03
  let c20 = c00; let c21 = c01; let c22 = c02; let c23 = c03
  let c30 = c00; let c31 = c01; let c32 = c02; let c33 = c03
  let x: v128
  let y: v128
  let segments = window.segments
  let run = window.runs
  while (true) {
    let k = window.quads
    for (; k >= 2; k -= 2) {
      const v0 = v128.load(w)
      const v1 = v128.load(w, 16)
      const u0 = v128.load(w, 32)
      const u1 = v128.load(w, 48)
      x = v128.load32_splat(a0); y = v128.load32_splat(a0, 4)
      c00 = twoLow(v0, x, u0, y, c00); c01 = twoHigh(v0, x, u0, y, c01)
      c02 = twoLow(v1, x, u1, y, c02); c03 = twoHigh(v1, x, u1, y, c03)
      x = v128.load32_splat(a1); y = v128.load32_splat(a1, 4)
      c10 = twoLow(v0, x, u0, y, c10); c11 = twoHigh(v0, x, u0, y, c11)
      c12 = twoLow(v1, x, u1, y, c12); c13 = twoHigh(v1, x, u1, y, c13)
      x = v128.load32_splat(a2); y = v128.load32_splat(a2, 4)
      c20 = twoLow(v0, x, u0, y, c20); c21 = twoHigh(v0, x, u0, y, c21)
      c22 = twoLow(v1, x, u1, y, c22); c23 = twoHigh(v1, x, u1, y, c23)
      x = v128.load32_splat(a3); y = v128.load32_splat(a3, 4)
      c30 = twoLow(v0, x, u0, y, c30); c31 = twoHigh(v0, x, u0, y, c31)
      c32 = twoLow(v1, x, u1, y, c32); c33 = twoHigh(v1, x, u1, y, c33)
      w += 64
      a0 += 8; a1 += 8; a2 += 8; a3 += 8
    }
    if (k) {
      const v0 = v128.load(w)
      const v1 = v128.load(w, 16)
      x = v128.load32_splat(a0)
      c00 = oneLow(v0, x, c00); c01 = oneHigh(v0, x, c01)
      c02 = oneLow(v1, x, c02); c03 = oneHigh(v1, x, c03)
      x = v128.load32_splat(a1)
      c10 = oneLow(v0, x, c10); c11 = oneHigh(v0, x, c11)
      c12 = oneLow(v1, x, c12); c13 = oneHigh(v1, x, c13)
      x = v128.load32_splat(a2)
      c20 = oneLow(v0, x, c20); c21 = oneHigh(v0, x, c21)
      c22 = oneLow(v1, x, c22); c23 = oneHigh(v1, x, c23)
      x = v128.load32_splat(a3)
      c30 = oneLow(v0, x, c30); c31 = oneHigh(v0, x, c31)
      c32 = oneLow(v1, x, c32); c33 = oneHigh(v1, x, c33)
      w += 32
      a0 += 4; a1 += 4; a2 += 4; a3 += 4
    }
    if (--segments == 0) break
    let gap = window.runGap
    if (--run == 0) {
      run = window.runs
      gap = window.rowGap
    }
    a0 += gap; a1 += gap; a2 += gap; a3 += gap
  }
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const rounding = roundingTo(word(step, Step.OutZero))
  const low = v128.load8_splat(step + (Step.Low << 2))
  const high = v128.load8_splat(step + (Step.High << 2))
  finish(joinHalves(c00, c01), joinHalves(c02, c03), joinHalves(c10, c11), joinHalves(c12, c13), m0, m1, rounding, low, high, from, lane, step, mode)
  finish(joinHalves(c20, c21), joinHalves(c22, c23), joinHalves(c30, c31), joinHalves(c32, c33), m0, m1, rounding, low, high, from + 2, lane, step, mode)
}
