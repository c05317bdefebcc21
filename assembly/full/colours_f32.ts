import { Step } from '../program/format'
import { splatWord, word } from '../program/operands'
import { clamp, FUSED, madd } from '../simd/arithmetic'

/**
 * Pixels per tile, 8 lanes each: 6 where a multiply-add is one instruction (29 GMAC/s of 30 on Zen 5; 4 make 23, they wait for each
 * other), else 4 (27; 6 spill: 18).
 */
// @ts-ignore: decorator
@inline
export const COLOUR_TILE: i32 = FUSED ? 6 : 4

/**
 * Eight lanes of a row of `columns` >= COLOUR_TILE pixels, 3 x 3 on three colours: sums as in `f32_full_4x8`, nothing but the window
 * in the loop. `from`, `to`: pixel 0 of the row. The last tile is moved left to end with the row.
 */
export function colourRow(step: usize, from: usize, weights: usize, bias: usize, to: usize, columns: i32): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  const r1: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  const r2 = r1 + r1, r3 = r2 + r1, r4 = r3 + r1, r5 = r4 + r1
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  for (let x = 0; x < columns; x += COLOUR_TILE) {
    const start: usize = min(x, columns - COLOUR_TILE)
    let c00 = v128.load(bias)
    let c01 = v128.load(bias, 16)
    let c10 = c00, c20 = c00, c30 = c00, c40 = c00, c50 = c00
    let c11 = c01, c21 = c01, c31 = c01, c41 = c01, c51 = c01
    let row = from + start * r1
    let w = weights
    for (let i = 0; i < 3; ++i, row += inRow) {
      let p = row
      for (let j = 0; j < 3; ++j, p += inPixel, w += 96) {
        let v: v128, b0: v128, b1: v128
        b0 = v128.load(w)
        b1 = v128.load(w, 16)
        v = v128.load32_splat(p)
        c00 = madd(v, b0, c00); c01 = madd(v, b1, c01)
        v = v128.load32_splat(p + r1)
        c10 = madd(v, b0, c10); c11 = madd(v, b1, c11)
        v = v128.load32_splat(p + r2)
        c20 = madd(v, b0, c20); c21 = madd(v, b1, c21)
        v = v128.load32_splat(p + r3)
        c30 = madd(v, b0, c30); c31 = madd(v, b1, c31)
        if (FUSED) {
          v = v128.load32_splat(p + r4)
          c40 = madd(v, b0, c40); c41 = madd(v, b1, c41)
          v = v128.load32_splat(p + r5)
          c50 = madd(v, b0, c50); c51 = madd(v, b1, c51)
        }
        b0 = v128.load(w, 32)
        b1 = v128.load(w, 48)
        v = v128.load32_splat(p, 4)
        c00 = madd(v, b0, c00); c01 = madd(v, b1, c01)
        v = v128.load32_splat(p + r1, 4)
        c10 = madd(v, b0, c10); c11 = madd(v, b1, c11)
        v = v128.load32_splat(p + r2, 4)
        c20 = madd(v, b0, c20); c21 = madd(v, b1, c21)
        v = v128.load32_splat(p + r3, 4)
        c30 = madd(v, b0, c30); c31 = madd(v, b1, c31)
        if (FUSED) {
          v = v128.load32_splat(p + r4, 4)
          c40 = madd(v, b0, c40); c41 = madd(v, b1, c41)
          v = v128.load32_splat(p + r5, 4)
          c50 = madd(v, b0, c50); c51 = madd(v, b1, c51)
        }
        b0 = v128.load(w, 64)
        b1 = v128.load(w, 80)
        v = v128.load32_splat(p, 8)
        c00 = madd(v, b0, c00); c01 = madd(v, b1, c01)
        v = v128.load32_splat(p + r1, 8)
        c10 = madd(v, b0, c10); c11 = madd(v, b1, c11)
        v = v128.load32_splat(p + r2, 8)
        c20 = madd(v, b0, c20); c21 = madd(v, b1, c21)
        v = v128.load32_splat(p + r3, 8)
        c30 = madd(v, b0, c30); c31 = madd(v, b1, c31)
        if (FUSED) {
          v = v128.load32_splat(p + r4, 8)
          c40 = madd(v, b0, c40); c41 = madd(v, b1, c41)
          v = v128.load32_splat(p + r5, 8)
          c50 = madd(v, b0, c50); c51 = madd(v, b1, c51)
        }
      }
    }
    let out = to + start * outPixel
    v128.store(out, clamp(c00, low, high))
    v128.store(out, clamp(c01, low, high), 16)
    out += outPixel
    v128.store(out, clamp(c10, low, high))
    v128.store(out, clamp(c11, low, high), 16)
    out += outPixel
    v128.store(out, clamp(c20, low, high))
    v128.store(out, clamp(c21, low, high), 16)
    out += outPixel
    v128.store(out, clamp(c30, low, high))
    v128.store(out, clamp(c31, low, high), 16)
    if (FUSED) {
      out += outPixel
      v128.store(out, clamp(c40, low, high))
      v128.store(out, clamp(c41, low, high), 16)
      out += outPixel
      v128.store(out, clamp(c50, low, high))
      v128.store(out, clamp(c51, low, high), 16)
    }
  }
}
