import { Step } from '../program/format'
import { input, operand, output, splatWord, word } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'
import { pixelsPerTile, WIDEST } from '../simd/machine'
import { tile7x12, WIDE } from './six_tile_7x12'

/**
 * out[y][x][t] = clamp(bias[t] + sum_{i,j,c<6} in[y s + i][x s + j][6 group(t) + c] * w[t][i][j][c]), 3 x 3, six channels per group.
 *
 * Two groups a and b make one block of 12 lanes, stored alternately (a0 b0 a1 b1 a2 b2 ...) in input and output: one 64-bit splat
 * (ac bc ac bc) then feeds three full vectors of outputs, without a shuffle. An odd last group is stored plainly, 6 lanes and 2 of
 * padding. Weights: [block][9][6][3 vectors][4], the odd group [9][6][2][4]. Tiles of 3 pixels: nine sums, three weights and the
 * splat are what x86 has registers for. The input carries its zero frame; the last tile is moved left to end with the row.
 */
export function f32_grouped6_3x12(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const quads = <i32>word(step, Step.Lanes) >> 2
  const blocks = quads / 3
  const odd = quads - blocks * 3 == 2
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  const narrow = columns < 3
  const wide = columns >= WIDE && pixelsPerTile() == WIDEST
  for (let y = begin; y < end; ++y) {
    const from = input(step) + <usize>(y * word(step, Step.Stride) * word(step, Step.InRow))
    const to = output(step) + <usize>(y * word(step, Step.OutRow))
    for (let block = 0; block < blocks; ++block) {
      const lane: usize = block * 48
      const w = weights + <usize>block * 2592
      let x = 0
      // Up to three pixels are left to the narrower tile.
      if (wide) for (; x + 3 < columns; x += WIDE) {
        const start: usize = min(x, columns - WIDE)
        tile7x12(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
      }
      for (; x < columns; x += narrow ? 1 : 3) {
        const start: usize = narrow || x + 3 <= columns ? x : columns - 3
        if (narrow) tile1x12(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
        else tile3x12(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
      }
    }
    if (!odd) continue
    const lane: usize = blocks * 48
    const w = weights + <usize>blocks * 2592
    for (let x = 0; x < columns; x += narrow ? 1 : 3) {
      const start: usize = narrow || x + 3 <= columns ? x : columns - 3
      if (narrow) tile1x8(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
      else tile3x8(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
    }
  }
}

/** Three pixels of two alternating groups. */
function tile3x12(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let w2 = v128.load(bias, 32)
  let c00 = w0; let c01 = w1; let c02 = w2
  let c10 = w0; let c11 = w1; let c12 = w2
  let c20 = w0; let c21 = w1; let c22 = w2
  let x: v128
  for (let i = 0; i < 3; ++i) {
    let p0 = a
    let p1 = p0 + move
    let p2 = p1 + move
    for (let j = 0; j < 3; ++j) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      w2 = v128.load(w, 32)
      x = v128.load64_splat(p0)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      x = v128.load64_splat(p1)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11); c12 = madd(x, w2, c12)
      x = v128.load64_splat(p2)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21); c22 = madd(x, w2, c22)
      w0 = v128.load(w, 48)
      w1 = v128.load(w, 64)
      w2 = v128.load(w, 80)
      x = v128.load64_splat(p0, 8)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      x = v128.load64_splat(p1, 8)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11); c12 = madd(x, w2, c12)
      x = v128.load64_splat(p2, 8)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21); c22 = madd(x, w2, c22)
      w0 = v128.load(w, 96)
      w1 = v128.load(w, 112)
      w2 = v128.load(w, 128)
      x = v128.load64_splat(p0, 16)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      x = v128.load64_splat(p1, 16)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11); c12 = madd(x, w2, c12)
      x = v128.load64_splat(p2, 16)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21); c22 = madd(x, w2, c22)
      w0 = v128.load(w, 144)
      w1 = v128.load(w, 160)
      w2 = v128.load(w, 176)
      x = v128.load64_splat(p0, 24)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      x = v128.load64_splat(p1, 24)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11); c12 = madd(x, w2, c12)
      x = v128.load64_splat(p2, 24)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21); c22 = madd(x, w2, c22)
      w0 = v128.load(w, 192)
      w1 = v128.load(w, 208)
      w2 = v128.load(w, 224)
      x = v128.load64_splat(p0, 32)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      x = v128.load64_splat(p1, 32)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11); c12 = madd(x, w2, c12)
      x = v128.load64_splat(p2, 32)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21); c22 = madd(x, w2, c22)
      w0 = v128.load(w, 240)
      w1 = v128.load(w, 256)
      w2 = v128.load(w, 272)
      x = v128.load64_splat(p0, 40)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      x = v128.load64_splat(p1, 40)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11); c12 = madd(x, w2, c12)
      x = v128.load64_splat(p2, 40)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21); c22 = madd(x, w2, c22)
      p0 += inPixel
      p1 += inPixel
      p2 += inPixel
      w += 288
    }
    a += inRow
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  const outPixel: usize = word(step, Step.OutPixel)
  v128.store(out, clamp(c00, low, high))
  v128.store(out, clamp(c01, low, high), 16)
  v128.store(out, clamp(c02, low, high), 32)
  out += outPixel
  v128.store(out, clamp(c10, low, high))
  v128.store(out, clamp(c11, low, high), 16)
  v128.store(out, clamp(c12, low, high), 32)
  out += outPixel
  v128.store(out, clamp(c20, low, high))
  v128.store(out, clamp(c21, low, high), 16)
  v128.store(out, clamp(c22, low, high), 32)
}

