// WebAssembly's SIMD operations, as many as the module uses, by the vector extensions of GCC and Clang; where an instruction says more
// than they can, by SSE4.1 or NEON, else (DYNEDGE_PLAIN_SIMD, or another machine) lane by lane. test/native/simd.test.ts holds every
// operation against an engine of WebAssembly. Names are those that wasm2c calls.
#ifndef DYNEDGE_SIMD_H
#define DYNEDGE_SIMD_H

#if defined(__SSE4_1__) && !defined(DYNEDGE_PLAIN_SIMD)
#define DYNEDGE_SSE
#include <immintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__) && !defined(DYNEDGE_PLAIN_SIMD)
#define DYNEDGE_NEON
#include <arm_neon.h>
#endif

#define VECTOR(type) type __attribute__((vector_size(16)))
typedef VECTOR(s8) v_s8;
typedef VECTOR(u8) v_u8;
typedef VECTOR(s16) v_s16;
typedef VECTOR(u16) v_u16;
typedef VECTOR(s32) v_s32;
typedef VECTOR(u32) v_u32;
typedef VECTOR(s64) v_s64;
typedef VECTOR(u64) v_u64;
typedef VECTOR(f32) v_f32;
typedef v_s64 v128;

#define UNARY(name, type, expression)        \
  ALWAYS_INLINE v128 name(v128 first) {      \
    const type a = (type)first;              \
    return (v128)(expression);               \
  }
#define BINARY(name, type, expression)               \
  ALWAYS_INLINE v128 name(v128 first, v128 second) { \
    const type a = (type)first, b = (type)second;    \
    return (v128)(expression);                       \
  }

// Integers wrap: unsigned, or C calls it undefined.
BINARY(v128_i16x8_add, v_u16, a + b)
BINARY(v128_i16x8_mul, v_u16, a * b)
BINARY(v128_i32x4_add, v_u32, a + b)
BINARY(v128_i32x4_sub, v_u32, a - b)
BINARY(v128_i32x4_mul, v_u32, a * b)
BINARY(v128_f32x4_add, v_f32, a + b)
BINARY(v128_f32x4_sub, v_f32, a - b)
BINARY(v128_f32x4_mul, v_f32, a * b)
BINARY(v128_f32x4_div, v_f32, a / b)
BINARY(v128_and, v_u64, a & b)
BINARY(v128_andnot, v_u64, a & ~b)
BINARY(v128_or, v_u64, a | b)
BINARY(v128_xor, v_u64, a ^ b)
BINARY(v128_f32x4_eq, v_f32, a == b)
BINARY(v128_f32x4_gt, v_f32, a > b)
BINARY(v128_f32x4_ge, v_f32, a >= b)
BINARY(v128_f32x4_le, v_f32, a <= b)
BINARY(v128_i32x4_lt, v_s32, a < b)

#define v128_i64x2_make(a, b) ((v128){a, b})
#define v128_const(...) ((v128)(v_u8){__VA_ARGS__})
ALWAYS_INLINE v128 v128_i8x16_splat(u32 x) { return (v128)((v_u8){0} + (u8)x); }
ALWAYS_INLINE v128 v128_i16x8_splat(u32 x) { return (v128)((v_u16){0} + (u16)x); }
ALWAYS_INLINE v128 v128_i32x4_splat(u32 x) { return (v128)((v_u32){0} + x); }
ALWAYS_INLINE v128 v128_f32x4_splat(f32 x) { return (v128)(v_f32){x, x, x, x}; }

UNARY(v128_f32x4_abs, v_u32, a & 0x7fffffffu)
UNARY(v128_f32x4_neg, v_u32, a ^ 0x80000000u)
UNARY(v128_f32x4_convert_i32x4, v_s32, __builtin_convertvector(a, v_f32))
UNARY(v128_i16x8_abs, v_s16, ((v_u16)a ^ (v_u16)(a >> 15)) - (v_u16)(a >> 15))

ALWAYS_INLINE v128 v128_bitselect(v128 a, v128 b, v128 mask) { return (a & mask) | (b & ~mask); }
ALWAYS_INLINE u32 v128_any_true(v128 a) { return (a[0] | a[1]) != 0; }
ALWAYS_INLINE v128 v128_i16x8_shr(v128 a, u32 by) { return (v128)((v_s16)a >> (int)(by & 15)); }
ALWAYS_INLINE v128 v128_i32x4_shl(v128 a, u32 by) { return (v128)((v_u32)a << (by & 31)); }
ALWAYS_INLINE v128 v128_i32x4_shr(v128 a, u32 by) { return (v128)((v_s32)a >> (int)(by & 31)); }

#define v128_i16x8_extract_lane(v, lane) ((u32)((v_s16)(v))[lane])
#define v128_i32x4_extract_lane(v, lane) ((u32)((v_s32)(v))[lane])
#define v128_i64x2_extract_lane(v, lane) ((u64)(v)[lane])
#define v128_f32x4_extract_lane(v, lane) (((v_f32)(v))[lane])

