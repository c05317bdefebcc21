// Sixteen samples side by side: the vector type of all kernels here, its loads and stores.
//
// Activations are "planes": [channels, pixels, batch] with the batch innermost and a multiple of
// 16, stored as float or as bfloat16 (a uint16_t). Arithmetic is float32. With the samples in the
// lanes, kernels that differ from sample to sample vectorise as well as fixed ones.
#pragma once
#include <cstdint>
#include <cstring>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

constexpr int64_t LANES = 16;
typedef float Lanes __attribute__((vector_size(64)));
typedef float LanesAnywhere __attribute__((vector_size(64), aligned(4)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef int32_t Indices __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef uint16_t HalvesAnywhere __attribute__((vector_size(32), aligned(2)));

inline Lanes load(const float* p) { return *reinterpret_cast<const LanesAnywhere*>(p); }
inline void store(float* p, Lanes v) { *reinterpret_cast<LanesAnywhere*>(p) = v; }

inline Lanes load(const uint16_t* p) {
  Halves halves = *reinterpret_cast<const HalvesAnywhere*>(p);
  return (Lanes)(__builtin_convertvector(halves, Words) << 16);
}

// Rounds to nearest, ties to even.
inline void store(uint16_t* p, Lanes v) {
#ifdef __AVX512BF16__
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh((__m512)v));
#else
  Words bits = (Words)v;
  bits += 0x7fffu + ((bits >> 16) & 1u);
  *reinterpret_cast<HalvesAnywhere*>(p) = __builtin_convertvector(bits >> 16, Halves);
#endif
}

inline Lanes splat(float value) { return Lanes{} + value; }

// The nearest integer of |v| < 2^22, whatever the compiler may do to sums.
inline Lanes nearest(Lanes v) {
  const Lanes half = v < 0.f ? splat(-0.5f) : splat(0.5f);
  return __builtin_convertvector(__builtin_convertvector(v + half, Indices), Lanes);
}

inline float sum(Lanes v) {
  float total = 0;
  for (int i = 0; i < LANES; ++i) total += v[i];
  return total;
}

// rows[i][j] <-> rows[j][i]: four rounds of exchanges between rows that differ in one bit.
template <int BIT>
inline void exchange(Lanes (&rows)[LANES]) {
  Indices low, high;
  for (int j = 0; j < LANES; ++j) {
    low[j] = j & BIT ? (j ^ BIT) + LANES : j;
    high[j] = j & BIT ? j + LANES : j ^ BIT;
  }
#pragma GCC unroll 16
  for (int i = 0; i < LANES; ++i) {
    if (i & BIT) continue;
    Lanes a = rows[i], b = rows[i | BIT];
    rows[i] = __builtin_shuffle(a, b, low);
    rows[i | BIT] = __builtin_shuffle(a, b, high);
  }
}

inline void transpose(Lanes (&rows)[LANES]) {
  exchange<1>(rows);
  exchange<2>(rows);
  exchange<4>(rows);
  exchange<8>(rows);
}
