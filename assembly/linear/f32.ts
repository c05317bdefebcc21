import { Activation, Step } from '../program/format'
import { input, operand, output, word } from '../program/operands'
import { madd } from '../simd/arithmetic'
import { sigmoid } from '../simd/exponential'

/**
 * out[n] = f(bias[n] + sum_k w[n][k] in[k]), a fully connected layer on one vector; f is identity or sigmoid.
 *
 * Weights: panels of 8 lanes, [lanes / 8][depth][8], a half panel last. Read once, so bound by memory: four steps of k run in
 * separate sums to hide the latency. Work is split by panels.
 */
export function f32_linear(step: usize, begin: i32, end: i32): void {
  const depth = <usize>word(step, Step.Depth)
  const quads = <i32>word(step, Step.Lanes) >> 2
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const sigmoidal = word(step, Step.Activation) == Activation.Sigmoid
  const from = input(step)
  for (let panel = begin; panel < end; ++panel) {
    const w = weights + (<usize>panel * depth << 5)
    const b = bias + (<usize>panel << 5)
    const to = output(step) + (<usize>panel << 5)
    if ((panel << 1) + 1 < quads) panel8(from, w, depth, b, to, sigmoidal)
    else panel4(from, w, depth, b, to, sigmoidal)
  }
}

function panel8(a: usize, w: usize, depth: usize, bias: usize, to: usize, sigmoidal: bool): void {
  let c0 = v128.load(bias)
  let c1 = v128.load(bias, 16)
  let d0 = f32x4.splat(0), d1 = d0, e0 = d0, e1 = d0, f0 = d0, f1 = d0
  const stop = a + (depth << 2)
  for (; a + 16 <= stop; a += 16, w += 128) {
    let x = v128.load32_splat(a)
    c0 = madd(x, v128.load(w), c0); c1 = madd(x, v128.load(w, 16), c1)
    x = v128.load32_splat(a, 4)
    d0 = madd(x, v128.load(w, 32), d0); d1 = madd(x, v128.load(w, 48), d1)
    x = v128.load32_splat(a, 8)
    e0 = madd(x, v128.load(w, 64), e0); e1 = madd(x, v128.load(w, 80), e1)
    x = v128.load32_splat(a, 12)
    f0 = madd(x, v128.load(w, 96), f0); f1 = madd(x, v128.load(w, 112), f1)
  }
  for (; a < stop; a += 4, w += 32) {
    const x = v128.load32_splat(a)
    c0 = madd(x, v128.load(w), c0); c1 = madd(x, v128.load(w, 16), c1)
  }
  c0 = f32x4.add(f32x4.add(c0, d0), f32x4.add(e0, f0))
  c1 = f32x4.add(f32x4.add(c1, d1), f32x4.add(e1, f1))
  v128.store(to, sigmoidal ? sigmoid(c0) : c0)
  v128.store(to, sigmoidal ? sigmoid(c1) : c1, 16)
}

function panel4(a: usize, w: usize, depth: usize, bias: usize, to: usize, sigmoidal: bool): void {
  let c = v128.load(bias)
  const stop = a + (depth << 2)
  for (; a < stop; a += 4, w += 16) c = madd(v128.load32_splat(a), v128.load(w), c)
  v128.store(to, sigmoidal ? sigmoid(c) : c)
}
