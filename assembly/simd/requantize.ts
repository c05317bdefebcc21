// From int32 sums to stored values: docs/quantization.md, Requantize. Plain float32 operations only, each rounded once: a fused
// multiply-add would change integers.

/** Bits of 1.5 * 2^23. A float32 near it counts in ones, so adding it to v leaves rne(v) in the low bits. */
// @ts-ignore: decorator
@inline
const ROUNDING_BITS: i32 = 0x4b400000

/** The same in four lanes. Loaded, since V8 makes a constant anew wherever it is used, in three instructions: twice the whole epilogue. */
const MAGIC = memory.data<i32>([ROUNDING_BITS, ROUNDING_BITS, ROUNDING_BITS, ROUNDING_BITS], 16)

/** For `rounded`: 1.5 * 2^23 + zero in each lane; exact. */
// @ts-ignore: decorator
@inline
export function roundingTo(zero: u32): v128 {
  return i32x4.add(i32x4.splat(<i32>zero), v128.load(MAGIC))
}

/** v = f(f(a) * m) per lane. */
// @ts-ignore: decorator
@inline
export function scaled(sum: v128, factor: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(sum), factor)
}

/** v = f(v + f(f(side) * r)) per lane; `side` is four int32, zero point taken off. */
// @ts-ignore: decorator
@inline
export function withSide(v: v128, side: v128, ratio: v128): v128 {
  return f32x4.add(v, f32x4.mul(f32x4.convert_i32x4_s(side), ratio))
}

/**
 * rne(v + zero) as int32 per lane where it lies in 0 .. 2^22; what is less gives 0, what is more some larger integer. `rounding` is
 * roundingTo(zero). The maximum keeps huge negative values, whose bits are negative, from wrapping.
 */
// @ts-ignore: decorator
@inline
export function rounded(v: v128, rounding: v128): v128 {
  const magic = v128.load(MAGIC)
  return i32x4.sub(i32x4.max_s(f32x4.add(v, rounding), magic), magic)
}

/** Two `rounded` vectors -> eight int16, 0 .. 32767. */
// @ts-ignore: decorator
@inline
export function words(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_s(low, high)
}

/** Sixteen int16 -> bytes in low .. high, each splat as bytes by `splatByte`. */
// @ts-ignore: decorator
@inline
export function clampedBytes(first: v128, second: v128, low: v128, high: v128): v128 {
  return i8x16.max_u(i8x16.min_u(i8x16.narrow_i16x8_u(first, second), high), low)
}

/** Step.Low or Step.High of an int8 step in each byte. */
// @ts-ignore: decorator
@inline
export function splatByte(bound: u32): v128 {
  return i8x16.splat(<i8>bound)
}

/** Four bytes 0..255 at `at` as int32 minus `zero`, an i32x4: a residual for `withSide`. */
// @ts-ignore: decorator
@inline
export function sideLanes(at: usize, zero: v128): v128 {
  const bytes = v128.load32_zero(at)
  return i32x4.sub(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)), zero)
}
