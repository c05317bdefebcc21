import { Step } from '../program/format'
import { input, operand, output, splatWord, word } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'
import { COLOUR_TILE, colourRow } from './colours_f32'

/**
 * out[y][x][n] = clamp(bias[n] + sum_{i,j,c} in[y s + i][x s + j][c] * w[n][i][j][c]), a dense k x k convolution.
 *
 * The input carries its zero frame in memory, so a tap is always inside. Weights: panels of 8 lanes, [lanes / 8][k k cin][8].
 * Tiles of 4 pixels x 8 lanes along a row; the last tile is moved left to end with the row (its pixels are computed twice). The stem
 * of every network here, 3 x 3 on three colours, has a loop of its own.
 */
export function f32_full_4x8(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const quads = <i32>word(step, Step.Lanes) + 3 >> 2
  const depth: usize = word(step, Step.Depth)
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  const colours = depth == 27 && word(step, Step.Kernel) == 3 && columns >= COLOUR_TILE
  for (let y = begin; y < end; ++y) {
    const from = input(step) + <usize>(y * word(step, Step.Stride) * word(step, Step.InRow))
    const to = output(step) + <usize>(y * word(step, Step.OutRow))
    for (let q = 0; q < quads; q += 2) {
      const whole = q + 1 < quads
      const b = weights + (<usize>q * depth << 4)
      const offset = <usize>q << 4
      if (colours && whole) {
        colourRow(step, from, b, bias + offset, to + offset, columns)
        continue
      }
      for (let x = 0; x < columns; x += 4) {
        const start: usize = x + 4 <= columns ? x : max(columns - 4, 0)
        const last: usize = min(3, columns - 1)
        tile(step, from + start * move, min(last, 1) * move, min(last, 2) * move, last * move, b, bias + offset,
          to + start * outPixel + offset, min(last, 1) * outPixel, min(last, 2) * outPixel, last * outPixel, whole)
      }
    }
  }
}

function tile(
  step: usize, a: usize, r1: usize, r2: usize, r3: usize, b: usize, bias: usize,
  out: usize, o1: usize, o2: usize, o3: usize, whole: bool,
): void {
  const kernel = word(step, Step.Kernel)
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const channels = <usize>(word(step, Step.Depth) / (kernel * kernel)) << 2
  const pitch: usize = whole ? 32 : 16
  const second: usize = whole ? 16 : 0
  let c00 = v128.load(bias)
  let c01 = v128.load(bias + second)
  let c10 = c00, c20 = c00, c30 = c00, c11 = c01, c21 = c01, c31 = c01
  for (let i: u32 = 0; i < kernel; ++i) {
    let p = a + <usize>i * inRow
    for (let j: u32 = 0; j < kernel; ++j) {
      let s0 = p
      let s1 = p + r1
      let s2 = p + r2
      let s3 = p + r3
      let x: v128, b0: v128, b1: v128
      for (const stop = p + channels; s0 < stop; s0 += 4) {
        b0 = v128.load(b)
        b1 = v128.load(b + second)
        x = v128.load32_splat(s0)
        c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
        x = v128.load32_splat(s1)
        c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
        x = v128.load32_splat(s2)
        c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
        x = v128.load32_splat(s3)
        c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
        s1 += 4; s2 += 4; s3 += 4
        b += pitch
      }
      p += inPixel
    }
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  v128.store(out, clamp(c00, low, high))
  v128.store(out + o1, clamp(c10, low, high))
  v128.store(out + o2, clamp(c20, low, high))
  v128.store(out + o3, clamp(c30, low, high))
  if (!whole) return
  v128.store(out, clamp(c01, low, high), 16)
  v128.store(out + o1, clamp(c11, low, high), 16)
  v128.store(out + o2, clamp(c21, low, high), 16)
  v128.store(out + o3, clamp(c31, low, high), 16)
}
