// Grouped 3x3 convolution with its own kernels for each sample, forward and backward,
// padding 1, six channels per group on both sides, stride 1 or 2; float32.
//
//   x [N, 6, H, W], w [N, 6, 6, 3, 3] -> y [N, 6, H', W']      N = samples * groups
//
// The input is copied into a zero-padded scratch, one plane per parity of row and
// column at stride 2, so that every tap reads a plane at a constant offset and all
// output rows, padded to one pitch, form a single line of vectors.

#include <torch/extension.h>

#include <cstring>
#include <vector>

typedef float vec __attribute__((vector_size(64), aligned(4)));
constexpr int LANES = 16, C = 6, TAPS = 9;

static inline vec load(const float *p) { return *(const vec *)p; }
static inline void store(float *p, vec v) { *(vec *)p = v; }

struct Geometry {
    int h, w, s, oh, ow, pitch, line, plane, tap[TAPS];

    Geometry(int h_, int w_, int s_) : h(h_), w(w_), s(s_) {
        oh = (h - 1) / s + 1;
        ow = (w - 1) / s + 1;
        pitch = (w + 1 + s) / s;                          // columns of one plane
        int rows = (h + 1 + s) / s;
        line = (oh * pitch + LANES - 1) / LANES * LANES;  // output, padded
        plane = (rows + 2) * pitch + 2 + 2 * LANES;
        for (int ky = 0; ky < 3; ky++)
            for (int kx = 0; kx < 3; kx++)
                tap[ky * 3 + kx] = row(ky) + column(kx);
    }
    // Offsets of padded row y and padded column x in a channel's planes.
    int row(int y) const { return s == 1 ? y * pitch : (y & 1) * 2 * plane + (y >> 1) * pitch; }
    int column(int x) const { return s == 1 ? x : (x & 1) * plane + (x >> 1); }
    int planes() const { return s * s * plane; }          // floats per channel

    void spread(const float *x, float *scratch) const {
        for (int c = 0; c < C; c++)
            for (int i = 0; i < h; i++, x += w) {
                float *to = scratch + c * planes() + row(i + 1);
                for (int parity = 0; parity < s; parity++) {
                    float *half = to + column(1 + parity);
                    for (int j = parity, k = 0; j < w; j += s) half[k++] = x[j];
                }
            }
    }
    void gather(const float *scratch, float *x) const {
        for (int c = 0; c < C; c++)
            for (int i = 0; i < h; i++, x += w) {
                const float *from = scratch + c * planes() + row(i + 1);
                for (int parity = 0; parity < s; parity++) {
                    const float *half = from + column(1 + parity);
                    for (int j = parity, k = 0; j < w; j += s) x[j] = half[k++];
                }
            }
    }
};

static void forward_one(const Geometry &g, const float *x, const float *w, float *y, float *lines) {
    for (int p = 0; p < g.line; p += LANES) {
        vec sum[C] = {};
        for (int c = 0; c < C; c++)
            for (int t = 0; t < TAPS; t++) {
                vec v = load(x + c * g.planes() + g.tap[t] + p);
                for (int o = 0; o < C; o++) sum[o] += v * w[(o * C + c) * TAPS + t];
            }
        for (int o = 0; o < C; o++) store(lines + o * g.line + p, sum[o]);
    }
    for (int o = 0; o < C; o++)
        for (int i = 0; i < g.oh; i++, y += g.ow)
            std::memcpy(y, lines + o * g.line + i * g.pitch, sizeof(float) * g.ow);
}

static inline float total(vec v) {
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += v[i];
    return sum;
}

static void backward_one(const Geometry &g, const float *x, const float *w, const float *dy,
                         float *dx, float *dw) {
    for (int c = 0; c < C; c++)
        for (int t = 0; t < TAPS; t++) {
            const float *in = x + c * g.planes() + g.tap[t];
            float *out = dx + c * g.planes() + g.tap[t];
            vec sum[C] = {};
            for (int p = 0; p < g.line; p += LANES) {
                vec v = load(in + p), d = load(out + p);
                for (int o = 0; o < C; o++) {
                    vec grad = load(dy + o * g.line + p);
                    sum[o] += v * grad;
                    d += grad * w[(o * C + c) * TAPS + t];
                }
                store(out + p, d);
            }
            for (int o = 0; o < C; o++) dw[(o * C + c) * TAPS + t] = total(sum[o]);
        }
}

torch::Tensor forward(torch::Tensor x, torch::Tensor w, int64_t stride) {
    Geometry g(x.size(2), x.size(3), stride);
    auto y = torch::empty({x.size(0), C, g.oh, g.ow}, x.options());
    const float *xs = x.data_ptr<float>(), *ws = w.data_ptr<float>();
    float *ys = y.data_ptr<float>();
    at::parallel_for(0, x.size(0), 16, [&](int64_t from, int64_t to) {
        std::vector<float> scratch(C * g.planes(), 0.0f), lines(C * g.line);
        for (int64_t n = from; n < to; n++) {
            g.spread(xs + n * C * g.h * g.w, scratch.data());
            forward_one(g, scratch.data(), ws + n * C * C * TAPS, ys + n * C * g.oh * g.ow,
                        lines.data());
        }
    });
    return y;
}

std::vector<torch::Tensor> backward(torch::Tensor x, torch::Tensor w, torch::Tensor dy,
                                    int64_t stride) {
    Geometry g(x.size(2), x.size(3), stride);
    auto dx = torch::empty_like(x), dw = torch::empty_like(w);
    const float *xs = x.data_ptr<float>(), *ws = w.data_ptr<float>(), *gs = dy.data_ptr<float>();
    float *dxs = dx.data_ptr<float>(), *dws = dw.data_ptr<float>();
    at::parallel_for(0, x.size(0), 16, [&](int64_t from, int64_t to) {
        std::vector<float> in(C * g.planes(), 0.0f), out(C * g.planes()), lines(C * g.line, 0.0f);
        for (int64_t n = from; n < to; n++) {
            g.spread(xs + n * C * g.h * g.w, in.data());
            std::fill(out.begin(), out.end(), 0.0f);
            const float *grad = gs + n * C * g.oh * g.ow;
            for (int o = 0; o < C; o++)
                for (int i = 0; i < g.oh; i++, grad += g.ow)
                    std::memcpy(&lines[o * g.line + i * g.pitch], grad, sizeof(float) * g.ow);
            backward_one(g, in.data(), ws + n * C * C * TAPS, lines.data(), out.data(),
                         dws + n * C * C * TAPS);
            g.gather(out.data(), dxs + n * C * g.h * g.w);
        }
    });
    return {dx, dw};
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    py::call_guard<py::gil_scoped_release> released;  // two replicas train at once
    m.def("forward", &forward, released);
    m.def("backward", &backward, released);
}
