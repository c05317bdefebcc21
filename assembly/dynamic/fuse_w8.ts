import { Step } from '../program/format'
import { operand, scratch, side, word } from '../program/operands'
import { madd } from '../simd/arithmetic'
import { keeps } from './kept'
import { quadStride, quadTarget } from './target'

/**
 * Equation 1 on int8 kernels: w~[t] = sum_i eta[t][i] s[t][i] q[t][i], q int8 with a scale s per fixed kernel and output channel.
 *
 * c[t][i] = eta s is rounded to int16 against the largest |c[t]| of its channel; then one widening dot product fuses kernels i and
 * i + 1 of four channels, exact in int32, and one multiplication returns to float32. Error at most g_t * 127 * max|c| / 65534,
 * some 2^-15 of the fused kernel's range. Dy-mobile's kernels fuse in 0.25 ms, in 0.50 from float32 storage (docs/performance.md).
 *
 * Fixed kernels: [lanes / 4][depth][pairs][4][2] int8, pairs = (g + 1) / 2, padded by zero; scales: [lanes / 4][g][4] f32,
 * biases and kernels that stand as in fuse_f32.ts.
 */
export function w8_fuse(step: usize, begin: i32, end: i32): void {
  const group = <usize>word(step, Step.Group)
  const pairs = group + 1 >> 1
  const depth = <usize>word(step, Step.Depth)
  const coefficients = operand(step, Step.Coefficients) + word(step, Step.CoefficientsAt)
  const kernels = operand(step, Step.Weights)
  const biases = operand(step, Step.Bias)
  const scales = operand(step, Step.Scales)
  const quads: usize = word(step, Step.Lanes) >> 2
  for (let quad = begin; quad < end; ++quad) {
    const row = <usize>quad * group << 4
    if (keeps(step, quad, quads, row, group << 4)) continue
    const base = biases + (<usize>quad * (group + 1) << 4)
    let bias = v128.load(base)
    let largest = f32x4.splat(0)
    for (let i: usize = 0; i < group << 4; i += 16) {
      const eta = v128.load(coefficients + row + i)
      bias = madd(eta, v128.load(base + i, 16), bias)
      largest = f32x4.pmax(largest, f32x4.abs(f32x4.mul(eta, v128.load(scales + row + i))))
    }
    v128.store(side(step) + (<usize>quad << 4), bias)
    // A channel of zeros keeps the divisor 1: all its integers are zero.
    largest = v128.bitselect(largest, f32x4.splat(1), f32x4.gt(largest, f32x4.splat(0)))
    const inverse = f32x4.div(f32x4.splat(32767), largest)
    for (let pair: usize = 0; pair < pairs; ++pair) {
      const i = pair << 5
      const even = rounded(coefficients + row + i, scales + row + i, inverse)
      const odd = (pair << 1) + 1 < group ? rounded(coefficients + row + i + 16, scales + row + i + 16, inverse) : i32x4.splat(0)
      v128.store(scratch + (pair << 4), v128.or(v128.and(even, i32x4.splat(0xffff)), i32x4.shl(odd, 16)))
    }
    const unit = f32x4.mul(largest, f32x4.splat(1.0 / 32767.0))
    const from = kernels + ((<usize>quad * depth * pairs) << 3)
    if (pairs == 3) fuseThreePairs(from, quadTarget(step, quad), quadStride(step, quad), depth, unit)
    else fusePairs(from, quadTarget(step, quad), quadStride(step, quad), depth, pairs, unit)
  }
}

/** Largest g_t whose coefficient pairs fit into scratch. */
export const MAX_GROUP: u32 = 64

// @ts-ignore: decorator
@inline
function rounded(eta: usize, scale: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(f32x4.mul(v128.load(eta), v128.load(scale)), inverse)))
}

function fuseThreePairs(from: usize, to: usize, stride: usize, depth: usize, unit: v128): void {
  const e0 = v128.load(scratch)
  const e1 = v128.load(scratch, 16)
  const e2 = v128.load(scratch, 32)
  const stop = from + depth * 24
  for (; from < stop; from += 24, to += stride) {
    const a = i32x4.dot_i16x8_s(v128.load8x8_s(from), e0)
    const b = i32x4.dot_i16x8_s(v128.load8x8_s(from, 8), e1)
    const c = i32x4.dot_i16x8_s(v128.load8x8_s(from, 16), e2)
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.add(i32x4.add(a, b), c)), unit))
  }
}

function fusePairs(from: usize, to: usize, stride: usize, depth: usize, pairs: usize, unit: v128): void {
  for (let k: usize = 0; k < depth; ++k, to += stride) {
    let sum = i32x4.splat(0)
    for (let pair: usize = 0; pair < pairs; ++pair, from += 8) {
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load8x8_s(from), v128.load(scratch + (pair << 4))))
    }
    v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(sum), unit))
  }
}
