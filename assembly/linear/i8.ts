import { Activation, Step } from '../program/format'
import { input, operand, output, word } from '../program/operands'
import { joinHalves, wordsAdd } from '../simd/dot'
import { exactSigmoid } from '../simd/exact_sigmoid'
import { scaled } from '../simd/requantize'

/**
 * out[n] = f(f(f(bias[n] + sum_k w[n][k] in[k]) * factor[n])): int16 in, int8 weights, int32 sums, float32 out; the last f is identity
 * or sigmoid (docs/quantization.md).
 *
 * Weights: panels of 8 lanes, [Depth / 4][8][4 k] int8; bias int32 and factors float32, whole panels. Four int16 of the input in both
 * halves of a vector meet two lanes' weights at a time. Units are panels; of a half panel, last, only four lanes are written.
 */
export function i8_linear(step: usize, begin: i32, end: i32): void {
  const depth = <usize>word(step, Step.Depth)
  const lanes = <i32>word(step, Step.Lanes)
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const factors = operand(step, Step.Factors)
  const sigmoidal = word(step, Step.Activation) == Activation.Sigmoid
  const from = input(step)
  for (let panel = begin; panel < end; ++panel) {
    const at = <usize>panel << 5
    let w = weights + (<usize>panel * depth << 3)
    let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
    for (let a = from, stop = from + (depth << 1); a < stop; a += 8, w += 32) {
      const x = v128.load64_splat(a)
      s0 = wordsAdd(v128.load8x8_s(w), x, s0)
      s1 = wordsAdd(v128.load8x8_s(w, 8), x, s1)
      s2 = wordsAdd(v128.load8x8_s(w, 16), x, s2)
      s3 = wordsAdd(v128.load8x8_s(w, 24), x, s3)
    }
    let y = scaled(i32x4.add(joinHalves(s0, s1), v128.load(bias + at)), v128.load(factors + at))
    v128.store(output(step) + at, sigmoidal ? exactSigmoid(y) : y)
    if ((panel << 3) + 4 >= lanes) continue
    y = scaled(i32x4.add(joinHalves(s2, s3), v128.load(bias + at, 16)), v128.load(factors + at, 16))
    v128.store(output(step) + at, sigmoidal ? exactSigmoid(y) : y, 16)
  }
}
