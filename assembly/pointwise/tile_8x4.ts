import { Side, Step } from '../program/format'
import { scratch, splatWord } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'
import { finishTile } from './finish_f32'
import { pixelIn, pixelOut, pixelSide, TILE } from './pixels'

/** c[r][n] = bias[n] (+ side[r][n]) + sum_k a[r][k] * b[k][n]: the eight pixels of the pointer tables by the four lanes of the half panel `b`. */
export function tile8x4(b: usize, depth: usize, bias: usize, lane: i32, step: usize, mode: u32): void {
  let a0 = pixelIn(0)
  let a1 = pixelIn(1)
  let a2 = pixelIn(2)
  let a3 = pixelIn(3)
  let a4 = pixelIn(4)
  let a5 = pixelIn(5)
  let a6 = pixelIn(6)
  let a7 = pixelIn(7)
  let w = v128.load(bias)
  let c0 = w; let c1 = w; let c2 = w; let c3 = w
  let c4 = w; let c5 = w; let c6 = w; let c7 = w
  const at = <usize>lane << 2
  if (mode == Side.Add) {
    c0 = f32x4.add(c0, v128.load(pixelSide(0) + at))
    c1 = f32x4.add(c1, v128.load(pixelSide(1) + at))
    c2 = f32x4.add(c2, v128.load(pixelSide(2) + at))
    c3 = f32x4.add(c3, v128.load(pixelSide(3) + at))
    c4 = f32x4.add(c4, v128.load(pixelSide(4) + at))
    c5 = f32x4.add(c5, v128.load(pixelSide(5) + at))
    c6 = f32x4.add(c6, v128.load(pixelSide(6) + at))
    c7 = f32x4.add(c7, v128.load(pixelSide(7) + at))
  }
  for (const end = b + (depth << 4); b < end; b += 16) {
    w = v128.load(b)
    c0 = madd(v128.load32_splat(a0), w, c0)
    c1 = madd(v128.load32_splat(a1), w, c1)
    c2 = madd(v128.load32_splat(a2), w, c2)
    c3 = madd(v128.load32_splat(a3), w, c3)
    c4 = madd(v128.load32_splat(a4), w, c4)
    c5 = madd(v128.load32_splat(a5), w, c5)
    c6 = madd(v128.load32_splat(a6), w, c6)
    c7 = madd(v128.load32_splat(a7), w, c7)
    a0 += 4; a1 += 4; a2 += 4; a3 += 4
    a4 += 4; a5 += 4; a6 += 4; a7 += 4
  }
  if (mode > <u32>Side.Add) {
    v128.store(scratch, c0, TILE + 0)
    v128.store(scratch, c1, TILE + 32)
    v128.store(scratch, c2, TILE + 64)
    v128.store(scratch, c3, TILE + 96)
    v128.store(scratch, c4, TILE + 128)
    v128.store(scratch, c5, TILE + 160)
    v128.store(scratch, c6, TILE + 192)
    v128.store(scratch, c7, TILE + 224)
    finishTile(step, mode, 8, 4, lane)
    return
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  v128.store(pixelOut(7) + at, clamp(c7, low, high))
  v128.store(pixelOut(6) + at, clamp(c6, low, high))
  v128.store(pixelOut(5) + at, clamp(c5, low, high))
  v128.store(pixelOut(4) + at, clamp(c4, low, high))
  v128.store(pixelOut(3) + at, clamp(c3, low, high))
  v128.store(pixelOut(2) + at, clamp(c2, low, high))
  v128.store(pixelOut(1) + at, clamp(c1, low, high))
  v128.store(pixelOut(0) + at, clamp(c0, low, high))
}
