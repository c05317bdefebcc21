// Rounding of activations to a grid, as int8 networks store them, on one plane of n values, and its gradient.
#pragma once
#include "lanes.h"

// v = y + shift + residual;  q = clamp(nearest(v / scale) + zero, low, high);  out = scale (q - zero)
struct Requantize {
  int64_t n;
  float shift, scale, zero, low, high;

  Lanes steps(const float* y, const float* residual, int64_t i) const {
    Lanes v = load(y + i) + shift;
    if (residual) v += load(residual + i);
    return v * (1.f / scale) + zero;
  }

  Lanes stored(Lanes steps) const {
    Lanes v = steps < low ? splat(low) : steps;
    return nearest(v > high ? splat(high) : v);
  }

  void forward(const float* y, const float* residual, float* out) const {
    for (int64_t i = 0; i < n; i += LANES) store(out + i, (stored(steps(y, residual, i)) - zero) * scale);
  }

  // Straight through inside the bounds, nothing outside. dv is the gradient of y and of the residual.
  void backward(const float* y, const float* residual, const float* dout, float* dv, float* dshift,
                float* dscale) const {
    Lanes shifts{}, scales{};
    for (int64_t i = 0; i < n; i += LANES) {
      const Lanes s = steps(y, residual, i), d = load(dout + i), nothing{};
      const Lanes q = stored(s);
      Lanes through = s < low ? nothing : d;
      through = s > high ? nothing : through;
      store(dv + i, through);
      shifts += through;
      scales += d * (q - zero) - through * (s - zero);
    }
    *dshift = sum(shifts);
    *dscale = sum(scales);
  }
};
