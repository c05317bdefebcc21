// The kernels of this folder as PyTorch functions; gradients are wired up in autograd.py.
#include <ATen/Parallel.h>
#include <torch/extension.h>
#include "norm.h"
#include "pool.h"
#include "requantize.h"
#include "spatial.h"

using torch::Tensor;

namespace {

template <class F>
void with_type(const Tensor& x, F&& f) {
  if (x.scalar_type() == torch::kFloat) f(static_cast<float*>(nullptr));
  else if (x.scalar_type() == torch::kBFloat16) f(static_cast<uint16_t*>(nullptr));
  else TORCH_CHECK(false, "planes: got ", x.scalar_type(), ", expected float32 or bfloat16");
}

template <class T>
T* data(const Tensor& t) {
  return static_cast<T*>(t.data_ptr());
}

void check_planes(const Tensor& x) {
  TORCH_CHECK(x.dim() == 4 && x.is_contiguous() && x.size(3) % LANES == 0,
              "planes: got a tensor of shape ", x.sizes(),
              ", expected contiguous [channels, height, width, batch], batch a multiple of 16");
}

void check_float(const Tensor& x, const char* name) {
  TORCH_CHECK(x.scalar_type() == torch::kFloat && x.is_contiguous(), "planes: ", name,
              " must be contiguous float32");
}

// Runs f(first, last, task) over 0 .. n in as many tasks as there are threads.
template <class F>
void in_tasks(int64_t n, int64_t tasks, F&& f) {
  at::parallel_for(0, tasks, 1, [&](int64_t from, int64_t to) {
    for (int64_t task = from; task < to; ++task) f(n * task / tasks, n * (task + 1) / tasks, task);
  });
}

void check_dynamic(const Tensor& fixed, const Tensor& bias, const Tensor& eta) {
  check_float(bias, "the biases");
  check_float(eta, "the coefficients");
  TORCH_CHECK(eta.dim() == 3 && eta.size(0) * eta.size(1) == fixed.size(0), "planes: coefficients ", eta.sizes(),
              " do not fit fixed kernels ", fixed.sizes());
  TORCH_CHECK(eta.size(1) <= 8, "planes: got ", eta.size(1), " fixed kernels per output channel, expected 1 to 8");
}

// The kernels of a layer for the sixteen samples from `at`.
Kernels kernels_at(const Tensor& fixed, const Tensor& bias, const Tensor& eta, int64_t batch, int64_t at,
                   int64_t levels) {
  const int64_t g = eta.numel() ? eta.size(1) : 0;
  return {data<float>(fixed), data<float>(bias), data<float>(eta) + at, g, fixed.size(1), batch, levels};
}

template <class F>
void each_lanes(int64_t from, int64_t to, F&& f) {
  for (int64_t at = from * LANES; at < to * LANES; at += LANES) f(at);
}

// Gradients of a layer's kernels: every task adds into its own copy, and the copies are summed in order.
struct Collected {
  Tensor fixed, bias, eta;
  int64_t tasks;

  Collected(const Tensor& fixed_, const Tensor& bias_, const Tensor& eta_, int64_t chunks)
      : tasks(std::min<int64_t>(chunks, at::get_num_threads())) {
    fixed = torch::zeros({tasks, fixed_.size(0), fixed_.size(1)}, fixed_.options());
    bias = torch::zeros({tasks, bias_.numel()}, fixed_.options());
    eta = torch::zeros_like(eta_);
  }
  Gradients at(int64_t task, int64_t lanes) const {
    return {data<float>(fixed) + task * fixed.stride(0), data<float>(bias) + task * bias.stride(0), data<float>(eta) + lanes};
  }
  static Tensor total(const Tensor& copies) { return copies.size(0) == 1 ? copies[0] : copies.sum(0); }
};

}  // namespace

// x [Cin, H, W, B], fixed [Cout * g, Cin], bias [Cout * g], eta [Cout, g, B] -> [Cout, H, W, B]
// levels: of the fused kernels, which are then rounded; 0: not rounded. The gradient takes rounding for the identity.
Tensor dynamic_pointwise(const Tensor& x, const Tensor& fixed, const Tensor& bias, const Tensor& eta, int64_t levels) {
  check_planes(x);
  check_float(fixed, "the fixed kernels");
  check_dynamic(fixed, bias, eta);
  const PointwiseShape s{x.size(0), eta.size(0), x.size(1) * x.size(2), x.size(3)};
  Tensor y = torch::empty({s.cout, x.size(1), x.size(2), s.batch}, x.options());
  with_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, s.batch / LANES, 1, [&](int64_t from, int64_t to) {
      each_lanes(from, to, [&](int64_t at) {
        pointwise_forward(s, data<T>(x) + at, kernels_at(fixed, bias, eta, s.batch, at, levels), data<T>(y) + at);
      });
    });
  });
  return y;
}

