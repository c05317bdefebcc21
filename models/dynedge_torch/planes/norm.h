// Batch norm in training mode, with activation and residual sum, on one plane of n values.
#pragma once
#include <cmath>
#include "lanes.h"

enum class Activation { none, relu, relu6 };

template <class T>
struct Norm {
  int64_t n;
  float mean, rstd, gamma, beta;
  Activation activation;

  Lanes upper() const { return splat(activation == Activation::relu6 ? 6.f : INFINITY); }
  Lanes lower() const { return splat(activation == Activation::none ? -INFINITY : 0.f); }

  // Two passes over a plane that the first one brought into the cache.
  void measure(const T* y, float eps, float* variance) {
    Lanes total{}, other{};
    for (int64_t i = 0; i < n; i += LANES) total += load(y + i);
    mean = sum(total) / n;
    for (int64_t i = 0; i < n; i += LANES) {
      Lanes d = load(y + i) - mean;
      other += d * d;
    }
    *variance = sum(other) / n;
    rstd = 1.f / std::sqrt(*variance + eps);
  }

  void forward(const T* y, const T* residual, T* out) const {
    const float scale = gamma * rstd, shift = beta - mean * scale;
    const Lanes low = lower(), high = upper();
    for (int64_t i = 0; i < n; i += LANES) {
      Lanes v = load(y + i) * scale + shift;
      v = v < low ? low : v;
      v = v > high ? high : v;
      if (residual) v += load(residual + i);
      store(out + i, v);
    }
  }

  void backward(const T* y, const T* dout, T* dy, float* dgamma, float* dbeta) const {
    const float scale = gamma * rstd, shift = beta - mean * scale;
    const Lanes low = lower(), high = upper(), zero{};
    auto passed = [&](int64_t i, Lanes v) {
      Lanes z = v * scale + shift, d = load(dout + i);
      d = z < low ? zero : d;
      return z > high ? zero : d;
    };
    Lanes total{}, product{};
    for (int64_t i = 0; i < n; i += LANES) {
      Lanes v = load(y + i), d = passed(i, v);
      total += d;
      product += d * ((v - mean) * rstd);
    }
    *dbeta = sum(total);
    *dgamma = sum(product);
    const float mean_d = *dbeta / n, mean_product = *dgamma / n;
    for (int64_t i = 0; i < n; i += LANES) {
      Lanes v = load(y + i), d = passed(i, v);
      store(dy + i, (d - mean_d - (v - mean) * (rstd * mean_product)) * scale);
    }
  }
};
