import { Step } from '../program/format'
import { splatWord, word } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'

/** Pixels of a tile here: a map of 224 / 2^n columns has a multiple of seven. */
export const WIDE: i32 = 7

/**
 * Seven pixels of two alternating groups, for machines with 32 vector registers: 21 sums, six weights, and what is loaded of a pixel at
 * once, two channels of both groups. On arm64 V8 repeats them in one instruction; a load that repeats takes two.
 */
export function tile7x12(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const move: usize = word(step, Step.Stride) * word(step, Step.InPixel)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let w2 = v128.load(bias, 32)
  let c00 = w0; let c01 = w1; let c02 = w2
  let c10 = w0; let c11 = w1; let c12 = w2
  let c20 = w0; let c21 = w1; let c22 = w2
  let c30 = w0; let c31 = w1; let c32 = w2
  let c40 = w0; let c41 = w1; let c42 = w2
  let c50 = w0; let c51 = w1; let c52 = w2
  let c60 = w0; let c61 = w1; let c62 = w2
  let w3 = w0; let w4 = w1; let w5 = w2
  let x: v128
  let y: v128
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
      w2 = v128.load(w, 32)
      w3 = v128.load(w, 48)
      w4 = v128.load(w, 64)
      w5 = v128.load(w, 80)
      x = v128.load(p0)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c00 = madd(y, w0, c00); c01 = madd(y, w1, c01); c02 = madd(y, w2, c02)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c00 = madd(y, w3, c00); c01 = madd(y, w4, c01); c02 = madd(y, w5, c02)
      x = v128.load(p1)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c10 = madd(y, w0, c10); c11 = madd(y, w1, c11); c12 = madd(y, w2, c12)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c10 = madd(y, w3, c10); c11 = madd(y, w4, c11); c12 = madd(y, w5, c12)
      x = v128.load(p2)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c20 = madd(y, w0, c20); c21 = madd(y, w1, c21); c22 = madd(y, w2, c22)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c20 = madd(y, w3, c20); c21 = madd(y, w4, c21); c22 = madd(y, w5, c22)
      x = v128.load(p3)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c30 = madd(y, w0, c30); c31 = madd(y, w1, c31); c32 = madd(y, w2, c32)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c30 = madd(y, w3, c30); c31 = madd(y, w4, c31); c32 = madd(y, w5, c32)
      x = v128.load(p4)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c40 = madd(y, w0, c40); c41 = madd(y, w1, c41); c42 = madd(y, w2, c42)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c40 = madd(y, w3, c40); c41 = madd(y, w4, c41); c42 = madd(y, w5, c42)
      x = v128.load(p5)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c50 = madd(y, w0, c50); c51 = madd(y, w1, c51); c52 = madd(y, w2, c52)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c50 = madd(y, w3, c50); c51 = madd(y, w4, c51); c52 = madd(y, w5, c52)
      x = v128.load(p6)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c60 = madd(y, w0, c60); c61 = madd(y, w1, c61); c62 = madd(y, w2, c62)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c60 = madd(y, w3, c60); c61 = madd(y, w4, c61); c62 = madd(y, w5, c62)
      w0 = v128.load(w, 96)
      w1 = v128.load(w, 112)
      w2 = v128.load(w, 128)
      w3 = v128.load(w, 144)
      w4 = v128.load(w, 160)
      w5 = v128.load(w, 176)
      x = v128.load(p0, 16)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c00 = madd(y, w0, c00); c01 = madd(y, w1, c01); c02 = madd(y, w2, c02)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c00 = madd(y, w3, c00); c01 = madd(y, w4, c01); c02 = madd(y, w5, c02)
      x = v128.load(p1, 16)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c10 = madd(y, w0, c10); c11 = madd(y, w1, c11); c12 = madd(y, w2, c12)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c10 = madd(y, w3, c10); c11 = madd(y, w4, c11); c12 = madd(y, w5, c12)
      x = v128.load(p2, 16)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c20 = madd(y, w0, c20); c21 = madd(y, w1, c21); c22 = madd(y, w2, c22)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c20 = madd(y, w3, c20); c21 = madd(y, w4, c21); c22 = madd(y, w5, c22)
      x = v128.load(p3, 16)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c30 = madd(y, w0, c30); c31 = madd(y, w1, c31); c32 = madd(y, w2, c32)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c30 = madd(y, w3, c30); c31 = madd(y, w4, c31); c32 = madd(y, w5, c32)
      x = v128.load(p4, 16)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c40 = madd(y, w0, c40); c41 = madd(y, w1, c41); c42 = madd(y, w2, c42)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c40 = madd(y, w3, c40); c41 = madd(y, w4, c41); c42 = madd(y, w5, c42)
      x = v128.load(p5, 16)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c50 = madd(y, w0, c50); c51 = madd(y, w1, c51); c52 = madd(y, w2, c52)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c50 = madd(y, w3, c50); c51 = madd(y, w4, c51); c52 = madd(y, w5, c52)
      x = v128.load(p6, 16)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c60 = madd(y, w0, c60); c61 = madd(y, w1, c61); c62 = madd(y, w2, c62)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c60 = madd(y, w3, c60); c61 = madd(y, w4, c61); c62 = madd(y, w5, c62)
      w0 = v128.load(w, 192)
      w1 = v128.load(w, 208)
      w2 = v128.load(w, 224)
      w3 = v128.load(w, 240)
      w4 = v128.load(w, 256)
      w5 = v128.load(w, 272)
      x = v128.load(p0, 32)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c00 = madd(y, w0, c00); c01 = madd(y, w1, c01); c02 = madd(y, w2, c02)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c00 = madd(y, w3, c00); c01 = madd(y, w4, c01); c02 = madd(y, w5, c02)
      x = v128.load(p1, 32)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c10 = madd(y, w0, c10); c11 = madd(y, w1, c11); c12 = madd(y, w2, c12)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c10 = madd(y, w3, c10); c11 = madd(y, w4, c11); c12 = madd(y, w5, c12)
      x = v128.load(p2, 32)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c20 = madd(y, w0, c20); c21 = madd(y, w1, c21); c22 = madd(y, w2, c22)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c20 = madd(y, w3, c20); c21 = madd(y, w4, c21); c22 = madd(y, w5, c22)
      x = v128.load(p3, 32)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c30 = madd(y, w0, c30); c31 = madd(y, w1, c31); c32 = madd(y, w2, c32)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c30 = madd(y, w3, c30); c31 = madd(y, w4, c31); c32 = madd(y, w5, c32)
      x = v128.load(p4, 32)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c40 = madd(y, w0, c40); c41 = madd(y, w1, c41); c42 = madd(y, w2, c42)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c40 = madd(y, w3, c40); c41 = madd(y, w4, c41); c42 = madd(y, w5, c42)
      x = v128.load(p5, 32)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c50 = madd(y, w0, c50); c51 = madd(y, w1, c51); c52 = madd(y, w2, c52)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c50 = madd(y, w3, c50); c51 = madd(y, w4, c51); c52 = madd(y, w5, c52)
      x = v128.load(p6, 32)
      y = v128.shuffle<i64>(x, x, 0, 0)
      c60 = madd(y, w0, c60); c61 = madd(y, w1, c61); c62 = madd(y, w2, c62)
      y = v128.shuffle<i64>(x, x, 1, 1)
      c60 = madd(y, w3, c60); c61 = madd(y, w4, c61); c62 = madd(y, w5, c62)
      p0 += inPixel
      p1 += inPixel
      p2 += inPixel
      p3 += inPixel
      p4 += inPixel
      p5 += inPixel
      p6 += inPixel
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
  out += outPixel
  v128.store(out, clamp(c30, low, high))
  v128.store(out, clamp(c31, low, high), 16)
  v128.store(out, clamp(c32, low, high), 32)
  out += outPixel
  v128.store(out, clamp(c40, low, high))
  v128.store(out, clamp(c41, low, high), 16)
  v128.store(out, clamp(c42, low, high), 32)
  out += outPixel
  v128.store(out, clamp(c50, low, high))
  v128.store(out, clamp(c51, low, high), 16)
  v128.store(out, clamp(c52, low, high), 32)
  out += outPixel
  v128.store(out, clamp(c60, low, high))
  v128.store(out, clamp(c61, low, high), 16)
  v128.store(out, clamp(c62, low, high), 32)
}