std::vector<Tensor> dynamic_pointwise_backward(const Tensor& x, const Tensor& fixed, const Tensor& bias,
                                               const Tensor& eta, int64_t levels, const Tensor& dy) {
  check_planes(x);
  check_planes(dy);
  check_dynamic(fixed, bias, eta);
  const PointwiseShape s{x.size(0), eta.size(0), x.size(1) * x.size(2), x.size(3)};
  const int64_t chunks = s.batch / LANES;
  Tensor dx = torch::empty_like(x);
  const Collected collected(fixed, bias, eta, chunks);
  with_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    in_tasks(chunks, collected.tasks, [&](int64_t from, int64_t to, int64_t task) {
      each_lanes(from, to, [&](int64_t at) {
        pointwise_backward(s, data<T>(x) + at, kernels_at(fixed, bias, eta, s.batch, at, levels), data<T>(dy) + at,
                           data<T>(dx) + at, collected.at(task, at));
      });
    });
  });
  return {dx, Collected::total(collected.fixed), Collected::total(collected.bias), collected.eta};
}

namespace {

template <class F>
void with_group(int64_t per_group, F&& f) {
  switch (per_group) {
    case 1: return f(std::integral_constant<int, 1>{});
    case 2: return f(std::integral_constant<int, 2>{});
    case 6: return f(std::integral_constant<int, 6>{});
  }
  TORCH_CHECK(false, "planes: got ", per_group, " channels per group, expected 1, 2 or 6");
}

template <class F>
void with_spatial(const Tensor& x, bool dynamic, int64_t per_group, F&& f) {
  with_type(x, [&](auto* type) {
    with_group(per_group, [&](auto channels) {
      if (dynamic) f(type, std::true_type{}, channels);
      else f(type, std::false_type{}, channels);
    });
  });
}

}  // namespace

// x [C, H, W, B]; fixed kernels: fixed [C, per_group * 9], bias and eta empty; dynamic: fixed [C * g, per_group * 9],
// bias [C * g], eta [C, g, B] -> [C, H', W', B]
Tensor spatial(const Tensor& x, const Tensor& fixed, const Tensor& bias, const Tensor& eta, int64_t stride,
               int64_t levels) {
  check_planes(x);
  check_float(fixed, "the kernels");
  if (eta.numel()) check_dynamic(fixed, bias, eta);
  const SpatialShape s{x.size(0), x.size(1), x.size(2), x.size(3), stride};
  Tensor y = torch::empty({s.channels, s.out_height(), s.out_width(), s.batch}, x.options());
  with_spatial(x, eta.numel(), fixed.size(1) / 9, [&](auto* type, auto dynamic, auto channels) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, s.batch / LANES, 1, [&](int64_t from, int64_t to) {
      each_lanes(from, to, [&](int64_t at) {
        spatial_forward<decltype(dynamic)::value, decltype(channels)::value>(
            s, data<T>(x) + at, kernels_at(fixed, bias, eta, s.batch, at, levels), data<T>(y) + at);
      });
    });
  });
  return y;
}

std::vector<Tensor> spatial_backward_(const Tensor& x, const Tensor& fixed, const Tensor& bias, const Tensor& eta,
                                      int64_t stride, int64_t levels, const Tensor& dy) {
  check_planes(x);
  check_planes(dy);
  const SpatialShape s{x.size(0), x.size(1), x.size(2), x.size(3), stride};
  const int64_t chunks = s.batch / LANES;
  Tensor dx = torch::empty_like(x);
  const Collected collected(fixed, bias, eta, chunks);
  with_spatial(x, eta.numel(), fixed.size(1) / 9, [&](auto* type, auto dynamic, auto channels) {
    using T = std::remove_pointer_t<decltype(type)>;
    in_tasks(chunks, collected.tasks, [&](int64_t from, int64_t to, int64_t task) {
      each_lanes(from, to, [&](int64_t at) {
        spatial_backward<decltype(dynamic)::value, decltype(channels)::value>(
            s, data<T>(x) + at, kernels_at(fixed, bias, eta, s.batch, at, levels), data<T>(dy) + at, data<T>(dx) + at,
            collected.at(task, at));
      });
    });
  });
  return {dx, Collected::total(collected.fixed), Collected::total(collected.bias), collected.eta};
}

