// What SSE4.1 says better than the vector extensions. minps and maxps give their second operand where one is NaN, or both are zero.
#define M(x) ((__m128i)(x))
#define MF(x) ((__m128)(x))

BINARY(v128_f32x4_pmin, v_f32, _mm_min_ps(MF(b), MF(a)))
BINARY(v128_f32x4_pmax, v_f32, _mm_max_ps(MF(b), MF(a)))
UNARY(v128_f32x4_nearest, v_f32, _mm_round_ps(MF(a), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))

/** cvttps gives 0x80000000 for all that has no place: NaN becomes 0 before, what is too large is turned over after. */
ALWAYS_INLINE v128 v128_i32x4_trunc_sat_f32x4(v128 first) {
  const v_f32 a = (v_f32)((v_s32)first & ((v_f32)first == (v_f32)first));
  return (v128)_mm_cvttps_epi32(MF(a)) ^ (v128)(a >= 2147483648.0f);
}

BINARY(v128_i16x8_min, v_s16, _mm_min_epi16(M(a), M(b)))
BINARY(v128_i16x8_max, v_s16, _mm_max_epi16(M(a), M(b)))
BINARY(v128_i32x4_max, v_s32, _mm_max_epi32(M(a), M(b)))
BINARY(v128_u8x16_min, v_u8, _mm_min_epu8(M(a), M(b)))
BINARY(v128_u8x16_max, v_u8, _mm_max_epu8(M(a), M(b)))
BINARY(v128_i32x4_dot_i16x8, v_s16, _mm_madd_epi16(M(a), M(b)))
UNARY(v128_i32x4_extadd_pairwise_i16x8, v_s16, _mm_madd_epi16(M(a), _mm_set1_epi16(1)))

// Relaxed SIMD: activations, the second operand of a dot product, are 0 to 127, and no factor is -32768.
BINARY(v128_i16x8_relaxed_q15mulr_s, v_s16, _mm_mulhrs_epi16(M(a), M(b)))
BINARY(v128_i16x8_relaxed_dot_i8x16_i7x16_s, v_s8, _mm_maddubs_epi16(M(b), M(a)))
ALWAYS_INLINE v128 v128_i32x4_relaxed_dot_i8x16_i7x16_add_s(v128 a, v128 b, v128 sum) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
  return (v128)_mm_dpbusd_epi32(M(sum), M(b), M(a));
#elif defined(__AVXVNNI__)
  return (v128)_mm_dpbusd_avx_epi32(M(sum), M(b), M(a));
#else
  return (v128)_mm_add_epi32(M(sum), _mm_madd_epi16(_mm_maddubs_epi16(M(b), M(a)), _mm_set1_epi16(1)));
#endif
}
ALWAYS_INLINE v128 v128_f32x4_relaxed_madd(v128 a, v128 b, v128 sum) {
#ifdef __FMA__
  return (v128)_mm_fmadd_ps(MF(a), MF(b), MF(sum));
#else
  return (v128)_mm_add_ps(_mm_mul_ps(MF(a), MF(b)), MF(sum));
#endif
}

BINARY(v128_i16x8_narrow_i32x4, v_s32, _mm_packs_epi32(M(a), M(b)))
BINARY(v128_i8x16_narrow_i16x8, v_s16, _mm_packs_epi16(M(a), M(b)))
BINARY(v128_u8x16_narrow_i16x8, v_s16, _mm_packus_epi16(M(a), M(b)))
/** pshufb looks at the top bit of an index: all above 15 get it. */
BINARY(v128_i8x16_swizzle, v_u8, _mm_shuffle_epi8(M(a), _mm_adds_epu8(M(b), _mm_set1_epi8(0x70))))

UNARY(v128_i16x8_extend_low_i8x16, v_s8, _mm_cvtepi8_epi16(M(a)))
UNARY(v128_i16x8_extend_high_i8x16, v_s8, _mm_srai_epi16(_mm_unpackhi_epi8(M(a), M(a)), 8))
UNARY(v128_u16x8_extend_low_u8x16, v_u8, _mm_cvtepu8_epi16(M(a)))
UNARY(v128_u16x8_extend_high_u8x16, v_u8, _mm_unpackhi_epi8(M(a), _mm_setzero_si128()))
UNARY(v128_i32x4_extend_low_i16x8, v_s16, _mm_cvtepi16_epi32(M(a)))
UNARY(v128_i32x4_extend_high_i16x8, v_s16, _mm_srai_epi32(_mm_unpackhi_epi16(M(a), M(a)), 16))
UNARY(v128_u32x4_extend_low_u16x8, v_u16, _mm_cvtepu16_epi32(M(a)))
UNARY(v128_u32x4_extend_high_u16x8, v_u16, _mm_unpackhi_epi16(M(a), _mm_setzero_si128()))
UNARY(v128_u64x2_extend_low_u32x4, v_u32, _mm_cvtepu32_epi64(M(a)))
UNARY(v128_u64x2_extend_high_u32x4, v_u32, _mm_unpackhi_epi32(M(a), _mm_setzero_si128()))

BINARY(v128_i16x8_extmul_low_i8x16, v_s8,
       _mm_mullo_epi16(M(v128_i16x8_extend_low_i8x16((v128)a)), M(v128_i16x8_extend_low_i8x16((v128)b))))
BINARY(v128_i16x8_extmul_high_i8x16, v_s8,
       _mm_mullo_epi16(M(v128_i16x8_extend_high_i8x16((v128)a)), M(v128_i16x8_extend_high_i8x16((v128)b))))
BINARY(v128_i32x4_extmul_low_i16x8, v_s16, _mm_unpacklo_epi16(_mm_mullo_epi16(M(a), M(b)), _mm_mulhi_epi16(M(a), M(b))))
BINARY(v128_i32x4_extmul_high_i16x8, v_s16, _mm_unpackhi_epi16(_mm_mullo_epi16(M(a), M(b)), _mm_mulhi_epi16(M(a), M(b))))

ALWAYS_INLINE u32 v128_i32x4_bitmask(v128 a) { return (u32)_mm_movemask_ps(MF(a)); }
ALWAYS_INLINE u32 v128_i32x4_all_true(v128 a) {
  return _mm_movemask_epi8(_mm_cmpeq_epi32(M(a), _mm_setzero_si128())) == 0;
}
