// Dot products of quads: int8 weights (-127..127) with bytes of a picture. Weights are 16 bytes, [4 lanes][4 k]; an activation quad is
// four bytes, repeated in each lane. Every way gives the exact int32 sums, so which one runs never shows in a result.

/** How sums are made; `quadLoop` of machine.ts picks one. */
export const enum Loop {
  /** Whatever suits the machine. */
  Any,
  /** Relaxed build: one instruction per 16 products. arm64's sdot, x86's VNNI. */
  Dot,
  /** Relaxed build: pairs in int16, then int32. x86 without VNNI. */
  Pairs,
  /** int16 products; the only one that takes activations above 127. */
  Words,
  /** Baseline build: int8 products summed in int16, four quads at most two products each. arm64. */
  Bytes,
  /** As Dot, where there are 32 vector registers: arm64. Only pointwise and full convolutions tell it from Dot. */
  Wide,
}

/** sum + quad dot product, in one instruction. `a` 0..127 in each byte: its top bit decides what the instruction does. */
// @ts-ignore: decorator
@inline
export function dotAdd(w: v128, a: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, a, sum)
  return unreachable()
}

/** For `pairsAdd`: eight ones. Loaded once, they stay in a register, while V8 fetches those of its own extadd_pairwise each time. */
export const ONES = memory.data<i16>([1, 1, 1, 1, 1, 1, 1, 1], 16)

/** The same by way of int16 pairs: 2 * 127 * 127 fits. */
// @ts-ignore: decorator
@inline
export function pairsAdd(w: v128, a: v128, ones: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(w, a), ones))
  return unreachable()
}

/** sum + products of eight int16, added in pairs. */
// @ts-ignore: decorator
@inline
export function wordsAdd(w: v128, a: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(w, a))
}

/** Half sums of lanes 0, 0, 1, 1 and 2, 2, 3, 3 -> sums of lanes 0..3. */
// @ts-ignore: decorator
@inline
export function joinHalves(low: v128, high: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7))
}

/** sum + the products of two quads by the weights' low halves, lanes 0 and 1. */
// @ts-ignore: decorator
@inline
export function twoLow(v: v128, x: v128, u: v128, y: v128, sum: v128): v128 {
  const pairs = i16x8.add(i16x8.extmul_low_i8x16_s(v, x), i16x8.extmul_low_i8x16_s(u, y))
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs))
}

/** Lanes 2 and 3. */
// @ts-ignore: decorator
@inline
export function twoHigh(v: v128, x: v128, u: v128, y: v128, sum: v128): v128 {
  const pairs = i16x8.add(i16x8.extmul_high_i8x16_s(v, x), i16x8.extmul_high_i8x16_s(u, y))
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs))
}

// @ts-ignore: decorator
@inline
export function oneLow(v: v128, x: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(v, x)))
}

// @ts-ignore: decorator
@inline
export function oneHigh(v: v128, x: v128, sum: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(v, x)))
}