#if defined(__clang__) || __GNUC__ >= 12
#define v128_i8x16_shuffle(a, b, ...) ((v128)__builtin_shufflevector((v_u8)(a), (v_u8)(b), __VA_ARGS__))
#else
#define v128_i8x16_shuffle(a, b, ...) ((v128)__builtin_shuffle((v_u8)(a), (v_u8)(b), (v_u8){__VA_ARGS__}))
#endif

#if defined(DYNEDGE_SSE)
#include "simd-sse.h"
#elif defined(DYNEDGE_NEON)
#include "simd-neon.h"
#else
#include "simd-plain.h"
#endif

// Loads and stores of whole vectors, of one lane, of one lane for all.
ALWAYS_INLINE v128 v128_load_default32(const wasm_rt_memory_t *memory, u64 at) {
  v128 value;
  CHECK(memory, at, sizeof value);
  memcpy(&value, memory->data + at, sizeof value);
  return value;
}
ALWAYS_INLINE void v128_store_default32(const wasm_rt_memory_t *memory, u64 at, v128 value) {
  CHECK(memory, at, sizeof value);
  memcpy(memory->data + at, &value, sizeof value);
}

#define DEFINE_LOAD_AS(name, type, expression)                      \
  ALWAYS_INLINE v128 name(const wasm_rt_memory_t *memory, u64 at) { \
    type x;                                                         \
    CHECK(memory, at, sizeof x);                                    \
    memcpy(&x, memory->data + at, sizeof x);                        \
    return (v128)(expression);                                      \
  }
DEFINE_LOAD_AS(v128_load8_splat, u8, v128_i8x16_splat(x))
DEFINE_LOAD_AS(v128_load16_splat, u16, v128_i16x8_splat(x))
DEFINE_LOAD_AS(v128_load32_splat, f32, v128_f32x4_splat(x))
DEFINE_LOAD_AS(v128_load64_splat, s64, ((v_s64){x, x}))
DEFINE_LOAD_AS(v128_load32_zero, u32, ((v_u32){x, 0, 0, 0}))
DEFINE_LOAD_AS(v128_load64_zero, s64, ((v_s64){x, 0}))
DEFINE_LOAD_AS(i16x8_load8x8_default32, s64, v128_i16x8_extend_low_i8x16(((v_s64){x, 0})))
DEFINE_LOAD_AS(u16x8_load8x8_default32, s64, v128_u16x8_extend_low_u8x16(((v_s64){x, 0})))

#define DEFINE_LANE(lane, bits, vector, type)                                                                 \
  ALWAYS_INLINE void v128_store##bits##_lane##lane(const wasm_rt_memory_t *memory, u64 at, v128 value) {      \
    const type x = ((vector)value)[lane];                                                                     \
    CHECK(memory, at, sizeof x);                                                                              \
    memcpy(memory->data + at, &x, sizeof x);                                                                  \
  }                                                                                                           \
  ALWAYS_INLINE v128 v128_load##bits##_lane##lane(const wasm_rt_memory_t *memory, u64 at, v128 value) {       \
    vector result = (vector)value;                                                                            \
    type x;                                                                                                   \
    CHECK(memory, at, sizeof x);                                                                              \
    memcpy(&x, memory->data + at, sizeof x);                                                                  \
    result[lane] = x;                                                                                         \
    return (v128)result;                                                                                      \
  }
#define DEFINE_LANES_2(bits, vector, type) DEFINE_LANE(0, bits, vector, type) DEFINE_LANE(1, bits, vector, type)
#define DEFINE_LANES_4(bits, vector, type) \
  DEFINE_LANES_2(bits, vector, type) DEFINE_LANE(2, bits, vector, type) DEFINE_LANE(3, bits, vector, type)
#define DEFINE_LANES_8(bits, vector, type)                                                             \
  DEFINE_LANES_4(bits, vector, type) DEFINE_LANE(4, bits, vector, type) DEFINE_LANE(5, bits, vector, type) \
  DEFINE_LANE(6, bits, vector, type) DEFINE_LANE(7, bits, vector, type)
DEFINE_LANES_2(64, v_s64, s64)
DEFINE_LANES_4(32, v_u32, u32)
DEFINE_LANES_8(16, v_u16, u16)
DEFINE_LANES_8(8, v_u8, u8)
DEFINE_LANE(8, 8, v_u8, u8)
DEFINE_LANE(9, 8, v_u8, u8)
DEFINE_LANE(10, 8, v_u8, u8)
DEFINE_LANE(11, 8, v_u8, u8)
DEFINE_LANE(12, 8, v_u8, u8)
DEFINE_LANE(13, 8, v_u8, u8)
DEFINE_LANE(14, 8, v_u8, u8)
DEFINE_LANE(15, 8, v_u8, u8)

#endif
