import { Step } from '../program/format'
import { input, output, word } from '../program/operands'

/**
 * out[y][x][c] = max over i, j < k of in[y s + i - p][x s + j - p][c], p = (k - 1) / 2; taps outside the picture are left out.
 * Outside taps are moved to the nearest pixel inside, which the window contains anyway for p < k.
 */
export function f32_max_pool(step: usize, begin: i32, end: i32): void {
  const kernel = <i32>word(step, Step.Kernel)
  const stride = <i32>word(step, Step.Stride)
  const inRows = <i32>word(step, Step.InRows)
  const inColumns = <i32>word(step, Step.InColumns)
  const columns = <i32>word(step, Step.Columns)
  const lanes = <usize>(word(step, Step.Lanes) << 2)
  const row: usize = word(step, Step.InRow)
  const pixel: usize = word(step, Step.InPixel)
  const reach = kernel - 1 >> 1
  for (let y = begin; y < end; ++y) {
    let to = output(step) + <usize>(y * word(step, Step.OutRow))
    for (let x = 0; x < columns; ++x, to += word(step, Step.OutPixel)) {
      for (let c: usize = 0; c < lanes; c += 16) {
        let largest = f32x4.splat(-Infinity)
        for (let i = 0; i < kernel; ++i) {
          const v = max(0, min(inRows - 1, y * stride + i - reach))
          for (let j = 0; j < kernel; ++j) {
            const u = max(0, min(inColumns - 1, x * stride + j - reach))
            largest = f32x4.pmax(largest, v128.load(input(step) + <usize>v * row + <usize>u * pixel + c))
          }
        }
        v128.store(to + c, largest)
      }
    }
  }
}
