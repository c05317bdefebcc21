// What NEON says better than the vector extensions. fmin and fmax treat NaN otherwise than pmin and pmax: hence the selections.
#define BOTH(name, type, from, expression)                                       \
  ALWAYS_INLINE v128 name(v128 first, v128 second) {                             \
    const type a = vreinterpretq_##from##_s64(first), b = vreinterpretq_##from##_s64(second); \
    return (v128)(expression);                                                   \
  }
#define ONE(name, type, from, expression)                 \
  ALWAYS_INLINE v128 name(v128 first) {                   \
    const type a = vreinterpretq_##from##_s64(first);     \
    return (v128)(expression);                            \
  }

BOTH(v128_f32x4_pmin, float32x4_t, f32, vbslq_f32(vcltq_f32(b, a), b, a))
BOTH(v128_f32x4_pmax, float32x4_t, f32, vbslq_f32(vcltq_f32(a, b), b, a))
ONE(v128_f32x4_nearest, float32x4_t, f32, vrndnq_f32(a))
ONE(v128_i32x4_trunc_sat_f32x4, float32x4_t, f32, vcvtq_s32_f32(a))

BOTH(v128_i16x8_min, int16x8_t, s16, vminq_s16(a, b))
BOTH(v128_i16x8_max, int16x8_t, s16, vmaxq_s16(a, b))
BOTH(v128_i32x4_max, int32x4_t, s32, vmaxq_s32(a, b))
BOTH(v128_u8x16_min, uint8x16_t, u8, vminq_u8(a, b))
BOTH(v128_u8x16_max, uint8x16_t, u8, vmaxq_u8(a, b))
BOTH(v128_i32x4_dot_i16x8, int16x8_t, s16,
     vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b)))
ONE(v128_i32x4_extadd_pairwise_i16x8, int16x8_t, s16, vpaddlq_s16(a))
BOTH(v128_i16x8_narrow_i32x4, int32x4_t, s32, vqmovn_high_s32(vqmovn_s32(a), b))
BOTH(v128_i8x16_narrow_i16x8, int16x8_t, s16, vqmovn_high_s16(vqmovn_s16(a), b))
BOTH(v128_u8x16_narrow_i16x8, int16x8_t, s16, vqmovun_high_s16(vqmovun_s16(a), b))
BOTH(v128_i8x16_swizzle, uint8x16_t, u8, vqtbl1q_u8(a, b))

ONE(v128_i16x8_extend_low_i8x16, int8x16_t, s8, vmovl_s8(vget_low_s8(a)))
ONE(v128_i16x8_extend_high_i8x16, int8x16_t, s8, vmovl_high_s8(a))
ONE(v128_u16x8_extend_low_u8x16, uint8x16_t, u8, vmovl_u8(vget_low_u8(a)))
ONE(v128_u16x8_extend_high_u8x16, uint8x16_t, u8, vmovl_high_u8(a))
ONE(v128_i32x4_extend_low_i16x8, int16x8_t, s16, vmovl_s16(vget_low_s16(a)))
ONE(v128_i32x4_extend_high_i16x8, int16x8_t, s16, vmovl_high_s16(a))
ONE(v128_u32x4_extend_low_u16x8, uint16x8_t, u16, vmovl_u16(vget_low_u16(a)))
ONE(v128_u32x4_extend_high_u16x8, uint16x8_t, u16, vmovl_high_u16(a))
ONE(v128_u64x2_extend_low_u32x4, uint32x4_t, u32, vmovl_u32(vget_low_u32(a)))
ONE(v128_u64x2_extend_high_u32x4, uint32x4_t, u32, vmovl_high_u32(a))

BOTH(v128_i16x8_extmul_low_i8x16, int8x16_t, s8, vmull_s8(vget_low_s8(a), vget_low_s8(b)))
BOTH(v128_i16x8_extmul_high_i8x16, int8x16_t, s8, vmull_high_s8(a, b))
BOTH(v128_i32x4_extmul_low_i16x8, int16x8_t, s16, vmull_s16(vget_low_s16(a), vget_low_s16(b)))
BOTH(v128_i32x4_extmul_high_i16x8, int16x8_t, s16, vmull_high_s16(a, b))

// Relaxed SIMD: activations, the second operand of a dot product, are 0 to 127. Without `sdot`, pairs fit int16.
BOTH(v128_i16x8_relaxed_q15mulr_s, int16x8_t, s16, vqrdmulhq_s16(a, b))
BOTH(v128_i16x8_relaxed_dot_i8x16_i7x16_s, int8x16_t, s8,
     vpaddq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)), vmull_high_s8(a, b)))
ALWAYS_INLINE v128 v128_i32x4_relaxed_dot_i8x16_i7x16_add_s(v128 a, v128 b, v128 sum) {
#if defined(__ARM_FEATURE_DOTPROD) || defined(DYNEDGE_DOT)
  return (v128)vdotq_s32(vreinterpretq_s32_s64(sum), vreinterpretq_s8_s64(a), vreinterpretq_s8_s64(b));
#else
  return (v128)vpadalq_s16(vreinterpretq_s32_s64(sum), vreinterpretq_s16_s64(v128_i16x8_relaxed_dot_i8x16_i7x16_s(a, b)));
#endif
}
ALWAYS_INLINE v128 v128_f32x4_relaxed_madd(v128 a, v128 b, v128 sum) {
  return (v128)vfmaq_f32(vreinterpretq_f32_s64(sum), vreinterpretq_f32_s64(a), vreinterpretq_f32_s64(b));
}

ALWAYS_INLINE u32 v128_i32x4_bitmask(v128 a) {
  const uint32x4_t signs = vshrq_n_u32(vreinterpretq_u32_s64(a), 31);
  const int32_t places[4] = {0, 1, 2, 3};
  return vaddvq_u32(vshlq_u32(signs, vld1q_s32(places)));
}
ALWAYS_INLINE u32 v128_i32x4_all_true(v128 a) { return vminvq_u32(vreinterpretq_u32_s64(a)) != 0; }
