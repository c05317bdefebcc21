import { scratch } from '../program/operands'
import { joinHalves, oneHigh, oneLow, twoHigh, twoLow } from '../simd/dot'
import { ownPairs, zipPairs } from './taps_i8'
import { blockBias, finishPair } from './two_finish_i8'

/**
 * Eight lanes of four pixels by products of int8, four taps a round (six_bytes_i8.ts says why). `a` is the first tap of the first pixel,
 * `move` the bytes to the next one's, `w` the block's weights.
 */
export function bytesTile(step: usize, a: usize, move: usize, w: usize, block: usize, out: usize, outMove: usize): void {
  let x = v128.load(blockBias(step, block))
  let y = v128.load(blockBias(step, block), 16)
  let c00 = i64x2.extend_low_i32x4_u(x); let c01 = i64x2.extend_high_i32x4_u(x)
  let c02 = i64x2.extend_low_i32x4_u(y); let c03 = i64x2.extend_high_i32x4_u(y)
  let c10 = c00; let c11 = c01; let c12 = c02; let c13 = c03
  let c20 = c00; let c21 = c01; let c22 = c02; let c23 = c03
  let c30 = c00; let c31 = c01; let c32 = c02; let c33 = c03
  let v0: v128
  let v1: v128
  for (let tap = scratch, stop = tap + 32; tap < stop; tap += 16, w += 64) {
    const p = a + load<u32>(tap)
    const q = a + load<u32>(tap, 4)
    const r = a + load<u32>(tap, 8)
    const s = a + load<u32>(tap, 12)
    v0 = v128.load(w)
    v1 = v128.load(w, 16)
    const u0 = v128.load(w, 32)
    const u1 = v128.load(w, 48)
    x = zipPairs(v128.load64_zero(p), v128.load64_zero(q)); y = zipPairs(v128.load64_zero(r), v128.load64_zero(s))
    c00 = twoLow(v0, x, u0, y, c00); c01 = twoHigh(v0, x, u0, y, c01)
    c02 = twoLow(v1, x, u1, y, c02); c03 = twoHigh(v1, x, u1, y, c03)
    x = zipPairs(v128.load64_zero(p + move), v128.load64_zero(q + move)); y = zipPairs(v128.load64_zero(r + move), v128.load64_zero(s + move))
    c10 = twoLow(v0, x, u0, y, c10); c11 = twoHigh(v0, x, u0, y, c11)
    c12 = twoLow(v1, x, u1, y, c12); c13 = twoHigh(v1, x, u1, y, c13)
    x = zipPairs(v128.load64_zero(p + 2 * move), v128.load64_zero(q + 2 * move)); y = zipPairs(v128.load64_zero(r + 2 * move), v128.load64_zero(s + 2 * move))
    c20 = twoLow(v0, x, u0, y, c20); c21 = twoHigh(v0, x, u0, y, c21)
    c22 = twoLow(v1, x, u1, y, c22); c23 = twoHigh(v1, x, u1, y, c23)
    x = zipPairs(v128.load64_zero(p + 3 * move), v128.load64_zero(q + 3 * move)); y = zipPairs(v128.load64_zero(r + 3 * move), v128.load64_zero(s + 3 * move))
    c30 = twoLow(v0, x, u0, y, c30); c31 = twoHigh(v0, x, u0, y, c31)
    c32 = twoLow(v1, x, u1, y, c32); c33 = twoHigh(v1, x, u1, y, c33)
  }
  const p = a + load<u32>(scratch, 32)
  v0 = v128.load(w)
  v1 = v128.load(w, 16)
  x = ownPairs(v128.load64_zero(p))
  c00 = oneLow(v0, x, c00); c01 = oneHigh(v0, x, c01)
  c02 = oneLow(v1, x, c02); c03 = oneHigh(v1, x, c03)
  x = ownPairs(v128.load64_zero(p + move))
  c10 = oneLow(v0, x, c10); c11 = oneHigh(v0, x, c11)
  c12 = oneLow(v1, x, c12); c13 = oneHigh(v1, x, c13)
  x = ownPairs(v128.load64_zero(p + 2 * move))
  c20 = oneLow(v0, x, c20); c21 = oneHigh(v0, x, c21)
  c22 = oneLow(v1, x, c22); c23 = oneHigh(v1, x, c23)
  x = ownPairs(v128.load64_zero(p + 3 * move))
  c30 = oneLow(v0, x, c30); c31 = oneHigh(v0, x, c31)
  c32 = oneLow(v1, x, c32); c33 = oneHigh(v1, x, c33)
  finishPair(step, block, out, outMove, joinHalves(c00, c01), joinHalves(c02, c03), joinHalves(c10, c11), joinHalves(c12, c13))
  finishPair(
    step, block, out + 2 * outMove, outMove,
    joinHalves(c20, c21), joinHalves(c22, c23), joinHalves(c30, c31), joinHalves(c32, c33),
  )
}
