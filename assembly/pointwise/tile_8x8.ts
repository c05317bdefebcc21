import { Side, Step } from '../program/format'
import { scratch, splatWord } from '../program/operands'
import { madd } from '../simd/arithmetic'
import { finishTile } from './finish_f32'
import { pixelIn, pixelOut, pixelSide, TILE } from './pixels'
import { storeRow } from './tile_rows'

/**
 * c[r][n] = bias[n] (+ side[r][n]) + sum_k a[r][k] * b[k][n]: the eight pixels of the pointer tables by the eight lanes of the panel `b`, for machines
 * with 32 vector registers. Four k of a pixel are loaded at once: on arm64 V8 repeats a lane in one instruction, or within the product
 * where it is not fused; a load that repeats takes two.
 */
export function tile8x8(b: usize, depth: i32, bias: usize, lane: i32, step: usize, mode: u32): void {
  let a0 = pixelIn(0)
  let a1 = pixelIn(1)
  let a2 = pixelIn(2)
  let a3 = pixelIn(3)
  let a4 = pixelIn(4)
  let a5 = pixelIn(5)
  let a6 = pixelIn(6)
  let a7 = pixelIn(7)
  let w0 = v128.load(bias)
  let w1 = v128.load(bias, 16)
  let c00 = w0; let c01 = w1
  let c10 = w0; let c11 = w1
  let c20 = w0; let c21 = w1
  let c30 = w0; let c31 = w1
  let c40 = w0; let c41 = w1
  let c50 = w0; let c51 = w1
  let c60 = w0; let c61 = w1
  let c70 = w0; let c71 = w1
  let w2 = w0; let w3 = w1
  let w4 = w0; let w5 = w1
  let w6 = w0; let w7 = w1
  let x: v128
  let y: v128
  let k = depth
  const at = <usize>lane << 2
  if (mode == Side.Add) {
    c00 = f32x4.add(c00, v128.load(pixelSide(0) + at)); c01 = f32x4.add(c01, v128.load(pixelSide(0) + at, 16))
    c10 = f32x4.add(c10, v128.load(pixelSide(1) + at)); c11 = f32x4.add(c11, v128.load(pixelSide(1) + at, 16))
    c20 = f32x4.add(c20, v128.load(pixelSide(2) + at)); c21 = f32x4.add(c21, v128.load(pixelSide(2) + at, 16))
    c30 = f32x4.add(c30, v128.load(pixelSide(3) + at)); c31 = f32x4.add(c31, v128.load(pixelSide(3) + at, 16))
    c40 = f32x4.add(c40, v128.load(pixelSide(4) + at)); c41 = f32x4.add(c41, v128.load(pixelSide(4) + at, 16))
    c50 = f32x4.add(c50, v128.load(pixelSide(5) + at)); c51 = f32x4.add(c51, v128.load(pixelSide(5) + at, 16))
    c60 = f32x4.add(c60, v128.load(pixelSide(6) + at)); c61 = f32x4.add(c61, v128.load(pixelSide(6) + at, 16))
    c70 = f32x4.add(c70, v128.load(pixelSide(7) + at)); c71 = f32x4.add(c71, v128.load(pixelSide(7) + at, 16))
  }
  for (; k >= 4; k -= 4) {
    w0 = v128.load(b)
    w1 = v128.load(b, 16)
    w2 = v128.load(b, 32)
    w3 = v128.load(b, 48)
    w4 = v128.load(b, 64)
    w5 = v128.load(b, 80)
    w6 = v128.load(b, 96)
    w7 = v128.load(b, 112)
    x = v128.load(a0)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c00 = madd(y, w0, c00); c01 = madd(y, w1, c01)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c00 = madd(y, w2, c00); c01 = madd(y, w3, c01)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c00 = madd(y, w4, c00); c01 = madd(y, w5, c01)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c00 = madd(y, w6, c00); c01 = madd(y, w7, c01)
    x = v128.load(a1)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c10 = madd(y, w0, c10); c11 = madd(y, w1, c11)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c10 = madd(y, w2, c10); c11 = madd(y, w3, c11)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c10 = madd(y, w4, c10); c11 = madd(y, w5, c11)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c10 = madd(y, w6, c10); c11 = madd(y, w7, c11)
    x = v128.load(a2)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c20 = madd(y, w0, c20); c21 = madd(y, w1, c21)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c20 = madd(y, w2, c20); c21 = madd(y, w3, c21)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c20 = madd(y, w4, c20); c21 = madd(y, w5, c21)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c20 = madd(y, w6, c20); c21 = madd(y, w7, c21)
    x = v128.load(a3)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c30 = madd(y, w0, c30); c31 = madd(y, w1, c31)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c30 = madd(y, w2, c30); c31 = madd(y, w3, c31)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c30 = madd(y, w4, c30); c31 = madd(y, w5, c31)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c30 = madd(y, w6, c30); c31 = madd(y, w7, c31)
    x = v128.load(a4)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c40 = madd(y, w0, c40); c41 = madd(y, w1, c41)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c40 = madd(y, w2, c40); c41 = madd(y, w3, c41)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c40 = madd(y, w4, c40); c41 = madd(y, w5, c41)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c40 = madd(y, w6, c40); c41 = madd(y, w7, c41)
    x = v128.load(a5)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c50 = madd(y, w0, c50); c51 = madd(y, w1, c51)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c50 = madd(y, w2, c50); c51 = madd(y, w3, c51)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c50 = madd(y, w4, c50); c51 = madd(y, w5, c51)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c50 = madd(y, w6, c50); c51 = madd(y, w7, c51)
    x = v128.load(a6)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c60 = madd(y, w0, c60); c61 = madd(y, w1, c61)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c60 = madd(y, w2, c60); c61 = madd(y, w3, c61)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c60 = madd(y, w4, c60); c61 = madd(y, w5, c61)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c60 = madd(y, w6, c60); c61 = madd(y, w7, c61)
    x = v128.load(a7)
    y = v128.shuffle<i32>(x, x, 0, 0, 0, 0)
    c70 = madd(y, w0, c70); c71 = madd(y, w1, c71)
    y = v128.shuffle<i32>(x, x, 1, 1, 1, 1)
    c70 = madd(y, w2, c70); c71 = madd(y, w3, c71)
    y = v128.shuffle<i32>(x, x, 2, 2, 2, 2)
    c70 = madd(y, w4, c70); c71 = madd(y, w5, c71)
    y = v128.shuffle<i32>(x, x, 3, 3, 3, 3)
    c70 = madd(y, w6, c70); c71 = madd(y, w7, c71)
    b += 128
    a0 += 16; a1 += 16; a2 += 16; a3 += 16
    a4 += 16; a5 += 16; a6 += 16; a7 += 16
  }
  for (; k > 0; --k) {
    w0 = v128.load(b)
    w1 = v128.load(b, 16)
    x = v128.load32_splat(a0)
    c00 = madd(x, w0, c00); c01 = madd(x, w1, c01)
    x = v128.load32_splat(a1)
    c10 = madd(x, w0, c10); c11 = madd(x, w1, c11)
    x = v128.load32_splat(a2)
    c20 = madd(x, w0, c20); c21 = madd(x, w1, c21)
    x = v128.load32_splat(a3)
    c30 = madd(x, w0, c30); c31 = madd(x, w1, c31)
    x = v128.load32_splat(a4)
    c40 = madd(x, w0, c40); c41 = madd(x, w1, c41)
    x = v128.load32_splat(a5)
    c50 = madd(x, w0, c50); c51 = madd(x, w1, c51)
    x = v128.load32_splat(a6)
    c60 = madd(x, w0, c60); c61 = madd(x, w1, c61)
    x = v128.load32_splat(a7)
    c70 = madd(x, w0, c70); c71 = madd(x, w1, c71)
    b += 32
    a0 += 4; a1 += 4; a2 += 4; a3 += 4
    a4 += 4; a5 += 4; a6 += 4; a7 += 4
  }
  if (mode > <u32>Side.Add) {
    v128.store(scratch, c00, TILE + 0); v128.store(scratch, c01, TILE + 16)
    v128.store(scratch, c10, TILE + 32); v128.store(scratch, c11, TILE + 48)
    v128.store(scratch, c20, TILE + 64); v128.store(scratch, c21, TILE + 80)
    v128.store(scratch, c30, TILE + 96); v128.store(scratch, c31, TILE + 112)
    v128.store(scratch, c40, TILE + 128); v128.store(scratch, c41, TILE + 144)
    v128.store(scratch, c50, TILE + 160); v128.store(scratch, c51, TILE + 176)
    v128.store(scratch, c60, TILE + 192); v128.store(scratch, c61, TILE + 208)
    v128.store(scratch, c70, TILE + 224); v128.store(scratch, c71, TILE + 240)
    finishTile(step, mode, 8, 8, lane)
    return
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  storeRow(pixelOut(7) + at, c70, c71, low, high)
  storeRow(pixelOut(6) + at, c60, c61, low, high)
  storeRow(pixelOut(5) + at, c50, c51, low, high)
  storeRow(pixelOut(4) + at, c40, c41, low, high)
  storeRow(pixelOut(3) + at, c30, c31, low, high)
  storeRow(pixelOut(2) + at, c20, c21, low, high)
  storeRow(pixelOut(1) + at, c10, c11, low, high)
  storeRow(pixelOut(0) + at, c00, c01, low, high)
}