/** Seven pixels of an odd last group; its padding is loaded, not used. */
export function tile7x8(step: usize, a: usize, w: usize, bias: usize, out: usize): void {
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
  let w2 = w0; let w3 = w1; let w4 = w0; let w5 = w1; let w6 = w0; let w7 = w1
  let x: v128
  let y: v128
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
      w2 = v128.load(w, 32)
      w3 = v128.load(w, 48)
      w4 = v128.load(w, 64)
      w5 = v128.load(w, 80)
      w6 = v128.load(w, 96)
      w7 = v128.load(w, 112)
      x = v128.load(p0)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c00 = madd(y, w0, c00); c01 = madd(y, w1, c01)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c00 = madd(y, w2, c00); c01 = madd(y, w3, c01)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c00 = madd(y, w4, c00); c01 = madd(y, w5, c01)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c00 = madd(y, w6, c00); c01 = madd(y, w7, c01)
      x = v128.load(p1)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c10 = madd(y, w0, c10); c11 = madd(y, w1, c11)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c10 = madd(y, w2, c10); c11 = madd(y, w3, c11)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c10 = madd(y, w4, c10); c11 = madd(y, w5, c11)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c10 = madd(y, w6, c10); c11 = madd(y, w7, c11)
      x = v128.load(p2)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c20 = madd(y, w0, c20); c21 = madd(y, w1, c21)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c20 = madd(y, w2, c20); c21 = madd(y, w3, c21)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c20 = madd(y, w4, c20); c21 = madd(y, w5, c21)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c20 = madd(y, w6, c20); c21 = madd(y, w7, c21)
      x = v128.load(p3)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c30 = madd(y, w0, c30); c31 = madd(y, w1, c31)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c30 = madd(y, w2, c30); c31 = madd(y, w3, c31)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c30 = madd(y, w4, c30); c31 = madd(y, w5, c31)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c30 = madd(y, w6, c30); c31 = madd(y, w7, c31)
      x = v128.load(p4)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c40 = madd(y, w0, c40); c41 = madd(y, w1, c41)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c40 = madd(y, w2, c40); c41 = madd(y, w3, c41)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c40 = madd(y, w4, c40); c41 = madd(y, w5, c41)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c40 = madd(y, w6, c40); c41 = madd(y, w7, c41)
      x = v128.load(p5)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c50 = madd(y, w0, c50); c51 = madd(y, w1, c51)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c50 = madd(y, w2, c50); c51 = madd(y, w3, c51)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c50 = madd(y, w4, c50); c51 = madd(y, w5, c51)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c50 = madd(y, w6, c50); c51 = madd(y, w7, c51)
      x = v128.load(p6)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c60 = madd(y, w0, c60); c61 = madd(y, w1, c61)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c60 = madd(y, w2, c60); c61 = madd(y, w3, c61)
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
      c60 = madd(y, w4, c60); c61 = madd(y, w5, c61)
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
      c60 = madd(y, w6, c60); c61 = madd(y, w7, c61)
      w0 = v128.load(w, 128)
      w1 = v128.load(w, 144)
      w2 = v128.load(w, 160)
      w3 = v128.load(w, 176)
      x = v128.load(p0, 16)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c00 = madd(y, w0, c00); c01 = madd(y, w1, c01)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c00 = madd(y, w2, c00); c01 = madd(y, w3, c01)
      x = v128.load(p1, 16)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c10 = madd(y, w0, c10); c11 = madd(y, w1, c11)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c10 = madd(y, w2, c10); c11 = madd(y, w3, c11)
      x = v128.load(p2, 16)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c20 = madd(y, w0, c20); c21 = madd(y, w1, c21)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c20 = madd(y, w2, c20); c21 = madd(y, w3, c21)
      x = v128.load(p3, 16)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c30 = madd(y, w0, c30); c31 = madd(y, w1, c31)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c30 = madd(y, w2, c30); c31 = madd(y, w3, c31)
      x = v128.load(p4, 16)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c40 = madd(y, w0, c40); c41 = madd(y, w1, c41)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c40 = madd(y, w2, c40); c41 = madd(y, w3, c41)
      x = v128.load(p5, 16)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c50 = madd(y, w0, c50); c51 = madd(y, w1, c51)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c50 = madd(y, w2, c50); c51 = madd(y, w3, c51)
      x = v128.load(p6, 16)
      y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
      c60 = madd(y, w0, c60); c61 = madd(y, w1, c61)
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
      c60 = madd(y, w2, c60); c61 = madd(y, w3, c61)
      p0 += inPixel
      p1 += inPixel
      p2 += inPixel
      p3 += inPixel
      p4 += inPixel
      p5 += inPixel
      p6 += inPixel
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
  out += outPixel
  v128.store(out, clamp(c30, low, high))
  v128.store(out, clamp(c31, low, high), 16)
  out += outPixel
  v128.store(out, clamp(c40, low, high))
  v128.store(out, clamp(c41, low, high), 16)
  out += outPixel
  v128.store(out, clamp(c50, low, high))
  v128.store(out, clamp(c51, low, high), 16)
  out += outPixel
  v128.store(out, clamp(c60, low, high))
  v128.store(out, clamp(c61, low, high), 16)
}
