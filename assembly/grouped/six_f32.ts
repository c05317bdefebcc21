import { Step } from '../program/format'
import { input, operand, output, scratch, splatWord, word } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'
import { pixelsPerTile, WIDEST } from '../simd/machine'
import { tile7x12, tile7x8, WIDE } from './six_wide_f32'

/** Bytes of a table of places in the input, one for each tap and channel: first that of blocks, then that of an odd group. */
const ROUNDS: usize = 54 << 2

/**
 * out[y][x][t] = clamp(bias[t] + sum_{i,j,c<6} in[y s + i][x s + j][6 group(t) + c] * w[t][i][j][c]), 3 x 3, six channels per group.
 *
 * Two groups a and b make one block of 12 lanes, stored alternately (a0 b0 a1 b1 a2 b2 ...) in input and output: one 64-bit splat
 * (ac bc ac bc) then feeds three full vectors of outputs, without a shuffle. An odd last group is stored plainly, 6 lanes and 2 of
 * padding. Weights: [block][9][6][3 vectors][4], the odd group [9][6][2][4]. Tiles of 3 pixels: nine sums, three weights and the
 * splat are what x86 has registers for. The input carries its zero frame; the last tile is moved left to end with the row.
 *
 * One channel of a tap a round, the input's place in it by a table: TurboFan (V8 up to 12) unrolls nested loops, and moves the sums of
 * several rounds behind all their loads.
 */
export function f32_grouped6_3x12(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const quads = <i32>word(step, Step.Lanes) >> 2
  const blocks = quads / 3
  const odd = quads - blocks * 3 == 2
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const inRow = word(step, Step.InRow)
  const inPixel = word(step, Step.InPixel)
  const move: usize = word(step, Step.Stride) * inPixel
  const outPixel: usize = word(step, Step.OutPixel)
  const narrow = columns < 3
  const wide = columns >= WIDE && pixelsPerTile() == WIDEST
  for (let t: u32 = 0; t < 54; ++t) {
    const at = scratch + (t << 2)
    const corner = t / 18 * inRow + t / 6 % 3 * inPixel
    store<u32>(at, corner + (t % 6 << 3))
    store<u32>(at, corner + (t % 6 << 2), ROUNDS)
  }
  for (let y = begin; y < end; ++y) {
    const from = input(step) + <usize>(y * word(step, Step.Stride) * inRow)
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
    let x = 0
    if (wide) for (; x + 3 < columns; x += WIDE) {
      const start: usize = min(x, columns - WIDE)
      tile7x8(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
    }
    for (; x < columns; x += narrow ? 1 : 3) {
      const start: usize = narrow || x + 3 <= columns ? x : columns - 3
      if (narrow) tile1x8(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
      else tile3x8(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
    }
  }
}

/** Three pixels of two alternating groups. */
function tile3x12(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  const b = a + move
  const c = b + move
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let w2 = v128.load(bias, 32)
  let c00 = w0; let c01 = w1; let c02 = w2
  let c10 = w0; let c11 = w1; let c12 = w2
  let c20 = w0; let c21 = w1; let c22 = w2
  let x: v128
  for (let at = scratch, end = at + ROUNDS; at < end; at += 4) {
    const next: usize = load<u32>(at)
    w0 = v128.load(w)
    w1 = v128.load(w, 16)
    w2 = v128.load(w, 32)
    x = v128.load64_splat(a + next)
    c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
    x = v128.load64_splat(b + next)
    c10 = madd(x, w0, c10); c11 = madd(x, w1, c11); c12 = madd(x, w2, c12)
    x = v128.load64_splat(c + next)
    c20 = madd(x, w0, c20); c21 = madd(x, w1, c21); c22 = madd(x, w2, c22)
    w += 48
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  const outPixel: usize = word(step, Step.OutPixel)
  out += outPixel << 1
  v128.store(out, clamp(c22, low, high), 32)
  v128.store(out, clamp(c21, low, high), 16)
  v128.store(out, clamp(c20, low, high))
  out -= outPixel
  v128.store(out, clamp(c12, low, high), 32)
  v128.store(out, clamp(c11, low, high), 16)
  v128.store(out, clamp(c10, low, high))
  out -= outPixel
  v128.store(out, clamp(c02, low, high), 32)
  v128.store(out, clamp(c01, low, high), 16)
  v128.store(out, clamp(c00, low, high))
}

/** One pixel of two alternating groups. */
function tile1x12(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let w2 = v128.load(bias, 32)
  let c00 = w0; let c01 = w1; let c02 = w2
  let x: v128
  for (let at = scratch, end = at + ROUNDS; at < end; at += 4) {
    const next: usize = load<u32>(at)
    w0 = v128.load(w)
    w1 = v128.load(w, 16)
    w2 = v128.load(w, 32)
    x = v128.load64_splat(a + next)
    c00 = madd(x, w0, c00); c01 = madd(x, w1, c01); c02 = madd(x, w2, c02)
    w += 48
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  v128.store(out, clamp(c02, low, high), 32)
  v128.store(out, clamp(c01, low, high), 16)
  v128.store(out, clamp(c00, low, high))
}

/** Three pixels of an odd last group. */
function tile3x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  const b = a + move
  const c = b + move
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let c10 = w0; let c11 = w1
  let c20 = w0; let c21 = w1
  let x: v128
  for (let at = scratch + ROUNDS, end = at + ROUNDS; at < end; at += 4) {
    const next: usize = load<u32>(at)
    w0 = v128.load(w)
    w1 = v128.load(w, 16)
    x = v128.load32_splat(a + next)
    c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
    x = v128.load32_splat(b + next)
    c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
    x = v128.load32_splat(c + next)
    c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
    w += 32
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  const outPixel: usize = word(step, Step.OutPixel)
  out += outPixel << 1
  v128.store(out, clamp(c21, low, high), 16)
  v128.store(out, clamp(c20, low, high))
  out -= outPixel
  v128.store(out, clamp(c11, low, high), 16)
  v128.store(out, clamp(c10, low, high))
  out -= outPixel
  v128.store(out, clamp(c01, low, high), 16)
  v128.store(out, clamp(c00, low, high))
}

/** One pixel of an odd last group. */
function tile1x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let x: v128
  for (let at = scratch + ROUNDS, end = at + ROUNDS; at < end; at += 4) {
    const next: usize = load<u32>(at)
    w0 = v128.load(w)
    w1 = v128.load(w, 16)
    x = v128.load32_splat(a + next)
    c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
    w += 32
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  v128.store(out, clamp(c01, low, high), 16)
  v128.store(out, clamp(c00, low, high))
}
