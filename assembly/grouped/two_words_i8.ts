import { scratch } from '../program/operands'
import { joinHalves, wordsAdd } from '../simd/dot'
import { ownPairs, zipPairs } from './taps_i8'
import { blockBias, finishPair } from './two_finish_i8'

/**
 * Eight lanes of two pixels by products of int16, for activations up to 255: zipped taps, widened (groups a, b and c, d), meet the widened
 * weights of two lanes, so a sum is two half sums of each. `a` is the first tap of the first pixel, `move` the bytes to the next one's, `w`
 * the block's weights.
 */
export function wordsTile(step: usize, a: usize, move: usize, w: usize, block: usize, out: usize, outMove: usize): void {
  let b = v128.load(blockBias(step, block))
  let c00 = i64x2.extend_low_i32x4_u(b); let c01 = i64x2.extend_high_i32x4_u(b)
  b = v128.load(blockBias(step, block), 16)
  let c02 = i64x2.extend_low_i32x4_u(b); let c03 = i64x2.extend_high_i32x4_u(b)
  let c10 = c00; let c11 = c01; let c12 = c02; let c13 = c03
  let z: v128
  for (let tap = scratch, stop = tap + 32; tap < stop; tap += 8, w += 32) {
    const p = a + load<u32>(tap)
    const q = a + load<u32>(tap, 4)
    z = zipPairs(v128.load64_zero(p), v128.load64_zero(q))
    const x0 = i16x8.extend_low_i8x16_u(z)
    const y0 = i16x8.extend_high_i8x16_u(z)
    z = zipPairs(v128.load64_zero(p + move), v128.load64_zero(q + move))
    const x1 = i16x8.extend_low_i8x16_u(z)
    const y1 = i16x8.extend_high_i8x16_u(z)
    b = v128.load8x8_s(w)
    c00 = wordsAdd(b, x0, c00); c10 = wordsAdd(b, x1, c10)
    b = v128.load8x8_s(w, 8)
    c01 = wordsAdd(b, y0, c01); c11 = wordsAdd(b, y1, c11)
    b = v128.load8x8_s(w, 16)
    c02 = wordsAdd(b, x0, c02); c12 = wordsAdd(b, x1, c12)
    b = v128.load8x8_s(w, 24)
    c03 = wordsAdd(b, y0, c03); c13 = wordsAdd(b, y1, c13)
  }
  const p = a + load<u32>(scratch, 32)
  z = ownPairs(v128.load64_zero(p))
  const x0 = i16x8.extend_low_i8x16_u(z)
  const y0 = i16x8.extend_high_i8x16_u(z)
  z = ownPairs(v128.load64_zero(p + move))
  const x1 = i16x8.extend_low_i8x16_u(z)
  const y1 = i16x8.extend_high_i8x16_u(z)
  b = v128.load8x8_s(w)
  c00 = wordsAdd(b, x0, c00); c10 = wordsAdd(b, x1, c10)
  b = v128.load8x8_s(w, 8)
  c01 = wordsAdd(b, y0, c01); c11 = wordsAdd(b, y1, c11)
  b = v128.load8x8_s(w, 16)
  c02 = wordsAdd(b, x0, c02); c12 = wordsAdd(b, x1, c12)
  b = v128.load8x8_s(w, 24)
  c03 = wordsAdd(b, y0, c03); c13 = wordsAdd(b, y1, c13)
  finishPair(
    step, block, out, outMove,
    joinHalves(c00, c01), joinHalves(c02, c03), joinHalves(c10, c11), joinHalves(c12, c13),
  )
}
