import { Activation, Step } from '../program/format'
import { input, operand, output, word } from '../program/operands'
import { highFloats, lowFloats, madd } from '../simd/arithmetic'
import { sigmoid } from '../simd/exponential'

/**
 * out[n] = f(bias[n] + s[n] sum_k q[n][k] in[k]), int8 weights with a scale per output row, float32 arithmetic.
 *
 * Weights: panels of 8 lanes, [lanes / 8][depth][8] int8, a half panel last; a quarter of the float32 traffic.
 */
export function w8_linear(step: usize, begin: i32, end: i32): void {
  const depth = <usize>word(step, Step.Depth)
  const quads = <i32>word(step, Step.Lanes) >> 2
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const scales = operand(step, Step.Scales)
  const sigmoidal = word(step, Step.Activation) == Activation.Sigmoid
  const from = input(step)
  for (let panel = begin; panel < end; ++panel) {
    const offset = <usize>panel << 5
    const w = weights + (<usize>panel * depth << 3)
    if ((panel << 1) + 1 < quads) panel8(from, w, depth, bias + offset, scales + offset, output(step) + offset, sigmoidal)
    else panel4(from, w, depth, bias + offset, scales + offset, output(step) + offset, sigmoidal)
  }
}

function panel8(a: usize, w: usize, depth: usize, bias: usize, scale: usize, to: usize, sigmoidal: bool): void {
  let c0 = f32x4.splat(0), c1 = c0, d0 = c0, d1 = c0, e0 = c0, e1 = c0, f0 = c0, f1 = c0
  const stop = a + (depth << 2)
  for (; a + 16 <= stop; a += 16, w += 32) {
    let q = v128.load8x8_s(w)
    let x = v128.load32_splat(a)
    c0 = madd(x, lowFloats(q), c0); c1 = madd(x, highFloats(q), c1)
    q = v128.load8x8_s(w, 8)
    x = v128.load32_splat(a, 4)
    d0 = madd(x, lowFloats(q), d0); d1 = madd(x, highFloats(q), d1)
    q = v128.load8x8_s(w, 16)
    x = v128.load32_splat(a, 8)
    e0 = madd(x, lowFloats(q), e0); e1 = madd(x, highFloats(q), e1)
    q = v128.load8x8_s(w, 24)
    x = v128.load32_splat(a, 12)
    f0 = madd(x, lowFloats(q), f0); f1 = madd(x, highFloats(q), f1)
  }
  for (; a < stop; a += 4, w += 8) {
    const q = v128.load8x8_s(w)
    const x = v128.load32_splat(a)
    c0 = madd(x, lowFloats(q), c0); c1 = madd(x, highFloats(q), c1)
  }
  c0 = madd(f32x4.add(f32x4.add(c0, d0), f32x4.add(e0, f0)), v128.load(scale), v128.load(bias))
  c1 = madd(f32x4.add(f32x4.add(c1, d1), f32x4.add(e1, f1)), v128.load(scale, 16), v128.load(bias, 16))
  v128.store(to, sigmoidal ? sigmoid(c0) : c0)
  v128.store(to, sigmoidal ? sigmoid(c1) : c1, 16)
}

function panel4(a: usize, w: usize, depth: usize, bias: usize, scale: usize, to: usize, sigmoidal: bool): void {
  let c = f32x4.splat(0)
  const stop = a + (depth << 2)
  for (; a < stop; a += 4, w += 4) {
    c = madd(v128.load32_splat(a), lowFloats(i16x8.extend_low_i8x16_s(v128.load32_zero(w))), c)
  }
  c = madd(c, v128.load(scale), v128.load(bias))
  v128.store(to, sigmoidal ? sigmoid(c) : c)
}
