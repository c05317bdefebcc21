import { Step } from '../program/format'
import { input, output, word } from '../program/operands'
import { exponential } from '../simd/exponential'
import { sumLanes } from '../simd/arithmetic'

/** out[n] = e^(in[n] - max in) / sum, n < Depth; lanes from Depth to Lanes are written 0. One thread: a thousand values at most. */
export function f32_softmax(step: usize, begin: i32, end: i32): void {
  if (begin >= end) return
  const count = <usize>word(step, Step.Depth) << 2
  const padded = <usize>word(step, Step.Lanes) << 2
  const from = input(step)
  const to = output(step)
  let largest: f32 = -Infinity
  for (let i: usize = 0; i < count; i += 4) largest = max(largest, load<f32>(from + i))
  const shift = f32x4.splat(largest)
  for (let i: usize = 0; i < padded; i += 16) v128.store(to + i, exponential(f32x4.sub(v128.load(from + i), shift)))
  for (let i = count; i < padded; i += 4) store<f32>(to + i, 0)
  let sum = f32x4.splat(0)
  for (let i: usize = 0; i < padded; i += 16) sum = f32x4.add(sum, v128.load(to + i))
  const factor = f32x4.splat(1 / sumLanes(sum))
  for (let i: usize = 0; i < padded; i += 16) v128.store(to + i, f32x4.mul(v128.load(to + i), factor))
}