// y [C, H, W, B], gamma, beta [C]; residual as y or empty; activation 0 none, 1 ReLU, 2 ReLU6
// -> out = act(bn(y)) + residual, mean [C], biased variance [C]
std::vector<Tensor> norm(const Tensor& y, const Tensor& residual, const Tensor& gamma, const Tensor& beta,
                         double eps, int64_t activation) {
  check_planes(y);
  const int64_t channels = y.size(0), n = y.numel() / channels;
  Tensor out = torch::empty_like(y), mean = torch::empty_like(gamma), variance = torch::empty_like(gamma);
  with_type(y, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, channels, 1, [&](int64_t from, int64_t to) {
      for (int64_t c = from; c < to; ++c) {
        Norm<T> norm{n, 0, 0, data<float>(gamma)[c], data<float>(beta)[c], Activation(activation)};
        norm.measure(data<T>(y) + c * n, eps, data<float>(variance) + c);
        data<float>(mean)[c] = norm.mean;
        norm.forward(data<T>(y) + c * n, residual.numel() ? data<T>(residual) + c * n : nullptr, data<T>(out) + c * n);
      }
    });
  });
  return {out, mean, variance};
}

// As `norm` with given statistics.
Tensor norm_by(const Tensor& y, const Tensor& residual, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
               const Tensor& variance, double eps, int64_t activation) {
  check_planes(y);
  const int64_t channels = y.size(0), n = y.numel() / channels;
  Tensor out = torch::empty_like(y);
  with_type(y, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, channels, 1, [&](int64_t from, int64_t to) {
      for (int64_t c = from; c < to; ++c) {
        const float rstd = 1.f / std::sqrt(data<float>(variance)[c] + float(eps));
        Norm<T> norm{n, data<float>(mean)[c], rstd, data<float>(gamma)[c], data<float>(beta)[c], Activation(activation)};
        norm.forward(data<T>(y) + c * n, residual.numel() ? data<T>(residual) + c * n : nullptr, data<T>(out) + c * n);
      }
    });
  });
  return out;
}

std::vector<Tensor> norm_backward(const Tensor& y, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                                  const Tensor& variance, double eps, int64_t activation, const Tensor& dout) {
  check_planes(y);
  check_planes(dout);
  const int64_t channels = y.size(0), n = y.numel() / channels;
  Tensor dy = torch::empty_like(y), dgamma = torch::empty_like(gamma), dbeta = torch::empty_like(beta);
  with_type(y, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, channels, 1, [&](int64_t from, int64_t to) {
      for (int64_t c = from; c < to; ++c) {
        const float rstd = 1.f / std::sqrt(data<float>(variance)[c] + float(eps));
        const Norm<T> norm{n, data<float>(mean)[c], rstd, data<float>(gamma)[c], data<float>(beta)[c], Activation(activation)};
        norm.backward(data<T>(y) + c * n, data<T>(dout) + c * n, data<T>(dy) + c * n, data<float>(dgamma) + c,
                      data<float>(dbeta) + c);
      }
    });
  });
  return {dy, dgamma, dbeta};
}

namespace {

void check_requantize(const Tensor& y, const Tensor& residual, const Tensor& shift) {
  check_planes(y);
  check_float(y, "values to requantize");
  check_float(shift, "the shifts");
  TORCH_CHECK(!residual.numel() || residual.sizes() == y.sizes(), "planes: got a residual ", residual.sizes(),
              ", expected ", y.sizes());
  if (residual.numel()) check_float(residual, "the residual");
}

// f(plane, offset of the plane) for every channel.
template <class F>
void each_plane(const Tensor& y, const Tensor& shift, Requantize plane, F&& f) {
  plane.n = y.numel() / y.size(0);
  at::parallel_for(0, y.size(0), 1, [&](int64_t from, int64_t to) {
    for (int64_t c = from; c < to; ++c) {
      Requantize own = plane;
      own.shift = data<float>(shift)[c];
      f(own, c, c * plane.n);
    }
  });
}

}  // namespace

