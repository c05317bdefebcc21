// Grouped 3x3 convolution with padding 1 on planes: C input and C output channels per group
// (depthwise: C = 1), any stride; kernels fixed or DYNAMIC, that is fused for each sample.
#pragma once
#include <algorithm>
#include <vector>
#include "pointwise.h"

struct SpatialShape {
  int64_t channels, height, width, batch, stride;
  int64_t out_height() const { return (height - 1) / stride + 1; }
  int64_t out_width() const { return (width - 1) / stride + 1; }
  int64_t padded() const { return (height + 2) * (width + 2); }
};

// Channels of one group into zero-padded float planes [C][height + 2][width + 2][16].
template <int C, class T>
inline void pad(SpatialShape s, const T* x, float* to) {
  const int64_t row = s.width + 2;
  for (int c = 0; c < C; ++c)
    for (int64_t y = 0; y < s.height; ++y)
      for (int64_t x_ = 0; x_ < s.width; ++x_)
        store(to + ((c * (s.height + 2) + y + 1) * row + x_ + 1) * LANES,
              load(x + ((c * s.height + y) * s.width + x_) * s.batch));
}

template <int C, class T>
inline void unpad(SpatialShape s, const float* from, T* x) {
  const int64_t row = s.width + 2;
  for (int c = 0; c < C; ++c)
    for (int64_t y = 0; y < s.height; ++y)
      for (int64_t x_ = 0; x_ < s.width; ++x_)
        store(x + ((c * s.height + y) * s.width + x_) * s.batch,
              load(from + ((c * (s.height + 2) + y + 1) * row + x_ + 1) * LANES));
}

// One kernel weight for all sixteen samples, or one for each.
template <bool DYNAMIC>
inline Lanes weight(const float* w, int64_t index) {
  if constexpr (DYNAMIC) return load(w + index * LANES);
  else return splat(w[index]);
}

// Fixed kernels [channels, C * 9] lie in kernels.fixed, the rest of it is not looked at.
template <bool DYNAMIC, int C, class T>
void spatial_forward(SpatialShape s, const T* x, const Kernels& kernels, T* y) {
  constexpr int K = C * 9, TILE = C == 1 ? 8 : 4;
  const int64_t B = s.batch, row = s.width + 2, oh = s.out_height(), ow = s.out_width();
  std::vector<float> xs(C * s.padded() * LANES, 0.f), ws(C * K * LANES);
  for (int64_t group = 0; group < s.channels / C; ++group) {
    const int64_t t0 = group * C;
    pad<C>(s, x + t0 * s.height * s.width * B, xs.data());
    const float* w = DYNAMIC ? ws.data() : kernels.fixed + t0 * K;
    Lanes start[C] = {};
    for (int t = 0; DYNAMIC && t < C; ++t) {
      kernels.fuse(t0 + t, &ws[t * K * LANES]);
      start[t] = kernels.fuse_bias(t0 + t);
    }
    for (int64_t oy = 0; oy < oh; ++oy)
      in_tiles<TILE>(ow, [&](int64_t ox, auto columns_) {
        constexpr int columns = decltype(columns_)::value;
        Lanes total[C][columns];
#pragma GCC unroll 8
        for (int t = 0; t < C; ++t)
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p) total[t][p] = start[t];
        for (int c = 0; c < C; ++c)
          for (int ky = 0; ky < 3; ++ky) {
            const float* from =
                &xs[((c * (s.height + 2) + oy * s.stride + ky) * row + ox * s.stride) * LANES];
#pragma GCC unroll 3
            for (int kx = 0; kx < 3; ++kx) {
              Lanes v[columns];
#pragma GCC unroll 8
              for (int p = 0; p < columns; ++p) v[p] = load(from + (p * s.stride + kx) * LANES);
#pragma GCC unroll 8
              for (int t = 0; t < C; ++t) {
                Lanes k = weight<DYNAMIC>(w, t * K + c * 9 + ky * 3 + kx);
#pragma GCC unroll 8
                for (int p = 0; p < columns; ++p) total[t][p] += k * v[p];
              }
            }
          }
#pragma GCC unroll 8
        for (int t = 0; t < C; ++t)
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p)
            store(y + (((t0 + t) * oh + oy) * ow + ox + p) * B, total[t][p]);
      });
  }
}

