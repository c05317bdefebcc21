import { Activation, Step } from '../program/format'
import { input, operand, output, word } from '../program/operands'
import { madd } from '../simd/arithmetic'
import { sigmoid } from '../simd/exponential'

/**
 * out[n] = f(bias[n] + sum_k w[n][k] in[k]), a fully connected layer on one vector; f is identity or sigmoid.
 *
 * Weights: panels of 8 lanes, [lanes / 8][depth][8], a half panel last. Read once, so bound by memory, which gives more to two long
 * streams than to one: two panels at once, half the share apart. Even and odd k have a sum each. Work is split by panels; alone or
 * in a pair, a panel is summed in the same order.
 */
export function f32_linear(step: usize, begin: i32, end: i32): void {
  const depth = <usize>word(step, Step.Depth)
  const quads = <i32>word(step, Step.Lanes) >> 2
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const sigmoidal = word(step, Step.Activation) == Activation.Sigmoid
  const from = input(step)
  const to = output(step)
  const pitch = depth << 5
  const half = max(min(end, quads >> 1) - begin, 0) >> 1
  let panel = begin
  for (; panel < begin + half; ++panel) {
    const offset = <usize>panel << 5
    pair(from, weights + <usize>panel * pitch, pitch, <usize>half, bias + offset, to + offset, sigmoidal)
  }
  for (panel += half; panel < end; ++panel) {
    const w = weights + <usize>panel * pitch
    const offset = <usize>panel << 5
    if ((panel << 1) + 1 < quads) panel8(from, w, depth, bias + offset, to + offset, sigmoidal)
    else panel4(from, w, depth, bias + offset, to + offset, sigmoidal)
  }
}

/** The panel at `w` and the one `apart` panels after it. */
function pair(a: usize, w: usize, pitch: usize, apart: usize, bias: usize, to: usize, sigmoidal: bool): void {
  const away = apart << 5
  let c0 = v128.load(bias)
  let c1 = v128.load(bias, 16)
  let c2 = v128.load(bias + away)
  let c3 = v128.load(bias + away, 16)
  let d0 = f32x4.splat(0), d1 = d0, d2 = d0, d3 = d0
  let v = w + apart * pitch
  const stop = w + pitch
  for (; w + 64 <= stop; a += 8, w += 64, v += 64) {
    let x = v128.load32_splat(a)
    c0 = madd(x, v128.load(w), c0); c1 = madd(x, v128.load(w, 16), c1)
    c2 = madd(x, v128.load(v), c2); c3 = madd(x, v128.load(v, 16), c3)
    x = v128.load32_splat(a, 4)
    d0 = madd(x, v128.load(w, 32), d0); d1 = madd(x, v128.load(w, 48), d1)
    d2 = madd(x, v128.load(v, 32), d2); d3 = madd(x, v128.load(v, 48), d3)
  }
  if (w < stop) {
    const x = v128.load32_splat(a)
    c0 = madd(x, v128.load(w), c0); c1 = madd(x, v128.load(w, 16), c1)
    c2 = madd(x, v128.load(v), c2); c3 = madd(x, v128.load(v, 16), c3)
  }
  c0 = f32x4.add(c0, d0); c1 = f32x4.add(c1, d1)
  c2 = f32x4.add(c2, d2); c3 = f32x4.add(c3, d3)
  v128.store(to, sigmoidal ? sigmoid(c0) : c0)
  v128.store(to, sigmoidal ? sigmoid(c1) : c1, 16)
  v128.store(to + away, sigmoidal ? sigmoid(c2) : c2)
  v128.store(to + away, sigmoidal ? sigmoid(c3) : c3, 16)
}

function panel8(a: usize, w: usize, depth: usize, bias: usize, to: usize, sigmoidal: bool): void {
  let c0 = v128.load(bias)
  let c1 = v128.load(bias, 16)
  let d0 = f32x4.splat(0), d1 = d0
  const stop = w + (depth << 5)
  for (; w + 64 <= stop; a += 8, w += 64) {
    let x = v128.load32_splat(a)
    c0 = madd(x, v128.load(w), c0); c1 = madd(x, v128.load(w, 16), c1)
    x = v128.load32_splat(a, 4)
    d0 = madd(x, v128.load(w, 32), d0); d1 = madd(x, v128.load(w, 48), d1)
  }
  if (w < stop) {
    const x = v128.load32_splat(a)
    c0 = madd(x, v128.load(w), c0); c1 = madd(x, v128.load(w, 16), c1)
  }
  c0 = f32x4.add(c0, d0)
  c1 = f32x4.add(c1, d1)
  v128.store(to, sigmoidal ? sigmoid(c0) : c0)
  v128.store(to, sigmoidal ? sigmoid(c1) : c1, 16)
}

function panel4(a: usize, w: usize, depth: usize, bias: usize, to: usize, sigmoidal: bool): void {
  let c = v128.load(bias)
  const stop = a + (depth << 2)
  for (; a < stop; a += 4, w += 16) c = madd(v128.load32_splat(a), v128.load(w), c)
  v128.store(to, sigmoidal ? sigmoid(c) : c)
}
