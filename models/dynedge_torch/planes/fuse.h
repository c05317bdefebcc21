// Fusion of fixed kernels for sixteen samples at once (DyNet, equation 1), and its gradient.
#pragma once
#include "lanes.h"

inline int64_t whole_lanes(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

// fused[k] = sum_i eta_i * fixed[i, k].   fixed [G, K]; eta rows `stride` apart; fused [K][16].
template <int G>
inline void fuse_row(const float* fixed, const float* eta, int64_t stride, int64_t K, float* fused) {
  Lanes e[G];
#pragma GCC unroll 8
  for (int i = 0; i < G; ++i) e[i] = load(eta + i * stride);
  for (int64_t k = 0; k < K; ++k) {
    Lanes v = e[0] * fixed[k];
#pragma GCC unroll 8
    for (int i = 1; i < G; ++i) v += e[i] * fixed[i * K + k];
    store(fused + k * LANES, v);
  }
}

template <int G>
inline Lanes fuse_bias(const float* bias, const float* eta, int64_t stride) {
  Lanes v{};
  for (int i = 0; i < G; ++i) v += load(eta + i * stride) * bias[i];
  return v;
}

// Gradients of fuse_row and fuse_bias. dfused [whole_lanes(K)][16], zero beyond K; dbias_lanes: the
// gradient of the fused bias. Adds into deta (rows `stride` apart), dfixed [G, K] and dbias [G].
template <int G>
inline void fuse_row_backward(const float* fixed, const float* bias, const float* eta, int64_t stride,
                              int64_t K, const float* dfused, Lanes dbias_lanes, float* deta,
                              float* dfixed, float* dbias) {
  Lanes d[G];
#pragma GCC unroll 8
  for (int i = 0; i < G; ++i) {
    d[i] = dbias_lanes * bias[i];
    dbias[i] += sum(dbias_lanes * load(eta + i * stride));
  }
  for (int64_t k = 0; k < K; ++k) {
    Lanes v = load(dfused + k * LANES);
#pragma GCC unroll 8
    for (int i = 0; i < G; ++i) d[i] += v * fixed[i * K + k];
  }
#pragma GCC unroll 8
  for (int i = 0; i < G; ++i) store(deta + i * stride, load(deta + i * stride) + d[i]);

  for (int64_t k = 0; k < K; k += LANES) {
    Lanes rows[LANES];
#pragma GCC unroll 16
    for (int j = 0; j < LANES; ++j) rows[j] = load(dfused + (k + j) * LANES);
    transpose(rows);  // rows[sample], lanes k .. k + 15
    Lanes total[G] = {};
#pragma GCC unroll 16
    for (int j = 0; j < LANES; ++j)
#pragma GCC unroll 8
      for (int i = 0; i < G; ++i) total[i] += rows[j] * eta[i * stride + j];
    if (k + LANES <= K) {
#pragma GCC unroll 8
      for (int i = 0; i < G; ++i) store(dfixed + i * K + k, load(dfixed + i * K + k) + total[i]);
    } else {
      for (int i = 0; i < G; ++i)
        for (int64_t j = 0; k + j < K; ++j) dfixed[i * K + k + j] += total[i][j];
    }
  }
}
