import { Side, Step } from '../program/format'
import { scratch, splatWord, word } from '../program/operands'
import { clampedBytes, rounded, roundingTo, scaled, sideLanes, splatByte, withSide, words } from '../simd/requantize'
import { OUT, SIDE, UNIT } from './pixels'
import { storeZippedBytes } from './zip_i8'

/** In scratch: the int32 sums of a unit, [8 pixels][8 lanes]. */
export const SUMS: usize = 128

/**
 * Requantizes a unit's sums in scratch and stores them: `left` pixels or all eight, lanes lane .. lane + 7 or the four that are left.
 * `factors`: of these lanes.
 */
export function finish(step: usize, mode: u32, lane: i32, left: i32, factors: usize): void {
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const rounding = roundingTo(word(step, Step.OutZero))
  const low = splatByte(word(step, Step.Low))
  const high = splatByte(word(step, Step.High))
  const lanes = <i32>word(step, Step.Lanes) - lane
  const sideZero = splatWord(step, Step.SideZero)
  const ratio = splatWord(step, Step.Ratio)
  const end = scratch + (<usize>min(left, UNIT) << 2)
  let sums = scratch
  for (let table = scratch; table < end; table += 8, sums += 64) {
    let v00 = scaled(v128.load(sums, SUMS + 0), m0)
    let v01 = scaled(v128.load(sums, SUMS + 16), m1)
    let v10 = scaled(v128.load(sums, SUMS + 32), m0)
    let v11 = scaled(v128.load(sums, SUMS + 48), m1)
    if (mode == Side.Add) {
      const s0 = <usize>load<u32>(table, SIDE + 0) + <usize>lane
      const s1 = <usize>load<u32>(table, SIDE + 4) + <usize>lane
      v00 = withSide(v00, sideLanes(s0, sideZero), ratio)
      v01 = withSide(v01, sideLanes(s0 + 4, sideZero), ratio)
      v10 = withSide(v10, sideLanes(s1, sideZero), ratio)
      v11 = withSide(v11, sideLanes(s1 + 4, sideZero), ratio)
    }
    const bytes = clampedBytes(
      words(rounded(v00, rounding), rounded(v01, rounding)), words(rounded(v10, rounding), rounded(v11, rounding)), low, high,
    )
    const o0 = <usize>load<u32>(table, OUT + 0)
    const o1 = <usize>load<u32>(table, OUT + 4)
    if (mode > <u32>Side.Add) {
      const s0 = <usize>load<u32>(table, SIDE + 0) + <usize>lane
      const s1 = <usize>load<u32>(table, SIDE + 4) + <usize>lane
      const group: usize = word(step, Step.SideGroup)
      storeZippedBytes(mode, o0, s0, bytes, lane, lanes, group)
      storeZippedBytes(mode, o1, s1, v128.shuffle<i64>(bytes, bytes, 1, 1), lane, lanes, group)
    } else if (lanes >= 8) {
      v128.store64_lane(o0 + <usize>lane, bytes, 0)
      v128.store64_lane(o1 + <usize>lane, bytes, 1)
    } else {
      v128.store32_lane(o0 + <usize>lane, bytes, 0)
      v128.store32_lane(o1 + <usize>lane, bytes, 2)
    }
  }
}