/** One pixel of two alternating groups. */
function tile1x12(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let w2 = v128.load(bias, 32)
  let c00 = w0; let c01 = w1; let c02 = w2
  let x: v128
  for (let i = 0; i < 3; ++i) {
    let p0 = a
    for (let j = 0; j < 3; ++j) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      w2 = v128.load(w, 32)
      x = v128.load64_splat(p0)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      w0 = v128.load(w, 48)
      w1 = v128.load(w, 64)
      w2 = v128.load(w, 80)
      x = v128.load64_splat(p0, 8)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      w0 = v128.load(w, 96)
      w1 = v128.load(w, 112)
      w2 = v128.load(w, 128)
      x = v128.load64_splat(p0, 16)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      w0 = v128.load(w, 144)
      w1 = v128.load(w, 160)
      w2 = v128.load(w, 176)
      x = v128.load64_splat(p0, 24)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      w0 = v128.load(w, 192)
      w1 = v128.load(w, 208)
      w2 = v128.load(w, 224)
      x = v128.load64_splat(p0, 32)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      w0 = v128.load(w, 240)
      w1 = v128.load(w, 256)
      w2 = v128.load(w, 272)
      x = v128.load64_splat(p0, 40)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
      p0 += inPixel
      w += 288
    }
    a += inRow
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  v128.store(out, clamp(c00, low, high))
  v128.store(out, clamp(c01, low, high), 16)
  v128.store(out, clamp(c02, low, high), 32)
}

/** Three pixels of an odd last group. */
function tile3x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let c10 = w0; let c11 = w1
  let c20 = w0; let c21 = w1
  let x: v128
  for (let i = 0; i < 3; ++i) {
    let p0 = a
    let p1 = p0 + move
    let p2 = p1 + move
    for (let j = 0; j < 3; ++j) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      x = v128.load32_splat(p0)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load32_splat(p1)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load32_splat(p2)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      w0 = v128.load(w, 32)
      w1 = v128.load(w, 48)
      x = v128.load32_splat(p0, 4)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load32_splat(p1, 4)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load32_splat(p2, 4)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      w0 = v128.load(w, 64)
      w1 = v128.load(w, 80)
      x = v128.load32_splat(p0, 8)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load32_splat(p1, 8)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load32_splat(p2, 8)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      w0 = v128.load(w, 96)
      w1 = v128.load(w, 112)
      x = v128.load32_splat(p0, 12)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load32_splat(p1, 12)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load32_splat(p2, 12)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      w0 = v128.load(w, 128)
      w1 = v128.load(w, 144)
      x = v128.load32_splat(p0, 16)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load32_splat(p1, 16)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load32_splat(p2, 16)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      w0 = v128.load(w, 160)
      w1 = v128.load(w, 176)
      x = v128.load32_splat(p0, 20)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load32_splat(p1, 20)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load32_splat(p2, 20)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      p0 += inPixel
      p1 += inPixel
      p2 += inPixel
      w += 192
    }
    a += inRow
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  const outPixel: usize = word(step, Step.OutPixel)
  v128.store(out, clamp(c00, low, high))
  v128.store(out, clamp(c01, low, high), 16)
  out += outPixel
  v128.store(out, clamp(c10, low, high))
  v128.store(out, clamp(c11, low, high), 16)
  out += outPixel
  v128.store(out, clamp(c20, low, high))
  v128.store(out, clamp(c21, low, high), 16)
}

/** One pixel of an odd last group. */
function tile1x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let x: v128
  for (let i = 0; i < 3; ++i) {
    let p0 = a
    for (let j = 0; j < 3; ++j) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      x = v128.load32_splat(p0)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      w0 = v128.load(w, 32)
      w1 = v128.load(w, 48)
      x = v128.load32_splat(p0, 4)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      w0 = v128.load(w, 64)
      w1 = v128.load(w, 80)
      x = v128.load32_splat(p0, 8)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      w0 = v128.load(w, 96)
      w1 = v128.load(w, 112)
      x = v128.load32_splat(p0, 12)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      w0 = v128.load(w, 128)
      w1 = v128.load(w, 144)
      x = v128.load32_splat(p0, 16)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      w0 = v128.load(w, 160)
      w1 = v128.load(w, 176)
      x = v128.load32_splat(p0, 20)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      p0 += inPixel
      w += 192
    }
    a += inRow
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  v128.store(out, clamp(c00, low, high))
  v128.store(out, clamp(c01, low, high), 16)
}
