// Dynamic pointwise convolution on planes, forward and backward.
#pragma once
#include <algorithm>
#include <vector>
#include "fuse.h"

constexpr int64_t ROWS = 6;          // output channels of a tile
constexpr int64_t COLUMNS = 4;       // pixels of a tile, and input channels in the kernel's gradient
constexpr int64_t KEPT = 512 << 10;  // bytes of fused kernels that stay in the L2 cache
constexpr int64_t BLOCK = 96 << 10;  // bytes of an input block

struct PointwiseShape {
  int64_t cin, cout, pixels, batch;
  bool keep() const { return cin * cout * LANES * 4 <= KEPT; }
  int64_t block() const {
    if (!keep()) return pixels;
    int64_t fit = std::max<int64_t>(BLOCK / (cin * LANES * 4) / 12 * 12, 12);
    return std::min(fit, pixels);
  }
};

// Calls f with the count, 1 .. MAX, as a compile-time constant.
template <int MAX, class F>
inline void with_count(int64_t count, F&& f) {
  if constexpr (MAX > 0) {
    if (count >= MAX) return f(std::integral_constant<int, MAX>{});
    with_count<MAX - 1>(count, f);
  }
}

// Walks 0 .. n in steps of at most MAX: f(start, constant count). Steps of 3 where they fit and 4 do not.
template <int MAX, class F>
inline void in_tiles(int64_t n, F&& f) {
  int64_t step = MAX == 4 && n % 4 && n % 3 == 0 ? 3 : MAX;
  for (int64_t at = 0; at < n; at += step)
    with_count<MAX>(std::min(step, n - at), [&](auto count) { f(at, count); });
}

template <class T>
inline void gather(const T* from, int64_t channels, int64_t pixels, int64_t batch, int64_t first,
                   int64_t count, float* to) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t p = 0; p < count; ++p)
      store(to + (c * count + p) * LANES, load(from + (c * pixels + first + p) * batch));
}

// x, y: planes at the lanes.
template <class T>
void pointwise_forward(PointwiseShape s, const T* x, const Kernels& kernels, T* y) {
  const int64_t K = s.cin, B = s.batch, block = s.block();
  std::vector<float> xs(K * block * LANES), ws((s.keep() ? s.cout : ROWS) * K * LANES);
  if (s.keep())
    for (int64_t t = 0; t < s.cout; ++t) kernels.fuse(t, &ws[t * K * LANES]);
  for (int64_t first = 0; first < s.pixels; first += block) {
    const int64_t count = std::min(block, s.pixels - first);
    gather(x, K, s.pixels, B, first, count, xs.data());
    in_tiles<ROWS>(s.cout, [&](int64_t t0, auto rows_) {
      constexpr int rows = decltype(rows_)::value;
      const float* w = s.keep() ? &ws[t0 * K * LANES] : ws.data();
      if (!s.keep())
        for (int t = 0; t < rows; ++t) kernels.fuse(t0 + t, &ws[t * K * LANES]);
      Lanes start[rows];
      for (int t = 0; t < rows; ++t) start[t] = kernels.fuse_bias(t0 + t);
      in_tiles<COLUMNS>(count, [&](int64_t p0, auto columns_) {
        constexpr int columns = decltype(columns_)::value;
        Lanes total[rows][columns];
#pragma GCC unroll 8
        for (int t = 0; t < rows; ++t)
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p) total[t][p] = start[t];
        for (int64_t c = 0; c < K; ++c) {
          Lanes v[columns];
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p) v[p] = load(&xs[(c * count + p0 + p) * LANES]);
#pragma GCC unroll 8
          for (int t = 0; t < rows; ++t) {
            Lanes k = load(w + (t * K + c) * LANES);
#pragma GCC unroll 8
            for (int p = 0; p < columns; ++p) total[t][p] += k * v[p];
          }
        }
#pragma GCC unroll 8
        for (int t = 0; t < rows; ++t)
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p)
            store(y + ((t0 + t) * s.pixels + first + p0 + p) * B, total[t][p]);
      });
    });
  }
}

