import { Step } from '../program/format'
import { scratch, word } from '../program/operands'
import { dotAdd } from '../simd/dot'
import { roundingTo } from '../simd/requantize'
import { finish } from './finish_i8'
import { IN } from './pixels'
import * as window from './window_i8'

/**
 * out[r][n] = requantize(bias[n] + sum_k a[r][k] * w[n][k]), a unit's eight pixels by eight lanes, by relaxed dot products, for machines
 * with 32 vector registers: `w` is a panel, a[r] the pixels' pointers in scratch; bias and factors are the panel's, `lane` is its first.
 * Four quads of a pixel are loaded at once, since on arm64 a lane is repeated in one instruction and a load with an offset takes two.
 */
export function wideTile(w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  const table = scratch
  let a0: usize = load<u32>(table, IN + 0)
  let a1: usize = load<u32>(table, IN + 4)
  let a2: usize = load<u32>(table, IN + 8)
  let a3: usize = load<u32>(table, IN + 12)
  let a4: usize = load<u32>(table, IN + 16)
  let a5: usize = load<u32>(table, IN + 20)
  let a6: usize = load<u32>(table, IN + 24)
  let a7: usize = load<u32>(table, IN + 28)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let c10 = w0; let c11 = w1
  let c20 = w0; let c21 = w1
  let c30 = w0; let c31 = w1
  let c40 = w0; let c41 = w1
  let c50 = w0; let c51 = w1
  let c60 = w0; let c61 = w1
  let c70 = w0; let c71 = w1
  let w2 = w0; let w3 = w1
  let w4 = w0; let w5 = w1
  let w6 = w0; let w7 = w1
  let x: v128
  let y: v128
  let segments = window.segments
  let run = window.runs
  while (true) {
    let k = window.quads
    for (; k >= 4; k -= 4) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      w2 = v128.load(w, 32)
      w3 = v128.load(w, 48)
      w4 = v128.load(w, 64)
      w5 = v128.load(w, 80)
      w6 = v128.load(w, 96)
      w7 = v128.load(w, 112)
      x = v128.load(a0)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c00 = dotAdd(w0, y, c00); c01 = dotAdd(w1, y, c01)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c00 = dotAdd(w2, y, c00); c01 = dotAdd(w3, y, c01)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c00 = dotAdd(w4, y, c00); c01 = dotAdd(w5, y, c01)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c00 = dotAdd(w6, y, c00); c01 = dotAdd(w7, y, c01)
      x = v128.load(a1)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c10 = dotAdd(w0, y, c10); c11 = dotAdd(w1, y, c11)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c10 = dotAdd(w2, y, c10); c11 = dotAdd(w3, y, c11)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c10 = dotAdd(w4, y, c10); c11 = dotAdd(w5, y, c11)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c10 = dotAdd(w6, y, c10); c11 = dotAdd(w7, y, c11)
      x = v128.load(a2)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c20 = dotAdd(w0, y, c20); c21 = dotAdd(w1, y, c21)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c20 = dotAdd(w2, y, c20); c21 = dotAdd(w3, y, c21)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c20 = dotAdd(w4, y, c20); c21 = dotAdd(w5, y, c21)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c20 = dotAdd(w6, y, c20); c21 = dotAdd(w7, y, c21)
      x = v128.load(a3)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c30 = dotAdd(w0, y, c30); c31 = dotAdd(w1, y, c31)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c30 = dotAdd(w2, y, c30); c31 = dotAdd(w3, y, c31)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c30 = dotAdd(w4, y, c30); c31 = dotAdd(w5, y, c31)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c30 = dotAdd(w6, y, c30); c31 = dotAdd(w7, y, c31)
      x = v128.load(a4)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c40 = dotAdd(w0, y, c40); c41 = dotAdd(w1, y, c41)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c40 = dotAdd(w2, y, c40); c41 = dotAdd(w3, y, c41)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c40 = dotAdd(w4, y, c40); c41 = dotAdd(w5, y, c41)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c40 = dotAdd(w6, y, c40); c41 = dotAdd(w7, y, c41)
      x = v128.load(a5)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c50 = dotAdd(w0, y, c50); c51 = dotAdd(w1, y, c51)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c50 = dotAdd(w2, y, c50); c51 = dotAdd(w3, y, c51)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c50 = dotAdd(w4, y, c50); c51 = dotAdd(w5, y, c51)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c50 = dotAdd(w6, y, c50); c51 = dotAdd(w7, y, c51)
      x = v128.load(a6)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c60 = dotAdd(w0, y, c60); c61 = dotAdd(w1, y, c61)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c60 = dotAdd(w2, y, c60); c61 = dotAdd(w3, y, c61)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c60 = dotAdd(w4, y, c60); c61 = dotAdd(w5, y, c61)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c60 = dotAdd(w6, y, c60); c61 = dotAdd(w7, y, c61)
      x = v128.load(a7)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c70 = dotAdd(w0, y, c70); c71 = dotAdd(w1, y, c71)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c70 = dotAdd(w2, y, c70); c71 = dotAdd(w3, y, c71)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c70 = dotAdd(w4, y, c70); c71 = dotAdd(w5, y, c71)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c70 = dotAdd(w6, y, c70); c71 = dotAdd(w7, y, c71)
      w += 128
      a0 += 16; a1 += 16; a2 += 16; a3 += 16
      a4 += 16; a5 += 16; a6 += 16; a7 += 16
    }
    for (; k > 0; --k) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      x = v128.load32_splat(a0)
      c00 = dotAdd(w0, x, c00); c01 = dotAdd(w1, x, c01)
      x = v128.load32_splat(a1)
      c10 = dotAdd(w0, x, c10); c11 = dotAdd(w1, x, c11)
      x = v128.load32_splat(a2)
      c20 = dotAdd(w0, x, c20); c21 = dotAdd(w1, x, c21)
      x = v128.load32_splat(a3)
      c30 = dotAdd(w0, x, c30); c31 = dotAdd(w1, x, c31)
      x = v128.load32_splat(a4)
      c40 = dotAdd(w0, x, c40); c41 = dotAdd(w1, x, c41)
      x = v128.load32_splat(a5)
      c50 = dotAdd(w0, x, c50); c51 = dotAdd(w1, x, c51)
      x = v128.load32_splat(a6)
      c60 = dotAdd(w0, x, c60); c61 = dotAdd(w1, x, c61)
      x = v128.load32_splat(a7)
      c70 = dotAdd(w0, x, c70); c71 = dotAdd(w1, x, c71)
      w += 32
      a0 += 4; a1 += 4; a2 += 4; a3 += 4
      a4 += 4; a5 += 4; a6 += 4; a7 += 4
    }
    if (--segments == 0) break
    let gap = window.runGap
    if (--run == 0) {
      run = window.runs
      gap = window.rowGap
    }
    a0 += gap; a1 += gap; a2 += gap; a3 += gap
    a4 += gap; a5 += gap; a6 += gap; a7 += gap
  }
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const rounding = roundingTo(word(step, Step.OutZero))
  const low = v128.load8_splat(step + (Step.Low << 2))
  const high = v128.load8_splat(step + (Step.High << 2))
  // Last pixels first: TurboFan (V8 up to 12) orders the products in the loop by it, and spills where all come at its end.
  finish(c60, c61, c70, c71, m0, m1, rounding, low, high, 6, lane, step, mode)
  finish(c40, c41, c50, c51, m0, m1, rounding, low, high, 4, lane, step, mode)
  finish(c20, c21, c30, c31, m0, m1, rounding, low, high, 2, lane, step, mode)
  finish(c00, c01, c10, c11, m0, m1, rounding, low, high, 0, lane, step, mode)
}
