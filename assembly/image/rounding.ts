// Fixed point shared by both passes: weights are int32 with 22 fraction bits (8 bits of pixel and
// two spare bits stay below 2^31), as in Pillow's Resample.c.

@inline export const FRACTION_BITS: i32 = 22
/** One half in fixed point: every sum starts with it, so that the final shift rounds. */
@inline export const HALF: i32 = 1 << (FRACTION_BITS - 1)

/** Four sums -> four bytes in the low 32 bits: clamp(sum >> 22, 0, 255). */
// @ts-ignore: decorator
@inline
export function storeBytes(target: usize, sum: v128): void {
  const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, FRACTION_BITS), i32x4.splat(0))
  v128.store_lane<u32>(target, i8x16.narrow_i16x8_u(words, words), 0)
}
