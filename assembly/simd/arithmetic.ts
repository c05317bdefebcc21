// The only branches on a WebAssembly feature; everything above calls these.

/** Is a multiply-add one instruction, so that a tile needs no register for the product? */
// @ts-ignore: decorator
@inline
export const FUSED: bool = ASC_FEATURE_RELAXED_SIMD

/** a * b + c per lane; one rounding in the relaxed build where the machine has FMA, two elsewhere. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** Per lane min(max(x, low), high); NaN stays NaN. pmin and pmax are one instruction on x86 and two on arm64. */
// @ts-ignore: decorator
@inline
export function clamp(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high)
}

/** Sum of the four lanes, pairwise. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  const y = f32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1))
  return f32x4.extract_lane(y, 0) + f32x4.extract_lane(y, 1)
}

/** Eight int8 -> two float32 vectors. */
// @ts-ignore: decorator
@inline
export function lowFloats(bytes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(bytes))
}

// @ts-ignore: decorator
@inline
export function highFloats(bytes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(bytes))
}

/** (a b + 2^14) >> 15 per int16, not both -32768; the relaxed instruction leaves only that case open. */
// @ts-ignore: decorator
@inline
export function scaledWords(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_q15mulr_s(a, b)
  return i16x8.q15mulr_sat_s(a, b)
}
