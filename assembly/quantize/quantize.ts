import { Step } from '../program/format'
import { input, output, splatWord, word } from '../program/operands'
import { clampedBytes, rounded, roundingTo, splatByte, words } from '../simd/requantize'

/** out[y][x][c] = clamp(rne(f(in[y][x][c] / OutScale) + OutZero), 0, Top): float32 -> stored integers. NaN counts as 0. Units are rows. */
export function i8_quantize(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const lanes: usize = word(step, Step.Lanes)
  const scale = splatWord(step, Step.OutScale)
  const zero = <i32>word(step, Step.OutZero)
  const top = splatByte(word(step, Step.Top))
  for (let y = begin; y < end; ++y) {
    let from = input(step) + <usize>y * word(step, Step.InRow)
    let to = output(step) + <usize>y * word(step, Step.OutRow)
    for (let x = 0; x < columns; ++x) {
      for (let lane: usize = 0; lane < lanes; lane += 4) {
        v128.store32_lane(to + lane, fourBytes(v128.load(from + (lane << 2)), scale, zero, top), 0)
      }
      from += word(step, Step.InPixel)
      to += word(step, Step.OutPixel)
    }
  }
}

/** Four float32 -> four bytes 0..top, in the first lane; `top` in each byte. A NaN would have the sign that its machine gives it. */
// @ts-ignore: decorator
@inline
export function fourBytes(x: v128, scale: v128, zero: i32, top: v128): v128 {
  const v = f32x4.div(v128.and(x, f32x4.eq(x, x)), scale)
  const q = rounded(v, roundingTo(zero))
  const low = words(q, q)
  return clampedBytes(low, low, i8x16.splat(0), top)
}
