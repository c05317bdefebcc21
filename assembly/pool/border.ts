import { Step } from '../program/format'
import { output, word } from '../program/operands'

/**
 * Zeroes the frame of Kernel pixels around a picture of Rows x Columns pixels (frame included) at Out, so that convolutions read
 * their padding from memory and need no edge cases. Units are rows.
 */
export function f32_border(step: usize, begin: i32, end: i32): void {
  const rows = <i32>word(step, Step.Rows)
  const width = <i32>word(step, Step.Kernel)
  const row: usize = word(step, Step.OutRow)
  const side = <usize>width * word(step, Step.OutPixel)
  for (let y = begin; y < end; ++y) {
    const p = output(step) + <usize>y * row
    if (y < width || y >= rows - width) memory.fill(p, 0, row)
    else {
      memory.fill(p, 0, side)
      memory.fill(p + row - side, 0, side)
    }
  }
}