// Writes dx; adds into the gradients.
template <class T>
void pointwise_backward(PointwiseShape s, const T* x, const Kernels& kernels, const T* dy, T* dx,
                        const Gradients& gradients) {
  const int64_t K = s.cin, K16 = whole_lanes(K), B = s.batch, block = s.block();
  const int64_t held = s.keep() ? s.cout : ROWS;
  std::vector<float> xs(K * block * LANES), dxs(xs.size()), dys(ROWS * block * LANES);
  std::vector<float> ws(held * K * LANES), dws(held * K16 * LANES);
  std::vector<Lanes> db(held, Lanes{});
  auto finish = [&](int64_t t, int64_t row) {
    gradients.add(kernels, t, &dws[row * K16 * LANES], db[row]);
  };
  if (s.keep())
    for (int64_t t = 0; t < s.cout; ++t) kernels.fuse(t, &ws[t * K * LANES]);
  for (int64_t first = 0; first < s.pixels; first += block) {
    const int64_t count = std::min(block, s.pixels - first);
    gather(x, K, s.pixels, B, first, count, xs.data());
    std::fill(dxs.begin(), dxs.end(), 0.f);
    in_tiles<ROWS>(s.cout, [&](int64_t t0, auto rows_) {
      constexpr int rows = decltype(rows_)::value;
      const int64_t row0 = s.keep() ? t0 : 0;
      const float* w = &ws[row0 * K * LANES];
      float* dw = &dws[row0 * K16 * LANES];
      if (!s.keep()) {
        for (int t = 0; t < rows; ++t) kernels.fuse(t0 + t, &ws[t * K * LANES]);
        std::fill(dws.begin(), dws.end(), 0.f);
        std::fill(db.begin(), db.end(), Lanes{});
      }
      gather(dy + t0 * s.pixels * B, rows, s.pixels, B, first, count, dys.data());
      for (int t = 0; t < rows; ++t)
        for (int64_t p = 0; p < count; ++p) db[row0 + t] += load(&dys[(t * count + p) * LANES]);
      in_tiles<COLUMNS>(count, [&](int64_t p0, auto columns_) {
        constexpr int columns = decltype(columns_)::value;
        Lanes d[rows][columns];
#pragma GCC unroll 8
        for (int t = 0; t < rows; ++t)
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p) d[t][p] = load(&dys[(t * count + p0 + p) * LANES]);
        for (int64_t c = 0; c < K; ++c) {
          float* to = &dxs[(c * count + p0) * LANES];
          Lanes total[columns];
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p) total[p] = load(to + p * LANES);
#pragma GCC unroll 8
          for (int t = 0; t < rows; ++t) {
            Lanes k = load(w + (t * K + c) * LANES);
#pragma GCC unroll 8
            for (int p = 0; p < columns; ++p) total[p] += k * d[t][p];
          }
#pragma GCC unroll 8
          for (int p = 0; p < columns; ++p) store(to + p * LANES, total[p]);
        }
      });
      in_tiles<COLUMNS>(K, [&](int64_t c0, auto columns_) {
        constexpr int columns = decltype(columns_)::value;
        Lanes total[rows][columns];
#pragma GCC unroll 8
        for (int t = 0; t < rows; ++t)
#pragma GCC unroll 8
          for (int c = 0; c < columns; ++c) total[t][c] = load(dw + (t * K16 + c0 + c) * LANES);
        for (int64_t p = 0; p < count; ++p) {
          Lanes v[columns];
#pragma GCC unroll 8
          for (int c = 0; c < columns; ++c) v[c] = load(&xs[((c0 + c) * count + p) * LANES]);
#pragma GCC unroll 8
          for (int t = 0; t < rows; ++t) {
            Lanes d = load(&dys[(t * count + p) * LANES]);
#pragma GCC unroll 8
            for (int c = 0; c < columns; ++c) total[t][c] += d * v[c];
          }
        }
#pragma GCC unroll 8
        for (int t = 0; t < rows; ++t)
#pragma GCC unroll 8
          for (int c = 0; c < columns; ++c) store(dw + (t * K16 + c0 + c) * LANES, total[t][c]);
      });
      if (!s.keep())
        for (int t = 0; t < rows; ++t) finish(t0 + t, t);
    });
    for (int64_t c = 0; c < K; ++c)
      for (int64_t p = 0; p < count; ++p)
        store(dx + (c * s.pixels + first + p) * B, load(&dxs[(c * count + p) * LANES]));
  }
  if (s.keep())
    for (int64_t t = 0; t < s.cout; ++t) finish(t, t);
}
