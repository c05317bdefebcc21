import { scratch } from '../program/operands'
import { joinHalves, twoHigh, twoLow } from '../simd/dot'
import { blockBias, finishBlock } from './six_finish_i8'
import { ownPairs, zipPairs } from './taps_i8'

/**
 * Twelve lanes of three pixels by products of int8. Two products fit int16 (2 * 127 * 127), so two quads are added there before they are
 * widened: on arm64 that is smull, smlal, sadalp, and its 32 registers hold the eighteen vectors of half sums. `a` is the first tap of
 * the first pixel, `move` the bytes to the next one's, `w` the block's weights.
 */
export function bytesTile(step: usize, a: usize, move: usize, w: usize, block: usize, out: usize, outMove: usize): void {
  const bias = blockBias(step, block)
  let x = v128.load(bias)
  let y = v128.load(bias, 16)
  let v0 = v128.load(bias, 32), v1 = v0, v2 = v0, u0 = v0, u1 = v0, u2 = v0
  let c00 = i64x2.extend_low_i32x4_u(x); let c01 = i64x2.extend_high_i32x4_u(x)
  let c02 = i64x2.extend_low_i32x4_u(y); let c03 = i64x2.extend_high_i32x4_u(y)
  let c04 = i64x2.extend_low_i32x4_u(v0); let c05 = i64x2.extend_high_i32x4_u(v0)
  let c10 = c00; let c11 = c01; let c12 = c02; let c13 = c03; let c14 = c04; let c15 = c05
  let c20 = c00; let c21 = c01; let c22 = c02; let c23 = c03; let c24 = c04; let c25 = c05
  // Members 0..3 of taps 0..7, two taps a round.
  for (let tap = scratch, stop = tap + 32; tap < stop; tap += 8, w += 96) {
    const p = a + load<u32>(tap)
    const q = a + load<u32>(tap, 4)
    v0 = v128.load(w)
    v1 = v128.load(w, 16)
    v2 = v128.load(w, 32)
    u0 = v128.load(w, 48)
    u1 = v128.load(w, 64)
    u2 = v128.load(w, 80)
    x = v128.load64_splat(p); y = v128.load64_splat(q)
    c00 = twoLow(v0, x, u0, y, c00); c01 = twoHigh(v0, x, u0, y, c01)
    c02 = twoLow(v1, x, u1, y, c02); c03 = twoHigh(v1, x, u1, y, c03)
    c04 = twoLow(v2, x, u2, y, c04); c05 = twoHigh(v2, x, u2, y, c05)
    x = v128.load64_splat(p + move); y = v128.load64_splat(q + move)
    c10 = twoLow(v0, x, u0, y, c10); c11 = twoHigh(v0, x, u0, y, c11)
    c12 = twoLow(v1, x, u1, y, c12); c13 = twoHigh(v1, x, u1, y, c13)
    c14 = twoLow(v2, x, u2, y, c14); c15 = twoHigh(v2, x, u2, y, c15)
    x = v128.load64_splat(p + 2 * move); y = v128.load64_splat(q + 2 * move)
    c20 = twoLow(v0, x, u0, y, c20); c21 = twoHigh(v0, x, u0, y, c21)
    c22 = twoLow(v1, x, u1, y, c22); c23 = twoHigh(v1, x, u1, y, c23)
    c24 = twoLow(v2, x, u2, y, c24); c25 = twoHigh(v2, x, u2, y, c25)
  }
  // All members of the last tap.
  const p = a + load<u32>(scratch, 32)
  v0 = v128.load(w)
  v1 = v128.load(w, 16)
  v2 = v128.load(w, 32)
  u0 = v128.load(w, 240)
  u1 = v128.load(w, 256)
  u2 = v128.load(w, 272)
  x = v128.load64_splat(p); y = ownPairs(v128.load32_splat(p, 8))
  c00 = twoLow(v0, x, u0, y, c00); c01 = twoHigh(v0, x, u0, y, c01)
  c02 = twoLow(v1, x, u1, y, c02); c03 = twoHigh(v1, x, u1, y, c03)
  c04 = twoLow(v2, x, u2, y, c04); c05 = twoHigh(v2, x, u2, y, c05)
  x = v128.load64_splat(p + move); y = ownPairs(v128.load32_splat(p + move, 8))
  c10 = twoLow(v0, x, u0, y, c10); c11 = twoHigh(v0, x, u0, y, c11)
  c12 = twoLow(v1, x, u1, y, c12); c13 = twoHigh(v1, x, u1, y, c13)
  c14 = twoLow(v2, x, u2, y, c14); c15 = twoHigh(v2, x, u2, y, c15)
  x = v128.load64_splat(p + 2 * move); y = ownPairs(v128.load32_splat(p + 2 * move, 8))
  c20 = twoLow(v0, x, u0, y, c20); c21 = twoHigh(v0, x, u0, y, c21)
  c22 = twoLow(v1, x, u1, y, c22); c23 = twoHigh(v1, x, u1, y, c23)
  c24 = twoLow(v2, x, u2, y, c24); c25 = twoHigh(v2, x, u2, y, c25)
  w += 48
  // Members 4 and 5 of taps 0..7, four taps a round.
  for (let tap = scratch, stop = tap + 32; tap < stop; tap += 16, w += 96) {
    const p = a + load<u32>(tap)
    const q = a + load<u32>(tap, 4)
    const r = a + load<u32>(tap, 8)
    const s = a + load<u32>(tap, 12)
    v0 = v128.load(w)
    v1 = v128.load(w, 16)
    v2 = v128.load(w, 32)
    u0 = v128.load(w, 48)
    u1 = v128.load(w, 64)
    u2 = v128.load(w, 80)
    x = zipPairs(v128.load32_splat(p, 8), v128.load32_splat(q, 8))
    y = zipPairs(v128.load32_splat(r, 8), v128.load32_splat(s, 8))
    c00 = twoLow(v0, x, u0, y, c00); c01 = twoHigh(v0, x, u0, y, c01)
    c02 = twoLow(v1, x, u1, y, c02); c03 = twoHigh(v1, x, u1, y, c03)
    c04 = twoLow(v2, x, u2, y, c04); c05 = twoHigh(v2, x, u2, y, c05)
    x = zipPairs(v128.load32_splat(p + move, 8), v128.load32_splat(q + move, 8))
    y = zipPairs(v128.load32_splat(r + move, 8), v128.load32_splat(s + move, 8))
    c10 = twoLow(v0, x, u0, y, c10); c11 = twoHigh(v0, x, u0, y, c11)
    c12 = twoLow(v1, x, u1, y, c12); c13 = twoHigh(v1, x, u1, y, c13)
    c14 = twoLow(v2, x, u2, y, c14); c15 = twoHigh(v2, x, u2, y, c15)
    x = zipPairs(v128.load32_splat(p + 2 * move, 8), v128.load32_splat(q + 2 * move, 8))
    y = zipPairs(v128.load32_splat(r + 2 * move, 8), v128.load32_splat(s + 2 * move, 8))
    c20 = twoLow(v0, x, u0, y, c20); c21 = twoHigh(v0, x, u0, y, c21)
    c22 = twoLow(v1, x, u1, y, c22); c23 = twoHigh(v1, x, u1, y, c23)
    c24 = twoLow(v2, x, u2, y, c24); c25 = twoHigh(v2, x, u2, y, c25)
  }
  finishBlock(
    step, block, out, outMove, joinHalves(c00, c01), joinHalves(c02, c03), joinHalves(c04, c05),
    joinHalves(c10, c11), joinHalves(c12, c13), joinHalves(c14, c15), joinHalves(c20, c21), joinHalves(c22, c23), joinHalves(c24, c25),
  )
}
