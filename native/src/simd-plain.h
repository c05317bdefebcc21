// The same for machines without SSE4.1 or NEON, lane by lane; compilers make of it what their machine has.
#define EACH_OF(count, expression) \
  for (int i = 0; i < (count); ++i) r[i] = (expression)
#define LANEWISE_2(name, type, result, count, expression) \
  ALWAYS_INLINE v128 name(v128 first, v128 second) {      \
    const type a = (type)first, b = (type)second;         \
    result r;                                             \
    EACH_OF(count, expression);                           \
    return (v128)r;                                       \
  }
#define LANEWISE_1(name, type, result, count, expression) \
  ALWAYS_INLINE v128 name(v128 first) {                   \
    const type a = (type)first;                           \
    result r;                                             \
    EACH_OF(count, expression);                           \
    return (v128)r;                                       \
  }
#define CLAMP(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))

LANEWISE_2(v128_f32x4_pmin, v_f32, v_f32, 4, b[i] < a[i] ? b[i] : a[i])
LANEWISE_2(v128_f32x4_pmax, v_f32, v_f32, 4, a[i] < b[i] ? b[i] : a[i])
LANEWISE_1(v128_f32x4_nearest, v_f32, v_f32, 4, wasm_nearbyintf(a[i]))
LANEWISE_1(v128_i32x4_trunc_sat_f32x4, v_f32, v_s32, 4, (s32)I32_TRUNC_SAT_S_F32(a[i]))

LANEWISE_2(v128_i16x8_min, v_s16, v_s16, 8, a[i] < b[i] ? a[i] : b[i])
LANEWISE_2(v128_i16x8_max, v_s16, v_s16, 8, a[i] > b[i] ? a[i] : b[i])
LANEWISE_2(v128_i32x4_max, v_s32, v_s32, 4, a[i] > b[i] ? a[i] : b[i])
LANEWISE_2(v128_u8x16_min, v_u8, v_u8, 16, a[i] < b[i] ? a[i] : b[i])
LANEWISE_2(v128_u8x16_max, v_u8, v_u8, 16, a[i] > b[i] ? a[i] : b[i])
LANEWISE_2(v128_i32x4_dot_i16x8, v_s16, v_u32, 4, (u32)(a[2 * i] * b[2 * i]) + (u32)(a[2 * i + 1] * b[2 * i + 1]))
LANEWISE_1(v128_i32x4_extadd_pairwise_i16x8, v_s16, v_s32, 4, a[2 * i] + a[2 * i + 1])
LANEWISE_2(v128_i16x8_narrow_i32x4, v_s32, v_s16, 8, (s16)CLAMP(i < 4 ? a[i & 3] : b[i & 3], -32768, 32767))
LANEWISE_2(v128_i8x16_narrow_i16x8, v_s16, v_s8, 16, (s8)CLAMP(i < 8 ? a[i & 7] : b[i & 7], -128, 127))
LANEWISE_2(v128_u8x16_narrow_i16x8, v_s16, v_u8, 16, (u8)CLAMP(i < 8 ? a[i & 7] : b[i & 7], 0, 255))
LANEWISE_2(v128_i8x16_swizzle, v_u8, v_u8, 16, b[i] < 16 ? a[b[i] & 15] : 0)

LANEWISE_1(v128_i16x8_extend_low_i8x16, v_s8, v_s16, 8, a[i])
LANEWISE_1(v128_i16x8_extend_high_i8x16, v_s8, v_s16, 8, a[i + 8])
LANEWISE_1(v128_u16x8_extend_low_u8x16, v_u8, v_u16, 8, a[i])
LANEWISE_1(v128_u16x8_extend_high_u8x16, v_u8, v_u16, 8, a[i + 8])
LANEWISE_1(v128_i32x4_extend_low_i16x8, v_s16, v_s32, 4, a[i])
LANEWISE_1(v128_i32x4_extend_high_i16x8, v_s16, v_s32, 4, a[i + 4])
LANEWISE_1(v128_u32x4_extend_low_u16x8, v_u16, v_u32, 4, a[i])
LANEWISE_1(v128_u32x4_extend_high_u16x8, v_u16, v_u32, 4, a[i + 4])
LANEWISE_1(v128_u64x2_extend_low_u32x4, v_u32, v_u64, 2, a[i])
LANEWISE_1(v128_u64x2_extend_high_u32x4, v_u32, v_u64, 2, a[i + 2])

LANEWISE_2(v128_i16x8_extmul_low_i8x16, v_s8, v_s16, 8, (s16)(a[i] * b[i]))
LANEWISE_2(v128_i16x8_extmul_high_i8x16, v_s8, v_s16, 8, (s16)(a[i + 8] * b[i + 8]))
LANEWISE_2(v128_i32x4_extmul_low_i16x8, v_s16, v_s32, 4, a[i] * b[i])
LANEWISE_2(v128_i32x4_extmul_high_i16x8, v_s16, v_s32, 4, a[i + 4] * b[i + 4])

// Relaxed SIMD: activations, the second operand of a dot product, are 0 to 127, and no factor is -32768.
LANEWISE_2(v128_i16x8_relaxed_q15mulr_s, v_s16, v_s16, 8, (s16)((a[i] * b[i] + 0x4000) >> 15))
LANEWISE_2(v128_i16x8_relaxed_dot_i8x16_i7x16_s, v_s8, v_s16, 8, (s16)(a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1]))
ALWAYS_INLINE v128 v128_i32x4_relaxed_dot_i8x16_i7x16_add_s(v128 a, v128 b, v128 sum) {
  const v128 pairs = v128_i16x8_relaxed_dot_i8x16_i7x16_s(a, b);
  return v128_i32x4_add(sum, v128_i32x4_extadd_pairwise_i16x8(pairs));
}
ALWAYS_INLINE v128 v128_f32x4_relaxed_madd(v128 a, v128 b, v128 sum) { return v128_f32x4_add(v128_f32x4_mul(a, b), sum); }

ALWAYS_INLINE u32 v128_i32x4_bitmask(v128 first) {
  const v_u32 a = (v_u32)first;
  return a[0] >> 31 | a[1] >> 31 << 1 | a[2] >> 31 << 2 | a[3] >> 31 << 3;
}
ALWAYS_INLINE u32 v128_i32x4_all_true(v128 first) {
  const v_u32 a = (v_u32)first;
  return a[0] && a[1] && a[2] && a[3];
}
