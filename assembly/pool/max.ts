import { Step } from '../program/format'
import { input, output, word } from '../program/operands'

/**
 * out[y][x][c] = max over i, j < k of in[y s + i - p][x s + j - p][c], p = (k - 1) / 2; taps outside the picture do not count: the
 * window is cut where it ends. Whole 3 x 3 windows, nearly all of them in every network here, are written out.
 */
export function f32_max_pool(step: usize, begin: i32, end: i32): void {
  const kernel = <i32>word(step, Step.Kernel)
  const stride = <i32>word(step, Step.Stride)
  const columns = <i32>word(step, Step.Columns)
  const lanes = <usize>(word(step, Step.Lanes) << 2)
  const row: usize = word(step, Step.InRow)
  const pixel: usize = word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  const bottom = <i32>word(step, Step.InRows) - 1
  const right = <i32>word(step, Step.InColumns) - 1
  const reach = kernel - 1 >> 1
  const picture = input(step)
  for (let y = begin; y < end; ++y) {
    const v = y * stride - reach
    const top = inside(v, bottom)
    const rows = inside(v + kernel - 1, bottom) - top
    let to = output(step) + <usize>(y * word(step, Step.OutRow))
    for (let x = 0; x < columns; ++x, to += outPixel) {
      const u = x * stride - reach
      const left = inside(u, right)
      const across = inside(u + kernel - 1, right) - left
      let a = picture + <usize>top * row + <usize>left * pixel
      const stop = to + lanes
      if (rows == 2 && across == 2) for (let out = to; out < stop; out += 16, a += 16) {
        let largest = f32x4.splat(-Infinity)
        let p = a
        largest = f32x4.pmax(largest, v128.load(p))
        largest = f32x4.pmax(largest, v128.load(p + pixel))
        largest = f32x4.pmax(largest, v128.load(p + 2 * pixel))
        p += row
        largest = f32x4.pmax(largest, v128.load(p))
        largest = f32x4.pmax(largest, v128.load(p + pixel))
        largest = f32x4.pmax(largest, v128.load(p + 2 * pixel))
        p += row
        largest = f32x4.pmax(largest, v128.load(p))
        largest = f32x4.pmax(largest, v128.load(p + pixel))
        largest = f32x4.pmax(largest, v128.load(p + 2 * pixel))
        v128.store(out, largest)
      } else for (let out = to; out < stop; out += 16, a += 16) {
        let largest = f32x4.splat(-Infinity)
        let first = a
        for (let i = 0; i <= rows; ++i, first += row) {
          let p = first
          for (let j = 0; j <= across; ++j, p += pixel) largest = f32x4.pmax(largest, v128.load(p))
        }
        v128.store(out, largest)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function inside(at: i32, last: i32): i32 {
  return max(0, min(last, at))
}
