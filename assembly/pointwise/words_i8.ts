import { SCRATCH_BYTES, Step } from '../program/format'
import { scratch, word } from '../program/operands'
import { joinHalves, wordsAdd } from '../simd/dot'
import { roundingTo } from '../simd/requantize'
import { finish } from './finish_i8'
import { IN } from './pixels'
import * as window from './window_i8'

/** In scratch: weights of some panels as int16. */
const WIDENED: usize = 512

/** Panels of `bytes` bytes that fit there. */
export function widenedPanels(bytes: usize): i32 {
  return <i32>((<usize>SCRATCH_BYTES - WIDENED) / (bytes << 1))
}

/** Widens `bytes` bytes of weights, whole panels, for `widenedTile`; returns where they are. */
export function widen(w: usize, bytes: usize): usize {
  const to = scratch + WIDENED
  for (let i: usize = 0; i < bytes; i += 8) v128.store(to + (i << 1), v128.load_ext<i8>(w + i))
  return to
}

// out[r][n] = requantize(bias[n] + sum_k a[r][k] * w[n][k]), two pixels by eight lanes, by products of int16: `w` is a panel, a[r] the
// pixels' pointers in scratch, `from` the first of them; bias and factors are the panel's, `lane` is its first. An accumulator holds two
// half sums of two lanes each. Activations may be up to 255. One quad a round: of more, older V8 loads all weights first and spills.

export function wordsTile(from: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  tile<i8>(from, w, bias, factors, lane, step, mode)
}

/** The same with weights that `widen` made: an eighth faster, once a few pixels share them. */
export function widenedTile(from: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  tile<i16>(from, w, bias, factors, lane, step, mode)
}

// @ts-ignore: decorator
@inline
function tile<T>(from: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  const table = scratch + (<usize>from << 2)
  let a0: usize = load<u32>(table, IN + 0)
  let a1: usize = load<u32>(table, IN + 4)
  let b = v128.load(bias)
  let c00 = i64x2.extend_low_i32x4_u(b)
  let c01 = i64x2.extend_high_i32x4_u(b)
  b = v128.load(bias, 16)
  let c02 = i64x2.extend_low_i32x4_u(b)
  let c03 = i64x2.extend_high_i32x4_u(b)
  let c10 = c00; let c11 = c01; let c12 = c02; let c13 = c03
  let x: v128
  let y: v128
  let segments = window.segments
  let run = window.runs
  while (true) {
    for (let k = window.quads; k > 0; --k) {
      x = i16x8.extend_low_i8x16_u(v128.load32_splat(a0))
      y = i16x8.extend_low_i8x16_u(v128.load32_splat(a1))
      b = sizeof<T>() == 1 ? v128.load_ext<i8>(w) : v128.load(w)
      c00 = wordsAdd(b, x, c00); c10 = wordsAdd(b, y, c10)
      b = sizeof<T>() == 1 ? v128.load_ext<i8>(w, 8) : v128.load(w, 16)
      c01 = wordsAdd(b, x, c01); c11 = wordsAdd(b, y, c11)
      b = sizeof<T>() == 1 ? v128.load_ext<i8>(w, 16) : v128.load(w, 32)
      c02 = wordsAdd(b, x, c02); c12 = wordsAdd(b, y, c12)
      b = sizeof<T>() == 1 ? v128.load_ext<i8>(w, 24) : v128.load(w, 48)
      c03 = wordsAdd(b, x, c03); c13 = wordsAdd(b, y, c13)
      w += 32 * sizeof<T>()
      a0 += 4; a1 += 4
    }
    if (--segments == 0) break
    let gap = window.runGap
    if (--run == 0) {
      run = window.runs
      gap = window.rowGap
    }
    a0 += gap; a1 += gap
  }
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const rounding = roundingTo(word(step, Step.OutZero))
  const low = v128.load8_splat(step + (Step.Low << 2))
  const high = v128.load8_splat(step + (Step.High << 2))
  finish(joinHalves(c00, c01), joinHalves(c02, c03), joinHalves(c10, c11), joinHalves(c12, c13), m0, m1, rounding, low, high, from, lane, step, mode)
}
