import { convolve } from '../pointwise/i8'
import { fullWindow } from '../pointwise/window_i8'
import { Step } from '../program/format'
import { word } from '../program/operands'

/**
 * out[y][x][n] = requantize(bias[n] + sum_{i,j,c} in[y s + i][x s + j][c] * w[n][i][j][c]), a dense k x k convolution on bytes.
 *
 * A pointwise convolution whose sums run over the rows of the window: same tiles, panels and epilogue (pointwise/i8.ts), with
 * k = taps x lanes of a pixel. The input's frame lies in memory, so a tap is always inside; nothing is copied.
 */
export function i8_full_4x8(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const stride: usize = word(step, Step.Stride)
  const panels = <i32>word(step, Step.Lanes) + 7 >> 3
  fullWindow(step)
  convolve(
    step, begin * columns, end * columns, 0, panels, panels,
    stride * word(step, Step.InRow), stride * word(step, Step.InPixel),
  )
}
