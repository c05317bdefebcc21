import { Step } from '../program/format'
import { input, operand, output, splatWord, word } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'
import { pixelsPerTile, WIDEST } from '../simd/machine'

/** Pixels of the widest tile. */
const WIDE: i32 = 7

/**
 * out[y][x][t] = clamp(bias[t] + sum_{i,j,c<2} in[y s + i][x s + j][2 group(t) + c] * w[t][i][j][c]), 3 x 3, two channels per group.
 *
 * Four groups make one block of 8 lanes, first members before second members (a0 b0 c0 d0 a1 b1 c1 d1) in input and output, so
 * out = first * w0 + second * w1 needs no shuffle. Weights: [block][9][2 inputs][2 vectors][4]. Tiles of 4 pixels; the input carries
 * its zero frame; the last tile is moved left to end with the row.
 */
export function f32_grouped2_4x8(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const lanes = <usize>(word(step, Step.Lanes) << 2)
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  const wide = columns >= WIDE && pixelsPerTile() == WIDEST
  for (let y = begin; y < end; ++y) {
    const from = input(step) + <usize>(y * word(step, Step.Stride) * word(step, Step.InRow))
    const to = output(step) + <usize>(y * word(step, Step.OutRow))
    for (let lane: usize = 0; lane < lanes; lane += 32) {
      const w = weights + lane * 18
      let x = 0
      // Up to four pixels are left to the narrower tile.
      if (wide) for (; x + 4 < columns; x += WIDE) {
        const start: usize = min(x, columns - WIDE)
        tile7x8(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
      }
      if (columns < 4) for (; x < columns; ++x) {
        tile1x8(step, from + <usize>x * move + lane, w, bias + lane, to + <usize>x * outPixel + lane)
      } else for (; x < columns; x += 4) {
        const start: usize = min(x, columns - 4)
        tile4x8(step, from + start * move + lane, w, bias + lane, to + start * outPixel + lane)
      }
    }
  }
}

function tile4x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  let c00 = v128.load(bias)
  let c01 = v128.load(bias, 16)
  let c10 = c00, c20 = c00, c30 = c00, c11 = c01, c21 = c01, c31 = c01
  for (let i = 0; i < 3; ++i) {
    let p0 = a
    let p1 = p0 + move
    let p2 = p1 + move
    let p3 = p2 + move
    for (let j = 0; j < 3; ++j) {
      let w0 = v128.load(w)
      let w1 = v128.load(w, 16)
      let x = v128.load(p0)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load(p1)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load(p2)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      x = v128.load(p3)
      c30 = madd(x, w0, c30); c31 = madd(x, w1, c31)
      w0 = v128.load(w, 32)
      w1 = v128.load(w, 48)
      x = v128.load(p0, 16)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load(p1, 16)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load(p2, 16)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      x = v128.load(p3, 16)
      c30 = madd(x, w0, c30); c31 = madd(x, w1, c31)
      w += 64
      p0 += inPixel; p1 += inPixel; p2 += inPixel; p3 += inPixel
    }
    a += inRow
  }
  const outPixel: usize = word(step, Step.OutPixel)
  store8(step, out, c00, c01)
  out += outPixel; store8(step, out, c10, c11)
  out += outPixel; store8(step, out, c20, c21)
  out += outPixel; store8(step, out, c30, c31)
}

function tile1x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inPixel: usize = word(step, Step.InPixel)
  let c0 = v128.load(bias)
  let c1 = v128.load(bias, 16)
  for (let i = 0; i < 3; ++i) {
    let p = a
    for (let j = 0; j < 3; ++j, p += inPixel, w += 64) {
      const x = v128.load(p)
      const y = v128.load(p, 16)
      c0 = madd(x, v128.load(w), c0); c1 = madd(x, v128.load(w, 16), c1)
      c0 = madd(y, v128.load(w, 32), c0); c1 = madd(y, v128.load(w, 48), c1)
    }
    a += word(step, Step.InRow)
  }
  store8(step, out, c0, c1)
}

/** For machines with 32 vector registers. */
function tile7x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let c10 = w0; let c11 = w1
  let c20 = w0; let c21 = w1
  let c30 = w0; let c31 = w1
  let c40 = w0; let c41 = w1
  let c50 = w0; let c51 = w1
  let c60 = w0; let c61 = w1
  let x: v128
  for (let i = 0; i < 3; ++i) {
    let p0 = a
    let p1 = p0 + move
    let p2 = p1 + move
    let p3 = p2 + move
    let p4 = p3 + move
    let p5 = p4 + move
    let p6 = p5 + move
    for (let j = 0; j < 3; ++j) {
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      x = v128.load(p0)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load(p1)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load(p2)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      x = v128.load(p3)
      c30 = madd(x, w0, c30); c31 = madd(x, w1, c31)
      x = v128.load(p4)
      c40 = madd(x, w0, c40); c41 = madd(x, w1, c41)
      x = v128.load(p5)
      c50 = madd(x, w0, c50); c51 = madd(x, w1, c51)
      x = v128.load(p6)
      c60 = madd(x, w0, c60); c61 = madd(x, w1, c61)
      w0 = v128.load(w, 32)
      w1 = v128.load(w, 48)
      x = v128.load(p0, 16)
      c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
      x = v128.load(p1, 16)
      c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
      x = v128.load(p2, 16)
      c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
      x = v128.load(p3, 16)
      c30 = madd(x, w0, c30); c31 = madd(x, w1, c31)
      x = v128.load(p4, 16)
      c40 = madd(x, w0, c40); c41 = madd(x, w1, c41)
      x = v128.load(p5, 16)
      c50 = madd(x, w0, c50); c51 = madd(x, w1, c51)
      x = v128.load(p6, 16)
      c60 = madd(x, w0, c60); c61 = madd(x, w1, c61)
      w += 64
      p0 += inPixel; p1 += inPixel; p2 += inPixel; p3 += inPixel
      p4 += inPixel; p5 += inPixel; p6 += inPixel
    }
    a += inRow
  }
  const outPixel: usize = word(step, Step.OutPixel)
  store8(step, out, c00, c01)
  out += outPixel; store8(step, out, c10, c11)
  out += outPixel; store8(step, out, c20, c21)
  out += outPixel; store8(step, out, c30, c31)
  out += outPixel; store8(step, out, c40, c41)
  out += outPixel; store8(step, out, c50, c51)
  out += outPixel; store8(step, out, c60, c61)
}

// @ts-ignore: decorator
@inline
function store8(step: usize, out: usize, first: v128, second: v128): void {
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  v128.store(out, clamp(first, low, high))
  v128.store(out, clamp(second, low, high), 16)
}
