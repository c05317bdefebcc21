import { scratch } from '../program/operands'
import { dotAdd, Loop, ONES, pairsAdd } from '../simd/dot'
import { ownPairs, zipPairs } from './taps_i8'
import { blockBias, finishPair } from './two_finish_i8'

// Eight lanes of four pixels by relaxed dot products. `a` is the first tap of the first pixel, `move` the bytes to the next one's, `w` the
// block's weights.

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

/** Two taps a round. */
// @ts-ignore: decorator
@inline
function tile(loop: i32, step: usize, a: usize, move: usize, w: usize, block: usize, out: usize, outMove: usize): void {
  let w0 = v128.load(blockBias(step, block))
  let w1 = v128.load(blockBias(step, block), 16)
  let c00 = w0; let c01 = w1
  let c10 = w0; let c11 = w1
  let c20 = w0; let c21 = w1
  let c30 = w0; let c31 = w1
  const ones = loop == Loop.Pairs ? v128.load(ONES) : w0
  let x: v128
  for (let tap = scratch, stop = tap + 32; tap < stop; tap += 8, w += 32) {
    const p0 = a + load<u32>(tap)
    const p1 = p0 + move
    const p2 = p1 + move
    const p3 = p2 + move
    const q0 = a + load<u32>(tap, 4)
    const q1 = q0 + move
    const q2 = q1 + move
    const q3 = q2 + move
    w0 = v128.load(w)
    w1 = v128.load(w, 16)
    x = zipPairs(v128.load64_zero(p0), v128.load64_zero(q0))
    c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01)
    x = zipPairs(v128.load64_zero(p1), v128.load64_zero(q1))
    c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11)
    x = zipPairs(v128.load64_zero(p2), v128.load64_zero(q2))
    c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21)
    x = zipPairs(v128.load64_zero(p3), v128.load64_zero(q3))
    c30 = add(loop, w0, x, ones, c30); c31 = add(loop, w1, x, ones, c31)
  }
  const p = a + load<u32>(scratch, 32)
  w0 = v128.load(w)
  w1 = v128.load(w, 16)
  x = ownPairs(v128.load64_zero(p))
  c00 = add(loop, w0, x, ones, c00); c01 = add(loop, w1, x, ones, c01)
  x = ownPairs(v128.load64_zero(p + move))
  c10 = add(loop, w0, x, ones, c10); c11 = add(loop, w1, x, ones, c11)
  x = ownPairs(v128.load64_zero(p + 2 * move))
  c20 = add(loop, w0, x, ones, c20); c21 = add(loop, w1, x, ones, c21)
  x = ownPairs(v128.load64_zero(p + 3 * move))
  c30 = add(loop, w0, x, ones, c30); c31 = add(loop, w1, x, ones, c31)
  finishPair(step, block, out, outMove, c00, c01, c10, c11)
  finishPair(step, block, out + 2 * outMove, outMove, c20, c21, c30, c31)
}
