import { scratch } from '../program/operands'
import { joinHalves, wordsAdd } from '../simd/dot'
import { blockBias, finishBlock } from './six_finish_i8'
import { ownPairs, zipPairs } from './taps_i8'

// Twelve lanes of three pixels by products of int16: eight bytes widened (a0..a3 b0..b3) meet the widened weights of lanes a_i and b_i, so
// a sum is two half sums of each. x86 has registers for half the lanes at a time: two passes, their sums kept in scratch, which also
// holds the block's widened weights. Activations may be up to 255.

/** In scratch: after the taps, half sums the passes start with, 2 x 3 vectors; widened weights, 2 x 14 quads x 3; sums, 2 x 3 pixels x 3. */
// @ts-ignore: decorator
@inline
const STARTS: usize = 64
// @ts-ignore: decorator
@inline
const WEIGHTS: usize = 64 + 96
// @ts-ignore: decorator
@inline
const SUMS: usize = 64 + 96 + 1344

/** Prepares scratch for the tiles of a block with weights `w`. */
export function widenBlock(step: usize, w: usize, block: usize): void {
  for (let i: usize = 0; i < 3; ++i) {
    const bias = v128.load(blockBias(step, block) + (i << 4))
    v128.store(scratch + (i << 5), i64x2.extend_low_i32x4_u(bias), STARTS)
    v128.store(scratch + (i << 5), i64x2.extend_high_i32x4_u(bias), STARTS + 16)
  }
  for (let quad: usize = 0; quad < 14; ++quad) {
    for (let i: usize = 0; i < 3; ++i) {
      const to = scratch + quad * 48 + (i << 4)
      v128.store(to, v128.load8x8_s(w + quad * 48 + (i << 3)), WEIGHTS)
      v128.store(to, v128.load8x8_s(w + quad * 48 + (i << 3), 24), WEIGHTS + 672)
    }
  }
}

export function wordsTile(step: usize, a: usize, move: usize, block: usize, out: usize, outMove: usize): void {
  pass(a, move, scratch + STARTS, scratch + WEIGHTS, scratch + SUMS)
  pass(a, move, scratch + STARTS + 48, scratch + WEIGHTS + 672, scratch + SUMS + 144)
  finishBlock(
    step, block, out, outMove, sums(0, 1), joinHalves(sumsAt(2), sumsAt(9)), sums(10, 11),
    sums(3, 4), joinHalves(sumsAt(5), sumsAt(12)), sums(13, 14), sums(6, 7), joinHalves(sumsAt(8), sumsAt(15)), sums(16, 17),
  )
}

// @ts-ignore: decorator
@inline
function sumsAt(i: usize): v128 {
  return v128.load(scratch + (i << 4), SUMS)
}

// @ts-ignore: decorator
@inline
function sums(i: usize, j: usize): v128 {
  return joinHalves(sumsAt(i), sumsAt(j))
}

/** Six lanes of three pixels. */
function pass(a: usize, move: usize, starts: usize, w: usize, sums: usize): void {
  let b = v128.load(starts)
  let c00 = b; let c10 = b; let c20 = b
  b = v128.load(starts, 16)
  let c01 = b; let c11 = b; let c21 = b
  b = v128.load(starts, 32)
  let c02 = b; let c12 = b; let c22 = b
  let x0: v128
  let x1: v128
  let x2: v128
  for (let tap = scratch, stop = tap + 36; tap < stop; tap += 4, w += 48) {
    const p = a + load<u32>(tap)
    x0 = v128.load8x8_u(p)
    x1 = v128.load8x8_u(p + move)
    x2 = v128.load8x8_u(p + 2 * move)
    b = v128.load(w)
    c00 = wordsAdd(b, x0, c00); c10 = wordsAdd(b, x1, c10); c20 = wordsAdd(b, x2, c20)
    b = v128.load(w, 16)
    c01 = wordsAdd(b, x0, c01); c11 = wordsAdd(b, x1, c11); c21 = wordsAdd(b, x2, c21)
    b = v128.load(w, 32)
    c02 = wordsAdd(b, x0, c02); c12 = wordsAdd(b, x1, c12); c22 = wordsAdd(b, x2, c22)
  }
  for (let tap = scratch, stop = tap + 32; tap < stop; tap += 8, w += 48) {
    const p = a + load<u32>(tap)
    const q = a + load<u32>(tap, 4)
    x0 = i16x8.extend_low_i8x16_u(zipPairs(v128.load32_zero(p, 8), v128.load32_zero(q, 8)))
    x1 = i16x8.extend_low_i8x16_u(zipPairs(v128.load32_zero(p + move, 8), v128.load32_zero(q + move, 8)))
    x2 = i16x8.extend_low_i8x16_u(zipPairs(v128.load32_zero(p + 2 * move, 8), v128.load32_zero(q + 2 * move, 8)))
    b = v128.load(w)
    c00 = wordsAdd(b, x0, c00); c10 = wordsAdd(b, x1, c10); c20 = wordsAdd(b, x2, c20)
    b = v128.load(w, 16)
    c01 = wordsAdd(b, x0, c01); c11 = wordsAdd(b, x1, c11); c21 = wordsAdd(b, x2, c21)
    b = v128.load(w, 32)
    c02 = wordsAdd(b, x0, c02); c12 = wordsAdd(b, x1, c12); c22 = wordsAdd(b, x2, c22)
  }
  const p = a + load<u32>(scratch, 32)
  x0 = i16x8.extend_low_i8x16_u(ownPairs(v128.load32_zero(p, 8)))
  x1 = i16x8.extend_low_i8x16_u(ownPairs(v128.load32_zero(p + move, 8)))
  x2 = i16x8.extend_low_i8x16_u(ownPairs(v128.load32_zero(p + 2 * move, 8)))
  b = v128.load(w)
  c00 = wordsAdd(b, x0, c00); c10 = wordsAdd(b, x1, c10); c20 = wordsAdd(b, x2, c20)
  b = v128.load(w, 16)
  c01 = wordsAdd(b, x0, c01); c11 = wordsAdd(b, x1, c11); c21 = wordsAdd(b, x2, c21)
  b = v128.load(w, 32)
  c02 = wordsAdd(b, x0, c02); c12 = wordsAdd(b, x1, c12); c22 = wordsAdd(b, x2, c22)
  v128.store(sums, c00); v128.store(sums, c01, 16); v128.store(sums, c02, 32)
  v128.store(sums, c10, 48); v128.store(sums, c11, 64); v128.store(sums, c12, 80)
  v128.store(sums, c20, 96); v128.store(sums, c21, 112); v128.store(sums, c22, 128)
}
