import { Side, Step } from '../program/format'
import { scratch, splatWord } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'
import { finishTile } from './finish_f32'
import { pixelIn, pixelOut, pixelSide, TILE } from './pixels'

/** Most pixels of a tile here: twelve sums, two weights and a splat are what V8 has registers for on x86. */
export const MOST_ROWS: i32 = 6

/**
 * c[r][n] = bias[n] (+ side[r][n]) + sum_k a[r][k] * b[k][n]: the first `count` pixels of the pointer tables, 1 .. MOST_ROWS, by the eight lanes of
 * the panel `b`. One step of k a round: TurboFan (V8 up to 12) moves the sums of several behind all their loads and spills.
 */
export function tileRows(count: i32, b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  switch (count) {
    case 1: tile1(b, depth, bias, lane, step, mode); break
    case 2: tile2(b, depth, bias, lane, step, mode); break
    case 3: tile3(b, depth, bias, lane, step, mode); break
    case 4: tile4(b, depth, bias, lane, step, mode); break
    case 5: tile5(b, depth, bias, lane, step, mode); break
    case 6: tile6(b, depth, bias, lane, step, mode); break
  }
}

function tile1(b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  tile(1, b, depth, bias, lane, step, mode)
}

function tile2(b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  tile(2, b, depth, bias, lane, step, mode)
}

function tile3(b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  tile(3, b, depth, bias, lane, step, mode)
}

function tile4(b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  tile(4, b, depth, bias, lane, step, mode)
}

function tile5(b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  tile(5, b, depth, bias, lane, step, mode)
}

function tile6(b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  tile(6, b, depth, bias, lane, step, mode)
}

/** `rows` is a constant: what lies beyond it is left out when this is compiled. */
// @ts-ignore: decorator
@inline
function tile(rows: i32, b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  let a0 = pixelIn(0)
  let a1 = rows > 1 ? pixelIn(1) : 0
  let a2 = rows > 2 ? pixelIn(2) : 0
  let a3 = rows > 3 ? pixelIn(3) : 0
  let a4 = rows > 4 ? pixelIn(4) : 0
  let a5 = rows > 5 ? pixelIn(5) : 0
  let b0 = v128.load(bias)
  let b1 = v128.load(bias, 16)
  let c00 = b0; let c01 = b1
  let c10 = b0; let c11 = b1
  let c20 = b0; let c21 = b1
  let c30 = b0; let c31 = b1
  let c40 = b0; let c41 = b1
  let c50 = b0; let c51 = b1
  let x: v128
  let a: usize
  const at = <usize>lane << 2
  // Added first, while the sums are in registers anyway.
  if (mode == Side.Add) {
    a = pixelSide(0) + at
    c00 = f32x4.add(c00, v128.load(a)); c01 = f32x4.add(c01, v128.load(a, 16))
    if (rows > 1) {
      a = pixelSide(1) + at
      c10 = f32x4.add(c10, v128.load(a)); c11 = f32x4.add(c11, v128.load(a, 16))
    }
    if (rows > 2) {
      a = pixelSide(2) + at
      c20 = f32x4.add(c20, v128.load(a)); c21 = f32x4.add(c21, v128.load(a, 16))
    }
    if (rows > 3) {
      a = pixelSide(3) + at
      c30 = f32x4.add(c30, v128.load(a)); c31 = f32x4.add(c31, v128.load(a, 16))
    }
    if (rows > 4) {
      a = pixelSide(4) + at
      c40 = f32x4.add(c40, v128.load(a)); c41 = f32x4.add(c41, v128.load(a, 16))
    }
    if (rows > 5) {
      a = pixelSide(5) + at
      c50 = f32x4.add(c50, v128.load(a)); c51 = f32x4.add(c51, v128.load(a, 16))
    }
  }
  for (const end = b + (depth << 5); b < end;) {
    b0 = v128.load(b)
    b1 = v128.load(b, 16)
    x = v128.load32_splat(a0)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    a0 += 4
    if (rows > 1) {
      x = v128.load32_splat(a1)
      c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
      a1 += 4
    }
    if (rows > 2) {
      x = v128.load32_splat(a2)
      c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
      a2 += 4
    }
    if (rows > 3) {
      x = v128.load32_splat(a3)
      c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
      a3 += 4
    }
    if (rows > 4) {
      x = v128.load32_splat(a4)
      c40 = madd(x, b0, c40); c41 = madd(x, b1, c41)
      a4 += 4
    }
    if (rows > 5) {
      x = v128.load32_splat(a5)
      c50 = madd(x, b0, c50); c51 = madd(x, b1, c51)
      a5 += 4
    }
    b += 32
  }
  if (mode > <u32>Side.Add) {
    v128.store(scratch, c00, TILE + 0); v128.store(scratch, c01, TILE + 16)
    if (rows > 1) { v128.store(scratch, c10, TILE + 32); v128.store(scratch, c11, TILE + 48) }
    if (rows > 2) { v128.store(scratch, c20, TILE + 64); v128.store(scratch, c21, TILE + 80) }
    if (rows > 3) { v128.store(scratch, c30, TILE + 96); v128.store(scratch, c31, TILE + 112) }
    if (rows > 4) { v128.store(scratch, c40, TILE + 128); v128.store(scratch, c41, TILE + 144) }
    if (rows > 5) { v128.store(scratch, c50, TILE + 160); v128.store(scratch, c51, TILE + 176) }
    finishTile(step, mode, rows, 8, lane)
    return
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  // Last row first: TurboFan (V8 up to 12) orders the products in the loop by it.
  if (rows > 5) storeRow(pixelOut(5) + at, c50, c51, low, high)
  if (rows > 4) storeRow(pixelOut(4) + at, c40, c41, low, high)
  if (rows > 3) storeRow(pixelOut(3) + at, c30, c31, low, high)
  if (rows > 2) storeRow(pixelOut(2) + at, c20, c21, low, high)
  if (rows > 1) storeRow(pixelOut(1) + at, c10, c11, low, high)
  storeRow(pixelOut(0) + at, c00, c01, low, high)
}

// @ts-ignore: decorator
@inline
export function storeRow(out: usize, first: v128, second: v128, low: v128, high: v128): void {
  v128.store(out, clamp(second, low, high), 16)
  v128.store(out, clamp(first, low, high))
}
