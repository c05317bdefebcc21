import { Step } from '../program/format'
import { operand, side, word } from '../program/operands'
import { madd } from '../simd/arithmetic'
import { keeps } from './kept'
import { quadStride, quadTarget } from './target'

/**
 * Equation 1 of the DyNet paper: w~[t] = sum_i eta[t][i] w[t][i], b~[t] = b0[t] + sum_i eta[t][i] b[t][i], i < g_t, written in the
 * layout that the consuming kernel wants (target.ts). b0 is what folding BN leaves outside the sum.
 *
 * Fixed kernels: [lanes / 4][depth][g][4], so one quad streams in order; coefficients: [lanes / 4][g][4]; biases: [lanes / 4][1 + g][4],
 * b0 first. Work is split by quads. Bias goes to Side, weights to Out. Kernels of earlier runs may stand (kept.ts).
 */
export function f32_fuse(step: usize, begin: i32, end: i32): void {
  const group = <usize>word(step, Step.Group)
  const depth = <usize>word(step, Step.Depth)
  const coefficients = operand(step, Step.Coefficients) + word(step, Step.CoefficientsAt)
  const kernels = operand(step, Step.Weights)
  const biases = operand(step, Step.Bias)
  const quads: usize = word(step, Step.Lanes) >> 2
  for (let quad = begin; quad < end; ++quad) {
    const row = <usize>quad * group << 4
    if (keeps(step, quad, quads, row, group << 4)) continue
    const eta = coefficients + row
    const bias = biases + (<usize>quad * (group + 1) << 4)
    v128.store(side(step) + (<usize>quad << 4), f32x4.add(v128.load(bias), weightedSum(eta, bias + 16, group)))
    const to = quadTarget(step, quad)
    const stride = quadStride(step, quad)
    const from = kernels + (<usize>quad * depth * group << 4)
    if (group == 6) fuseSix(eta, from, to, stride, depth)
    else for (let k: usize = 0; k < depth; ++k) v128.store(to + k * stride, weightedSum(eta, from + (k * group << 4), group))
  }
}

function weightedSum(eta: usize, from: usize, group: usize): v128 {
  let sum = f32x4.mul(v128.load(eta), v128.load(from))
  for (let i: usize = 16; i < group << 4; i += 16) sum = madd(v128.load(eta + i), v128.load(from + i), sum)
  return sum
}

/** Six coefficients stay in registers; two sums per output halve the chain. */
function fuseSix(eta: usize, from: usize, to: usize, stride: usize, depth: usize): void {
  const e0 = v128.load(eta)
  const e1 = v128.load(eta, 16)
  const e2 = v128.load(eta, 32)
  const e3 = v128.load(eta, 48)
  const e4 = v128.load(eta, 64)
  const e5 = v128.load(eta, 80)
  const stop = from + depth * 96
  for (; from < stop; from += 96, to += stride) {
    let a = f32x4.mul(e0, v128.load(from))
    let b = f32x4.mul(e1, v128.load(from, 16))
    a = madd(e2, v128.load(from, 32), a)
    b = madd(e3, v128.load(from, 48), b)
    a = madd(e4, v128.load(from, 64), a)
    b = madd(e5, v128.load(from, 80), b)
    v128.store(to, f32x4.add(a, b))
  }
}