// Writes dx; adds into the gradients, those of fixed kernels into gradients.fixed.
template <bool DYNAMIC, int C, class T>
void spatial_backward(SpatialShape s, const T* x, const Kernels& kernels, const T* dy, T* dx,
                      const Gradients& gradients) {
  constexpr int K = C * 9, TILE = C == 1 ? 8 : 4;
  constexpr int K16 = (K + LANES - 1) / LANES * LANES;
  const int64_t B = s.batch, row = s.width + 2, oh = s.out_height(), ow = s.out_width();
  std::vector<float> xs(C * s.padded() * LANES, 0.f), dxs(xs.size()), dys(C * oh * ow * LANES);
  std::vector<float> ws(C * K * LANES), dws(C * K16 * LANES);
  for (int64_t group = 0; group < s.channels / C; ++group) {
    const int64_t t0 = group * C;
    pad<C>(s, x + t0 * s.height * s.width * B, xs.data());
    gather(dy + t0 * oh * ow * B, C, oh * ow, B, 0, oh * ow, dys.data());
    std::fill(dxs.begin(), dxs.end(), 0.f);
    std::fill(dws.begin(), dws.end(), 0.f);
    const float* w = DYNAMIC ? ws.data() : kernels.fixed + t0 * K;
    for (int t = 0; DYNAMIC && t < C; ++t) kernels.fuse(t0 + t, &ws[t * K * LANES]);
    for (int64_t oy = 0; oy < oh; ++oy)
      in_tiles<TILE>(ow, [&](int64_t ox, auto columns_) {
        constexpr int columns = decltype(columns_)::value;
        Lanes d[C][columns];
#pragma GCC unroll 8
        for (int t = 0; t < C; ++t)
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p) d[t][p] = load(&dys[((t * oh + oy) * ow + ox + p) * LANES]);
        for (int c = 0; c < C; ++c)
          for (int ky = 0; ky < 3; ++ky)
            for (int kx = 0; kx < 3; ++kx) {
              float* to = &dxs[((c * (s.height + 2) + oy * s.stride + ky) * row + ox * s.stride + kx) * LANES];
              Lanes total[columns];
#pragma GCC unroll 8
              for (int p = 0; p < columns; ++p) total[p] = load(to + p * s.stride * LANES);
#pragma GCC unroll 8
              for (int t = 0; t < C; ++t) {
                Lanes k = weight<DYNAMIC>(w, t * K + c * 9 + ky * 3 + kx);
#pragma GCC unroll 8
                for (int p = 0; p < columns; ++p) total[p] += k * d[t][p];
              }
#pragma GCC unroll 8
              for (int p = 0; p < columns; ++p) store(to + p * s.stride * LANES, total[p]);
            }
      });
    // Gradient of the kernels: three taps of a row at once, nine for one channel per group.
    constexpr int TAPS = C == 1 ? 9 : 3;
    for (int c = 0; c < C; ++c)
      for (int first = 0; first < 9; first += TAPS) {
        Lanes total[C][TAPS] = {};
        for (int64_t oy = 0; oy < oh; ++oy) {
          const float* from = &xs[(c * (s.height + 2) + oy * s.stride + first / 3) * row * LANES];
          for (int64_t ox = 0; ox < ow; ++ox, from += s.stride * LANES) {
            Lanes v[TAPS];
#pragma GCC unroll 9
            for (int k = 0; k < TAPS; ++k) v[k] = load(from + (k / 3 * row + k % 3) * LANES);
#pragma GCC unroll 8
            for (int t = 0; t < C; ++t) {
              Lanes d = load(&dys[((t * oh + oy) * ow + ox) * LANES]);
#pragma GCC unroll 9
              for (int k = 0; k < TAPS; ++k) total[t][k] += d * v[k];
            }
          }
        }
        for (int t = 0; t < C; ++t)
          for (int k = 0; k < TAPS; ++k) store(&dws[(t * K16 + c * 9 + first + k) * LANES], total[t][k]);
      }
    for (int t = 0; t < C; ++t) {
      const float* dw = &dws[t * K16 * LANES];
      if constexpr (DYNAMIC) {
        Lanes db{};
        for (int64_t p = 0; p < oh * ow; ++p) db += load(&dys[(t * oh * ow + p) * LANES]);
        gradients.add(kernels, t0 + t, dw, db);
      } else {
        for (int k = 0; k < K; ++k) gradients.fixed[(t0 + t) * K + k] += sum(load(dw + k * LANES));
      }
    }
    unpad<C>(s, dxs.data(), dx + t0 * s.height * s.width * B);
  }
}
