// What the C that wasm2c writes calls: types, memory, arithmetic that C leaves open. Names are wabt's (https://github.com/WebAssembly/wabt,
// Apache-2.0), whose wasm2c made the calls; the code is dynedge's own and serves a module without imports, tables, exceptions or memory.grow.
// DYNEDGE_UNCHECKED leaves the bounds checks out: what reaches memory is then what the verifier let through.
#ifndef DYNEDGE_WASM_RT_H
#define DYNEDGE_WASM_RT_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "dynedge needs a little-endian machine: bundles and programs are little-endian."
#endif
#if defined(__FAST_MATH__) || defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "Compile dynedge without -ffast-math: results and checks depend on NaN and signed zeros."
#endif

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/** The host reserves it before the module is instantiated; it never grows, so functions keep a copy of this in registers. */
typedef struct {
  u8 *data;
  u64 size;
  /** Whole ones of 64 KiB, which is what the module asks for. */
  u32 pages;
} wasm_rt_memory_t;

typedef enum {
  WASM_RT_TRAP_NONE,
  WASM_RT_TRAP_OOB,
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_INT_OVERFLOW,
  WASM_RT_TRAP_UNREACHABLE,
} wasm_rt_trap_t;

/** Leaves the module: back to the call of `guarded` in module.c. */
__attribute__((noreturn, cold)) void wasm_rt_trap(wasm_rt_trap_t code);

#define TRAP(x) (wasm_rt_trap(WASM_RT_TRAP_##x), 0)
#define UNREACHABLE TRAP(UNREACHABLE)

#ifdef DYNEDGE_UNCHECKED
#define CHECK(memory, at, bytes) ((void)0)
#else
#define CHECK(memory, at, bytes)                  \
  do {                                            \
    if (UNLIKELY((at) > (memory)->size - (bytes))) \
      wasm_rt_trap(WASM_RT_TRAP_OOB);             \
  } while (0)
#endif

// An address is a 32-bit one and a constant offset, added in 64 bits.
#define DEFINE_LOAD(name, stored, through, result)                         \
  ALWAYS_INLINE result name(const wasm_rt_memory_t *memory, u64 at) {      \
    stored value;                                                          \
    CHECK(memory, at, sizeof value);                                       \
    memcpy(&value, memory->data + at, sizeof value);                       \
    return (result)(through)value;                                         \
  }
#define DEFINE_STORE(name, stored, given)                                  \
  ALWAYS_INLINE void name(const wasm_rt_memory_t *memory, u64 at, given value) { \
    const stored kept = (stored)value;                                     \
    CHECK(memory, at, sizeof kept);                                        \
    memcpy(memory->data + at, &kept, sizeof kept);                         \
  }

DEFINE_LOAD(i32_load_default32, u32, u32, u32)
DEFINE_LOAD(i64_load_default32, u64, u64, u64)
DEFINE_LOAD(f32_load_default32, f32, f32, f32)
DEFINE_LOAD(f64_load_default32, f64, f64, f64)
DEFINE_LOAD(i32_load8_s_default32, s8, s32, u32)
DEFINE_LOAD(i32_load8_u_default32, u8, u32, u32)
DEFINE_LOAD(i32_load16_s_default32, s16, s32, u32)
DEFINE_LOAD(i32_load16_u_default32, u16, u32, u32)
DEFINE_LOAD(i64_load8_s_default32, s8, s64, u64)
DEFINE_LOAD(i64_load8_u_default32, u8, u64, u64)
DEFINE_LOAD(i64_load16_s_default32, s16, s64, u64)
DEFINE_LOAD(i64_load16_u_default32, u16, u64, u64)
DEFINE_LOAD(i64_load32_s_default32, s32, s64, u64)
DEFINE_LOAD(i64_load32_u_default32, u32, u64, u64)
DEFINE_STORE(i32_store_default32, u32, u32)
DEFINE_STORE(i64_store_default32, u64, u64)
DEFINE_STORE(f32_store_default32, f32, f32)
DEFINE_STORE(f64_store_default32, f64, f64)
DEFINE_STORE(i32_store8_default32, u8, u32)
DEFINE_STORE(i32_store16_default32, u16, u32)
DEFINE_STORE(i64_store8_default32, u8, u64)
DEFINE_STORE(i64_store16_default32, u16, u64)
DEFINE_STORE(i64_store32_default32, u32, u64)

// Ranges are checked in both builds: they are few, and cost nothing.
ALWAYS_INLINE void check_range(const wasm_rt_memory_t *memory, u64 at, u64 bytes) {
  if (UNLIKELY(at + bytes > memory->size)) wasm_rt_trap(WASM_RT_TRAP_OOB);
}
ALWAYS_INLINE void memory_fill(const wasm_rt_memory_t *memory, u64 at, u32 value, u64 bytes) {
  check_range(memory, at, bytes);
  memset(memory->data + at, (int)value, bytes);
}
ALWAYS_INLINE void memory_copy(const wasm_rt_memory_t *to, const wasm_rt_memory_t *from, u64 at, u64 source, u64 bytes) {
  check_range(to, at, bytes);
  check_range(from, source, bytes);
  memmove(to->data + at, from->data + source, bytes);
}
ALWAYS_INLINE void load_data(const wasm_rt_memory_t *memory, u64 at, const u8 *source, u64 bytes) {
  check_range(memory, at, bytes);
  memcpy(memory->data + at, source, bytes);
}
#define LOAD_DATA(memory, at, source, bytes) load_data(&(memory), at, source, bytes)

