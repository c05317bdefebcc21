import { Side, Step } from '../program/format'
import { scratch, splatWord, word } from '../program/operands'
import { clampedBytes, rounded, scaled, sideLanes, withSide, words } from '../simd/requantize'
import { OUT, SIDE, TILE } from './pixels'
import { storeZippedBytes } from './zip_i8'

/**
 * Requantizes and stores two pixels by eight lanes from their int32 sums: `from` is the first pixel in the pointer tables, `lane` the
 * first lane; of a last panel that has only four, four are stored. m0 and m1 are the factors of these lanes, `rounding` is
 * roundingTo(OutZero), low and high are the bounds in each byte.
 */
// @ts-ignore: decorator
@inline
export function finish(
  s00: v128, s01: v128, s10: v128, s11: v128, m0: v128, m1: v128, rounding: v128, low: v128, high: v128,
  from: i32, lane: usize, step: usize, mode: u32,
): void {
  const table = scratch + (<usize>from << 2)
  let v00 = scaled(s00, m0)
  let v01 = scaled(s01, m1)
  let v10 = scaled(s10, m0)
  let v11 = scaled(s11, m1)
  if (mode == Side.Add) {
    const zero = splatWord(step, Step.SideZero)
    const ratio = splatWord(step, Step.Ratio)
    const side0 = <usize>load<u32>(table, SIDE + 0) + lane
    v00 = withSide(v00, sideLanes(side0, zero), ratio)
    v01 = withSide(v01, sideLanes(side0 + 4, zero), ratio)
    const side1 = <usize>load<u32>(table, SIDE + 4) + lane
    v10 = withSide(v10, sideLanes(side1, zero), ratio)
    v11 = withSide(v11, sideLanes(side1 + 4, zero), ratio)
  }
  const bytes = clampedBytes(
    words(rounded(v00, rounding), rounded(v01, rounding)), words(rounded(v10, rounding), rounded(v11, rounding)), low, high,
  )
  if (mode > <u32>Side.Add) {
    v128.store(scratch, bytes, TILE)
    storeZippedBytes(from, lane, step, mode)
    return
  }
  const out0 = <usize>load<u32>(table, OUT + 0) + lane
  const out1 = <usize>load<u32>(table, OUT + 4) + lane
  if (word(step, Step.Lanes) - <u32>lane >= 8) {
    v128.store64_lane(out0, bytes, 0)
    v128.store64_lane(out1, bytes, 1)
  } else {
    v128.store32_lane(out0, bytes, 0)
    v128.store32_lane(out1, bytes, 2)
  }
}
