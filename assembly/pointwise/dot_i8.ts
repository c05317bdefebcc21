import { Step } from '../program/format'
import { scratch, word } from '../program/operands'
import { dotAdd, Loop, ONES, pairsAdd } from '../simd/dot'
import { roundingTo } from '../simd/requantize'
import { finish } from './finish_i8'
import { IN } from './pixels'
import * as window from './window_i8'

// out[r][n] = requantize(bias[n] + sum_k a[r][k] * w[n][k]), four pixels by eight lanes, by relaxed dot products: `w` is a panel, a[r] the
// pixels' pointers in scratch, `from` the first of them; bias and factors are the panel's, `lane` is its first. One quad a round: of more,
// TurboFan (V8 up to 12) moves the products behind all loads and spills.

export function dotTile(from: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  tile(Loop.Dot, from, w, bias, factors, lane, step, mode)
}

export function pairsTile(from: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  tile(Loop.Pairs, from, w, bias, factors, lane, step, mode)
}

// @ts-ignore: decorator
@inline
function add(loop: i32, w: v128, a: v128, ones: v128, sum: v128): v128 {
  if (loop == Loop.Dot) return dotAdd(w, a, sum)
  return pairsAdd(w, a, ones, sum)
}

// @ts-ignore: decorator
@inline
function tile(loop: i32, from: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  const table = scratch + (<usize>from << 2)
  let a0: usize = load<u32>(table, IN + 0)
  let a1: usize = load<u32>(table, IN + 4)
  let a2: usize = load<u32>(table, IN + 8)
  let a3: usize = load<u32>(table, IN + 12)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let c10 = w0; let c11 = w1
  let c20 = w0; let c21 = w1
  let c30 = w0; let c31 = w1
  let x: v128
  const ones = loop == Loop.Pairs ? v128.load(ONES) : w0
  let segments = window.segments
  let run = window.runs
  while (true) {
    let k = window.quads
    for (; k > 0; --k) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      x = v128.load32_splat(a0)
      c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01)
      x = v128.load32_splat(a1)
      c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11)
      x = v128.load32_splat(a2)
      c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21)
      x = v128.load32_splat(a3)
      c30 = add(loop, w0, x, ones, c30); c31 = add(loop, w1, x, ones, c31)
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
  finish(c00, c01, c10, c11, m0, m1, rounding, low, high, from, lane, step, mode)
  finish(c20, c21, c30, c31, m0, m1, rounding, low, high, from + 2, lane, step, mode)
}
