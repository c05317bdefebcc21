import { Step } from '../program/format'
import { output, word } from '../program/operands'

/**
 * Fills the frame of Kernel pixels around a picture of bytes, Rows x Columns pixels (frame included) at Out, with the zero point
 * InZero, which stands for 0. Units are rows.
 */
export function i8_border(step: usize, begin: i32, end: i32): void {
  const rows = <i32>word(step, Step.Rows)
  const width = <i32>word(step, Step.Kernel)
  const zero = <u8>word(step, Step.InZero)
  const row: usize = word(step, Step.OutRow)
  const side = <usize>width * word(step, Step.OutPixel)
  for (let y = begin; y < end; ++y) {
    const p = output(step) + <usize>y * row
    if (y < width || y >= rows - width) memory.fill(p, zero, row)
    else {
      memory.fill(p, zero, side)
      memory.fill(p + row - side, zero, side)
    }
  }
}
