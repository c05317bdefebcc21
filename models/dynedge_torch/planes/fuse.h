// Fusion of fixed kernels for sixteen samples at once (DyNet, equation 1), and its gradient.
#pragma once
#include "lanes.h"

inline int64_t whole_lanes(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

// fused[k] = sum_i eta_i * fixed[i, k].   fixed [G, K]; eta rows `stride` apart; fused [K][16].
template <int G>
void fuse_row(const float* fixed, const float* eta, int64_t stride, int64_t K, float* fused) {
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
Lanes fuse_bias(const float* bias, const float* eta, int64_t stride) {
  Lanes v{};
  for (int i = 0; i < G; ++i) v += load(eta + i * stride) * bias[i];
  return v;
}

// Gradients of fuse_row and fuse_bias. dfused [whole_lanes(K)][16], zero beyond K; dbias_lanes: the
// gradient of the fused bias. Adds into deta (rows `stride` apart), dfixed [G, K] and dbias [G].
template <int G>
void fuse_row_backward(const float* fixed, const float* bias, const float* eta, int64_t stride,
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

// The functions above for a number of fixed kernels that is known at run time, 1 to 8.
struct Fuser {
  decltype(&fuse_row<1>) row;
  decltype(&fuse_bias<1>) bias;
  decltype(&fuse_row_backward<1>) backward;
};

inline Fuser fuser(int64_t g) {
  static constexpr Fuser all[] = {
      {fuse_row<1>, fuse_bias<1>, fuse_row_backward<1>}, {fuse_row<2>, fuse_bias<2>, fuse_row_backward<2>},
      {fuse_row<3>, fuse_bias<3>, fuse_row_backward<3>}, {fuse_row<4>, fuse_bias<4>, fuse_row_backward<4>},
      {fuse_row<5>, fuse_bias<5>, fuse_row_backward<5>}, {fuse_row<6>, fuse_bias<6>, fuse_row_backward<6>},
      {fuse_row<7>, fuse_bias<7>, fuse_row_backward<7>}, {fuse_row<8>, fuse_bias<8>, fuse_row_backward<8>},
  };
  return all[g - 1];
}

// Rounds the K weights of each sample to the `levels` steps either side of zero that its largest one spans.
inline void round_row(float* w, int64_t K, float levels) {
  const Lanes tiny = splat(1e-30f);
  Lanes largest = tiny;
  for (int64_t k = 0; k < K; ++k) {
    Lanes v = load(w + k * LANES), size = v < 0.f ? -v : v;
    largest = size > largest ? size : largest;
  }
  const Lanes step = largest / levels, inverse = levels / largest;
  for (int64_t k = 0; k < K; ++k) store(w + k * LANES, nearest(load(w + k * LANES) * inverse) * step);
}

// Fixed kernels of a layer at sixteen samples: row t is output channel t, K weights each.
struct Kernels {
  const float *fixed, *bias, *eta;  // [rows, g, K], [rows, g], [rows, g, batch] at the lanes
  int64_t g, K, batch, levels = 0;  // levels of the fused kernels; 0: not rounded

  void fuse(int64_t t, float* to) const {
    fuser(g).row(fixed + t * g * K, eta + t * g * batch, batch, K, to);
    if (levels) round_row(to, K, float(levels));
  }
  Lanes fuse_bias(int64_t t) const { return fuser(g).bias(bias + t * g, eta + t * g * batch, batch); }
};

struct Gradients {
  float *fixed, *bias, *eta;  // as Kernels; added to

  void add(const Kernels& k, int64_t t, const float* dfused, Lanes dbias) const {
    fuser(k.g).backward(k.fixed + t * k.g * k.K, k.bias + t * k.g, k.eta + t * k.g * k.batch, k.batch, k.K, dfused,
                        dbias, eta + t * k.g * k.batch, fixed + t * k.g * k.K, bias + t * k.g);
  }
};
