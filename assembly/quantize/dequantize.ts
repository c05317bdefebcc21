import { Step } from '../program/format'
import { input, output, splatWord, word } from '../program/operands'
import { sideLanes } from '../simd/requantize'

/** out[y][x][c] = f(InScale * (in[y][x][c] - InZero)): stored integers -> float32. Units are rows. */
export function i8_dequantize(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const lanes: usize = word(step, Step.Lanes)
  const scale = splatWord(step, Step.InScale)
  const zero = i32x4.splat(<i32>word(step, Step.InZero))
  for (let y = begin; y < end; ++y) {
    let from = input(step) + <usize>y * word(step, Step.InRow)
    let to = output(step) + <usize>y * word(step, Step.OutRow)
    for (let x = 0; x < columns; ++x) {
      for (let lane: usize = 0; lane < lanes; lane += 4) {
        v128.store(to + (lane << 2), f32x4.mul(f32x4.convert_i32x4_s(sideLanes(from + lane, zero)), scale))
      }
      from += word(step, Step.InPixel)
      to += word(step, Step.OutPixel)
    }
  }
}
