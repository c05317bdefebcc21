import { scratch } from '../program/operands'
import { dotAdd, Loop, ONES, pairsAdd } from '../simd/dot'
import { blockBias, finishBlock } from './six_finish_i8'
import { ownPairs, zipPairs } from './taps_i8'

// Twelve lanes of three pixels by relaxed dot products: nine sums, three weights and the activations are what x86 has registers for.
// `a` is the first tap of the first pixel, `move` the bytes to the next one's, `w` the block's weights.

export function dotTile(step: usize, a: usize, move: usize, w: usize, block: usize, out: usize, outMove: usize): void {
  tile(Loop.Dot, step, a, move, w, block, out, outMove)
}

export function pairsTile(step: usize, a: usize, move: usize, w: usize, block: usize, out: usize, outMove: usize): void {
  tile(Loop.Pairs, step, a, move, w, block, out, outMove)
}

// @ts-ignore: decorator
@inline
function add(loop: i32, w: v128, a: v128, ones: v128, sum: v128): v128 {
  if (loop == Loop.Dot) return dotAdd(w, a, sum)
  return pairsAdd(w, a, ones, sum)
}

/** Two taps a round: members 0..3 of one, of the other, members 4 and 5 of both. */
// @ts-ignore: decorator
@inline
function tile(loop: i32, step: usize, a: usize, move: usize, w: usize, block: usize, out: usize, outMove: usize): void {
  let w0 = v128.load(blockBias(step, block))
  let w1 = v128.load(blockBias(step, block), 16)
  let w2 = v128.load(blockBias(step, block), 32)
  let c00 = w0; let c01 = w1; let c02 = w2
  let c10 = w0; let c11 = w1; let c12 = w2
  let c20 = w0; let c21 = w1; let c22 = w2
  const ones = loop == Loop.Pairs ? v128.load(ONES) : w0
  let x: v128
  let last = w + 432
  for (let tap = scratch, stop = tap + 32; tap < stop; tap += 8) {
    const p0 = a + load<u32>(tap)
    const p1 = p0 + move
    const p2 = p1 + move
    const q0 = a + load<u32>(tap, 4)
    const q1 = q0 + move
    const q2 = q1 + move
    w0 = v128.load(w)
    w1 = v128.load(w, 16)
    w2 = v128.load(w, 32)
    x = v128.load64_splat(p0)
    c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01); c02 = add(loop, w2, x, ones, c02)
    x = v128.load64_splat(p1)
    c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11); c12 = add(loop, w2, x, ones, c12)
    x = v128.load64_splat(p2)
    c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21); c22 = add(loop, w2, x, ones, c22)
    w0 = v128.load(w, 48)
    w1 = v128.load(w, 64)
    w2 = v128.load(w, 80)
    x = v128.load64_splat(q0)
    c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01); c02 = add(loop, w2, x, ones, c02)
    x = v128.load64_splat(q1)
    c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11); c12 = add(loop, w2, x, ones, c12)
    x = v128.load64_splat(q2)
    c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21); c22 = add(loop, w2, x, ones, c22)
    w0 = v128.load(last)
    w1 = v128.load(last, 16)
    w2 = v128.load(last, 32)
    x = zipPairs(v128.load32_splat(p0, 8), v128.load32_splat(q0, 8))
    c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01); c02 = add(loop, w2, x, ones, c02)
    x = zipPairs(v128.load32_splat(p1, 8), v128.load32_splat(q1, 8))
    c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11); c12 = add(loop, w2, x, ones, c12)
    x = zipPairs(v128.load32_splat(p2, 8), v128.load32_splat(q2, 8))
    c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21); c22 = add(loop, w2, x, ones, c22)
    w += 96
    last += 48
  }
  const p0 = a + load<u32>(scratch, 32)
  const p1 = p0 + move
  const p2 = p1 + move
  w0 = v128.load(w)
  w1 = v128.load(w, 16)
  w2 = v128.load(w, 32)
  x = v128.load64_splat(p0)
  c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01); c02 = add(loop, w2, x, ones, c02)
  x = v128.load64_splat(p1)
  c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11); c12 = add(loop, w2, x, ones, c12)
  x = v128.load64_splat(p2)
  c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21); c22 = add(loop, w2, x, ones, c22)
  w0 = v128.load(last)
  w1 = v128.load(last, 16)
  w2 = v128.load(last, 32)
  x = ownPairs(v128.load32_splat(p0, 8))
  c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01); c02 = add(loop, w2, x, ones, c02)
  x = ownPairs(v128.load32_splat(p1, 8))
  c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11); c12 = add(loop, w2, x, ones, c12)
  x = ownPairs(v128.load32_splat(p2, 8))
  c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21); c22 = add(loop, w2, x, ones, c22)
  finishBlock(step, block, out, outMove, c00, c01, c02, c10, c11, c12, c20, c21, c22)
}
