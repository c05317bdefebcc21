// 3x3 max pooling with stride 2 and padding 1 on one plane.
#pragma once
#include <algorithm>
#include <cmath>
#include "lanes.h"

template <class F>
inline void each_window(int64_t height, int64_t width, F&& f) {
  for (int64_t oy = 0; oy < (height + 1) / 2; ++oy)
    for (int64_t ox = 0; ox < (width + 1) / 2; ++ox) f(oy, ox);
}

template <class F>
inline void each_tap(int64_t height, int64_t width, int64_t oy, int64_t ox, F&& f) {
  for (int64_t y = std::max<int64_t>(oy * 2 - 1, 0); y <= std::min(oy * 2 + 1, height - 1); ++y)
    for (int64_t x = std::max<int64_t>(ox * 2 - 1, 0); x <= std::min(ox * 2 + 1, width - 1); ++x)
      f(y * width + x);
}

template <class T>
void max_pool_forward(int64_t height, int64_t width, int64_t batch, const T* x, T* out) {
  const int64_t ow = (width + 1) / 2;
  each_window(height, width, [&](int64_t oy, int64_t ox) {
    for (int64_t b = 0; b < batch; b += LANES) {
      Lanes best = splat(-INFINITY);
      each_tap(height, width, oy, ox, [&](int64_t p) {
        Lanes v = load(x + p * batch + b);
        best = v > best ? v : best;
      });
      store(out + (oy * ow + ox) * batch + b, best);
    }
  });
}

// The gradient goes to the first of equal values. dx is zero before.
template <class T>
void max_pool_backward(int64_t height, int64_t width, int64_t batch, const T* x, const T* dout,
                       float* sums, T* dx) {
  const int64_t ow = (width + 1) / 2;
  for (int64_t b = 0; b < batch; b += LANES) {
    std::fill(sums, sums + height * width * LANES, 0.f);
    each_window(height, width, [&](int64_t oy, int64_t ox) {
      Lanes best = splat(-INFINITY), left = load(dout + (oy * ow + ox) * batch + b);
      each_tap(height, width, oy, ox, [&](int64_t p) {
        Lanes v = load(x + p * batch + b);
        best = v > best ? v : best;
      });
      each_tap(height, width, oy, ox, [&](int64_t p) {
        Lanes v = load(x + p * batch + b), given = v == best ? left : Lanes{};
        store(sums + p * LANES, load(sums + p * LANES) + given);
        left -= given;
      });
    });
    for (int64_t p = 0; p < height * width; ++p) store(dx + p * batch + b, load(sums + p * LANES));
  }
}