// y, residual (or empty) [C, H, W, B] float32, shift [C] -> scale (q - zero), q as in requantize.h
Tensor requantize(const Tensor& y, const Tensor& residual, const Tensor& shift, double scale, double zero, double low,
                  double high) {
  check_requantize(y, residual, shift);
  Tensor out = torch::empty_like(y);
  each_plane(y, shift, {0, 0, float(scale), float(zero), float(low), float(high)}, [&](auto& plane, int64_t, int64_t at) {
    plane.forward(data<float>(y) + at, residual.numel() ? data<float>(residual) + at : nullptr, data<float>(out) + at);
  });
  return out;
}

// -> gradients of y and residual [C, H, W, B], of shift [C], of the scale by channel [C]
std::vector<Tensor> requantize_backward(const Tensor& y, const Tensor& residual, const Tensor& shift, double scale,
                                        double zero, double low, double high, const Tensor& dout) {
  check_requantize(y, residual, shift);
  check_requantize(dout, residual, shift);
  Tensor dv = torch::empty_like(y), dshift = torch::empty_like(shift), dscale = torch::empty_like(shift);
  each_plane(y, shift, {0, 0, float(scale), float(zero), float(low), float(high)}, [&](auto& plane, int64_t c, int64_t at) {
    plane.backward(data<float>(y) + at, residual.numel() ? data<float>(residual) + at : nullptr, data<float>(dout) + at,
                   data<float>(dv) + at, data<float>(dshift) + c, data<float>(dscale) + c);
  });
  return {dv, dshift, dscale};
}

Tensor max_pool(const Tensor& x) {
  check_planes(x);
  const int64_t h = x.size(1), w = x.size(2), b = x.size(3);
  Tensor out = torch::empty({x.size(0), (h + 1) / 2, (w + 1) / 2, b}, x.options());
  with_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, x.size(0), 1, [&](int64_t from, int64_t to) {
      for (int64_t c = from; c < to; ++c)
        max_pool_forward(h, w, b, data<T>(x) + c * h * w * b, data<T>(out) + c * out.stride(0));
    });
  });
  return out;
}

Tensor max_pool_backward_(const Tensor& x, const Tensor& dout) {
  check_planes(x);
  check_planes(dout);
  const int64_t h = x.size(1), w = x.size(2), b = x.size(3);
  Tensor dx = torch::empty_like(x);
  with_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, x.size(0), 1, [&](int64_t from, int64_t to) {
      std::vector<float> sums(h * w * LANES);
      for (int64_t c = from; c < to; ++c)
        max_pool_backward(h, w, b, data<T>(x) + c * h * w * b, data<T>(dout) + c * dout.stride(0), sums.data(),
                          data<T>(dx) + c * h * w * b);
    });
  });
  return dx;
}

// x [C, H, W, B] -> float mean over pixels [C, B], summed in float32
Tensor mean_pool(const Tensor& x) {
  check_planes(x);
  const int64_t channels = x.size(0), pixels = x.size(1) * x.size(2), b = x.size(3);
  Tensor out = torch::empty({channels, b}, x.options().dtype(torch::kFloat));
  with_type(x, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    at::parallel_for(0, channels, 1, [&](int64_t from, int64_t to) {
      for (int64_t c = from; c < to; ++c)
        for (int64_t at = 0; at < b; at += LANES) {
          Lanes total{};
          for (int64_t p = 0; p < pixels; ++p) total += load(data<T>(x) + (c * pixels + p) * b + at);
          store(data<float>(out) + c * b + at, total / float(pixels));
        }
    });
  });
  return out;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("dynamic_pointwise", &dynamic_pointwise);
  m.def("dynamic_pointwise_backward", &dynamic_pointwise_backward);
  m.def("spatial", &spatial);
  m.def("spatial_backward", &spatial_backward_);
  m.def("norm", &norm);
  m.def("norm_by", &norm_by);
  m.def("norm_backward", &norm_backward);
  m.def("requantize", &requantize);
  m.def("requantize_backward", &requantize_backward);
  m.def("max_pool", &max_pool);
  m.def("max_pool_backward", &max_pool_backward_);
  m.def("mean_pool", &mean_pool);
}
