import { Step } from '../program/format'
import { input, output, splatWord, word } from '../program/operands'
import { scaled } from '../simd/requantize'

/** Bytes that an unsigned int16 holds the sum of: 257 * 255 = 65535. */
const RUN: usize = 257

/**
 * out[c] = rne(f(f(sum over y, x of in[y][x][c] - InZero * area) * Ratio)) clamped to int16: the mean with f extra bits, Ratio =
 * f(2^f / area) (docs/quantization.md).
 *
 * Bytes add up in int16, at most 257 of them, then in int32: exact up to 8.4 million pixels. Units are eight lanes; four go together,
 * half a cache line. Loads may pass the last four lanes of a pixel by four bytes, stores do not.
 */
export function i8_global_pool(step: usize, begin: i32, end: i32): void {
  const rows = word(step, Step.InRows)
  const columns: usize = word(step, Step.InColumns)
  const row: usize = word(step, Step.InRow)
  const pixel: usize = word(step, Step.InPixel)
  let unit = begin
  for (; unit + 4 <= end; unit += 4) {
    const lane = <usize>unit << 3
    let p = input(step) + lane
    let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
    for (let y: u32 = 0; y < rows; ++y, p += row) {
      for (let x: usize = 0; x < columns; x += RUN) {
        let a = i16x8.splat(0), b = a, c = a, d = a
        let q = p + x * pixel
        for (const stop = p + min(columns, x + RUN) * pixel; q < stop; q += pixel) {
          a = i16x8.add(a, v128.load8x8_u(q))
          b = i16x8.add(b, v128.load8x8_u(q, 8))
          c = i16x8.add(c, v128.load8x8_u(q, 16))
          d = i16x8.add(d, v128.load8x8_u(q, 24))
        }
        a0 = i32x4.add(a0, i32x4.extend_low_i16x8_u(a)); a1 = i32x4.add(a1, i32x4.extend_high_i16x8_u(a))
        b0 = i32x4.add(b0, i32x4.extend_low_i16x8_u(b)); b1 = i32x4.add(b1, i32x4.extend_high_i16x8_u(b))
        c0 = i32x4.add(c0, i32x4.extend_low_i16x8_u(c)); c1 = i32x4.add(c1, i32x4.extend_high_i16x8_u(c))
        d0 = i32x4.add(d0, i32x4.extend_low_i16x8_u(d)); d1 = i32x4.add(d1, i32x4.extend_high_i16x8_u(d))
      }
    }
    storeMeans(step, lane, a0, a1)
    storeMeans(step, lane + 8, b0, b1)
    storeMeans(step, lane + 16, c0, c1)
    storeMeans(step, lane + 24, d0, d1)
  }
  for (; unit < end; ++unit) {
    const lane = <usize>unit << 3
    let p = input(step) + lane
    let a0 = i32x4.splat(0), a1 = a0
    for (let y: u32 = 0; y < rows; ++y, p += row) {
      for (let x: usize = 0; x < columns; x += RUN) {
        let a = i16x8.splat(0)
        let q = p + x * pixel
        for (const stop = p + min(columns, x + RUN) * pixel; q < stop; q += pixel) a = i16x8.add(a, v128.load8x8_u(q))
        a0 = i32x4.add(a0, i32x4.extend_low_i16x8_u(a)); a1 = i32x4.add(a1, i32x4.extend_high_i16x8_u(a))
      }
    }
    storeMeans(step, lane, a0, a1)
  }
}

/** Sums of eight lanes -> means, those of them that are lanes of the picture. */
function storeMeans(step: usize, lane: usize, low: v128, high: v128): void {
  const zero = i32x4.splat(<i32>(word(step, Step.InZero) * word(step, Step.InRows) * word(step, Step.InColumns)))
  const ratio = splatWord(step, Step.Ratio)
  const means = i16x8.narrow_i32x4_s(
    i32x4.trunc_sat_f32x4_s(f32x4.nearest(scaled(i32x4.sub(low, zero), ratio))),
    i32x4.trunc_sat_f32x4_s(f32x4.nearest(scaled(i32x4.sub(high, zero), ratio))),
  )
  const to = output(step) + (lane << 1)
  if (lane + 8 <= <usize>word(step, Step.Lanes)) v128.store(to, means)
  else v128.store64_lane(to, means, 0)
}