#define I32_CLZ(x) ((x) ? (u32)__builtin_clz(x) : 32u)
#define I64_CLZ(x) ((x) ? (u64)__builtin_clzll(x) : 64u)
#define I32_CTZ(x) ((x) ? (u32)__builtin_ctz(x) : 32u)
#define I64_CTZ(x) ((x) ? (u64)__builtin_ctzll(x) : 64u)
#define I32_POPCNT(x) ((u32)__builtin_popcount(x))
#define I64_POPCNT(x) ((u64)__builtin_popcountll(x))

#define DIVIDE_SIGNED(result, least, x, y)                      \
  (UNLIKELY((y) == 0) ? (result)TRAP(DIV_BY_ZERO)               \
   : UNLIKELY((x) == (least) && (y) == -1) ? (result)TRAP(INT_OVERFLOW) : (result)((x) / (y)))
#define REMAINDER_SIGNED(result, least, x, y)         \
  (UNLIKELY((y) == 0) ? (result)TRAP(DIV_BY_ZERO)     \
   : UNLIKELY((x) == (least) && (y) == -1) ? (result)0 : (result)((x) % (y)))
#define I32_DIV_S(x, y) DIVIDE_SIGNED(u32, INT32_MIN, (s32)(x), (s32)(y))
#define I64_DIV_S(x, y) DIVIDE_SIGNED(u64, INT64_MIN, (s64)(x), (s64)(y))
#define I32_REM_S(x, y) REMAINDER_SIGNED(u32, INT32_MIN, (s32)(x), (s32)(y))
#define I64_REM_S(x, y) REMAINDER_SIGNED(u64, INT64_MIN, (s64)(x), (s64)(y))
#define DIV_U(x, y) (UNLIKELY((y) == 0) ? (u32)TRAP(DIV_BY_ZERO) : (x) / (y))
#define REM_U(x, y) (UNLIKELY((y) == 0) ? (u32)TRAP(DIV_BY_ZERO) : (x) % (y))
#define ROTATE(x, by, mask, towards, back) (((x) towards((by) & (mask))) | ((x) back((0u - (by)) & (mask))))
#define I32_ROTL(x, y) ROTATE(x, y, 31, <<, >>)
#define I64_ROTL(x, y) ROTATE(x, y, 63, <<, >>)
#define I32_ROTR(x, y) ROTATE(x, y, 31, >>, <<)
#define I64_ROTR(x, y) ROTATE(x, y, 63, >>, <<)

// NaN where one of the two is, and -0 below +0.
#define FMIN(x, y) \
  ((x) != (x) || (y) != (y) ? NAN : (x) == 0 && (y) == 0 ? (signbit(x) ? (x) : (y)) : (x) < (y) ? (x) : (y))
#define FMAX(x, y) \
  ((x) != (x) || (y) != (y) ? NAN : (x) == 0 && (y) == 0 ? (signbit(x) ? (y) : (x)) : (x) > (y) ? (x) : (y))

#define TRUNC_SAT(result, type, least, most, low, high, x) \
  ((x) != (x) ? (result)0 : !((x) > (low)) ? (result)(least) : !((x) < (high)) ? (result)(most) : (result)(type)(x))
#define I32_TRUNC_SAT_S_F32(x) TRUNC_SAT(u32, s32, INT32_MIN, INT32_MAX, -2147483904.0f, 2147483648.0f, x)
#define I32_TRUNC_SAT_U_F32(x) TRUNC_SAT(u32, u32, 0, UINT32_MAX, -1.0f, 4294967296.0f, x)
#define I32_TRUNC_SAT_S_F64(x) TRUNC_SAT(u32, s32, INT32_MIN, INT32_MAX, -2147483649.0, 2147483648.0, x)
#define I32_TRUNC_SAT_U_F64(x) TRUNC_SAT(u32, u32, 0, UINT32_MAX, -1.0, 4294967296.0, x)

#define DEFINE_REINTERPRET(name, from, to)  \
  ALWAYS_INLINE to name(from value) {       \
    to result;                              \
    memcpy(&result, &value, sizeof result); \
    return result;                          \
  }
DEFINE_REINTERPRET(f32_reinterpret_i32, u32, f32)
DEFINE_REINTERPRET(i32_reinterpret_f32, f32, u32)
DEFINE_REINTERPRET(f64_reinterpret_i64, u64, f64)
DEFINE_REINTERPRET(i64_reinterpret_f64, f64, u64)

// Builtins: instructions where there are such, else libm's functions.
#define wasm_floorf(x) __builtin_floorf(x)
#define wasm_ceilf(x) __builtin_ceilf(x)
#define wasm_truncf(x) __builtin_truncf(x)
#define wasm_nearbyintf(x) __builtin_rintf(x)
#define wasm_sqrtf(x) __builtin_sqrtf(x)
#define wasm_fabsf(x) __builtin_fabsf(x)
#define wasm_floor(x) __builtin_floor(x)
#define wasm_nearbyint(x) __builtin_rint(x)
#define wasm_fabs(x) __builtin_fabs(x)
#define wasm_quiet(x) (x)
#define wasm_quietf(x) (x)

#include "simd.h"

#endif
