import { Step } from '../program/format'
import { scratch, word } from '../program/operands'

/** Byte offsets of the nine taps of a 3 x 3 window from its first, in thread scratch. */
export function placeTaps(step: usize): void {
  const inRow = word(step, Step.InRow)
  const inPixel = word(step, Step.InPixel)
  for (let tap: u32 = 0; tap < 9; ++tap) store<u32>(scratch + (tap << 2), tap / 3 * inRow + tap % 3 * inPixel)
}

/** 32-bit words of two-byte pairs (ac bd ...) and (AC BD ...) -> (ac AC bd BD ...). */
// @ts-ignore: decorator
@inline
export function zipPairs(first: v128, second: v128): v128 {
  return v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11)
}

/** The same with a second tap that is none: its weights are zero, so the first serves. */
// @ts-ignore: decorator
@inline
export function ownPairs(first: v128): v128 {
  return zipPairs(first, first)
}
