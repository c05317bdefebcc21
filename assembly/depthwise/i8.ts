import { Step } from '../program/format'
import { input, operand, output, word } from '../program/operands'
import { Loop } from '../simd/dot'
import { quadLoop } from '../simd/machine'
import { clampedBytes, rounded, roundingTo, scaled, words } from '../simd/requantize'
import { dotRows } from './dot_i8'

/**
 * out[y][x][c] = requantize(B[c] + sum_{i,j} in[y s + i][x s + j][c] * w[c][i][j]), 3 x 3, stride 1 or 2; docs/quantization.md.
 *
 * Weights: [lanes / 8][9][8] int8. Those of one sign sum to 258 at most, so nine products with 7-bit activations add up in int16
 * (partial sums may wrap, the whole fits); 8-bit ones (Top 255) are added in int32, a pixel at a time. Four pixels of a row share the
 * weights, at stride 1 their columns too. The input carries its frame; the last tile is moved left to end with the row; of the last
 * four lanes, eight are read.
 */
export function i8_depthwise_4x8(step: usize, begin: i32, end: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    // In small pictures, dot_i8.ts computes too much twice.
    if (word(step, Step.Stride) == 1 && word(step, Step.Columns) > 8 && quadLoop(word(step, Step.Top)) == Loop.Dot) {
      dotRows(step, begin, end)
      return
    }
  }
  if (word(step, Step.Stride) == 1) passRows(step, begin, end, 1)
  else passRows(step, begin, end, 2)
}

