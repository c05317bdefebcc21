// Fixed point shared by both passes: weights are int32 with 22 fraction bits (8 bits of pixel and
// two spare bits stay below 2^31), as in Pillow's Resample.c.

@inline const FRACTION_BITS: i32 = 22
/** One half in fixed point: every sum starts with it, so that the final shift rounds. */
@inline export const HALF: i32 = 1 << (FRACTION_BITS - 1)

/** Sixteen sums -> bytes: clamp(sum >> 22, 0, 255). */
// @ts-ignore: decorator
@inline
export function bytesOf(sum0: v128, sum1: v128, sum2: v128, sum3: v128): v128 {
  const low = i16x8.narrow_i32x4_s(i32x4.shr_s(sum0, FRACTION_BITS), i32x4.shr_s(sum1, FRACTION_BITS))
  const high = i16x8.narrow_i32x4_s(i32x4.shr_s(sum2, FRACTION_BITS), i32x4.shr_s(sum3, FRACTION_BITS))
  return i8x16.narrow_i16x8_u(low, high)
}