// @ts-ignore: decorator
@inline
function passRows(step: usize, begin: i32, end: i32, stride: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const lanes: usize = word(step, Step.Lanes)
  const weights = operand(step, Step.Weights)
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  const single = columns < 4 || word(step, Step.Top) != 127
  for (let y = begin; y < end; ++y) {
    const from = input(step) + <usize>(y * stride) * inRow
    const to = output(step) + <usize>y * word(step, Step.OutRow)
    for (let x = 0; x < columns; x += single ? 1 : 4) {
      const start: usize = single || x + 4 <= columns ? x : columns - 4
      const a = from + start * <usize>stride * inPixel
      const out = to + start * outPixel
      if (single) for (let c: usize = 0; c < lanes; c += 8) onePixel(step, a + c, weights + c * 9, out, c, lanes)
      else for (let c: usize = 0; c < lanes; c += 8) {
        let c0 = i16x8.splat(0)
        let c1 = c0, c2 = c0, c3 = c0
        let w = weights + c * 9
        let p = a + c
        for (let i = 0; i < 3; ++i) {
          const w0 = v128.load8x8_s(w)
          const w1 = v128.load8x8_s(w, 8)
          const w2 = v128.load8x8_s(w, 16)
          let q = p
          let v = v128.load8x8_u(q)
          c0 = sum(c0, v, w0)
          q += inPixel; v = v128.load8x8_u(q)
          c0 = sum(c0, v, w1)
          if (stride == 1) c1 = sum(c1, v, w0)
          q += inPixel; v = v128.load8x8_u(q)
          c0 = sum(c0, v, w2)
          if (stride == 1) { c1 = sum(c1, v, w1); c2 = sum(c2, v, w0) }
          else c1 = sum(c1, v, w0)
          q += inPixel; v = v128.load8x8_u(q)
          if (stride == 1) { c1 = sum(c1, v, w2); c2 = sum(c2, v, w1); c3 = sum(c3, v, w0) }
          else c1 = sum(c1, v, w1)
          q += inPixel; v = v128.load8x8_u(q)
          if (stride == 1) { c2 = sum(c2, v, w2); c3 = sum(c3, v, w1) }
          else { c1 = sum(c1, v, w2); c2 = sum(c2, v, w0) }
          q += inPixel; v = v128.load8x8_u(q)
          if (stride == 1) c3 = sum(c3, v, w2)
          else {
            c2 = sum(c2, v, w1)
            q += inPixel; v = v128.load8x8_u(q)
            c2 = sum(c2, v, w2); c3 = sum(c3, v, w0)
            q += inPixel; v = v128.load8x8_u(q)
            c3 = sum(c3, v, w1)
            q += inPixel; v = v128.load8x8_u(q)
            c3 = sum(c3, v, w2)
          }
          p += inRow
          w += 24
        }
        store4(step, out, c, lanes, outPixel, c0, c1, c2, c3)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function sum(c: v128, v: v128, w: v128): v128 {
  return i16x8.add(c, i16x8.mul(v, w))
}

// @ts-ignore: decorator
@inline
function store4(step: usize, out: usize, c: usize, lanes: usize, outPixel: usize, c0: v128, c1: v128, c2: v128, c3: v128): void {
  const bias = operand(step, Step.Bias) + (c << 2)
  const factors = operand(step, Step.Factors) + (c << 2)
  const b0 = v128.load(bias)
  const b1 = v128.load(bias, 16)
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const rounding = roundingTo(word(step, Step.OutZero))
  const low = v128.load8_splat(step + (Step.Low << 2))
  const high = v128.load8_splat(step + (Step.High << 2))
  const first = clampedBytes(eight(c0, b0, b1, m0, m1, rounding), eight(c1, b0, b1, m0, m1, rounding), low, high)
  const second = clampedBytes(eight(c2, b0, b1, m0, m1, rounding), eight(c3, b0, b1, m0, m1, rounding), low, high)
  let o = out + c
  if (c + 8 <= lanes) {
    v128.store64_lane(o, first, 0)
    o += outPixel; v128.store64_lane(o, first, 1)
    o += outPixel; v128.store64_lane(o, second, 0)
    o += outPixel; v128.store64_lane(o, second, 1)
  } else {
    v128.store32_lane(o, first, 0)
    o += outPixel; v128.store32_lane(o, first, 2)
    o += outPixel; v128.store32_lane(o, second, 0)
    o += outPixel; v128.store32_lane(o, second, 2)
  }
}

/** Eight int16 sums -> eight int16, before they are clamped to bytes. */
// @ts-ignore: decorator
@inline
function eight(c: v128, b0: v128, b1: v128, m0: v128, m1: v128, rounding: v128): v128 {
  return requantized(i32x4.add(i32x4.extend_low_i16x8_s(c), b0), i32x4.add(i32x4.extend_high_i16x8_s(c), b1), m0, m1, rounding)
}

// @ts-ignore: decorator
@inline
function requantized(a: v128, b: v128, m0: v128, m1: v128, rounding: v128): v128 {
  return words(rounded(scaled(a, m0), rounding), rounded(scaled(b, m1), rounding))
}

/** Eight lanes of one pixel, in int32: any activations. */
function onePixel(step: usize, p: usize, w: usize, out: usize, c: usize, lanes: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const bias = operand(step, Step.Bias) + (c << 2)
  const factors = operand(step, Step.Factors) + (c << 2)
  let a = v128.load(bias)
  let b = v128.load(bias, 16)
  for (let i = 0; i < 3; ++i) {
    let q = p
    for (let j = 0; j < 3; ++j, q += inPixel, w += 8) {
      const v = v128.load8x8_u(q)
      const x = v128.load8x8_s(w)
      a = i32x4.add(a, i32x4.extmul_low_i16x8_s(v, x))
      b = i32x4.add(b, i32x4.extmul_high_i16x8_s(v, x))
    }
    p += inRow
  }
  const both = requantized(a, b, v128.load(factors), v128.load(factors, 16), roundingTo(word(step, Step.OutZero)))
  const bytes = clampedBytes(both, both, v128.load8_splat(step + (Step.Low << 2)), v128.load8_splat(step + (Step.High << 2)))
  if (c + 8 <= lanes) v128.store64_lane(out + c, bytes, 0)
  else v128.store32_lane(out + c, bytes, 0)
}
