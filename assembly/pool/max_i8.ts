import { Step } from '../program/format'
import { input, output, word } from '../program/operands'

/**
 * out[y][x][c] = max over i, j < k of in[y s + i - p][x s + j - p][c], p = (k - 1) / 2, on bytes; taps outside the picture do not
 * count. Sixteen lanes at a time, the last sixteen moved left to end with the pixel; pixels under 16 lanes go by four.
 */
export function i8_max_pool(step: usize, begin: i32, end: i32): void {
  const kernel = <i32>word(step, Step.Kernel)
  const stride = <i32>word(step, Step.Stride)
  const columns = <i32>word(step, Step.Columns)
  const lanes: usize = word(step, Step.Lanes)
  const row: usize = word(step, Step.InRow)
  const pixel: usize = word(step, Step.InPixel)
  const bottom = <i32>word(step, Step.InRows) - 1
  const right = <i32>word(step, Step.InColumns) - 1
  const reach = kernel - 1 >> 1
  for (let y = begin; y < end; ++y) {
    const v = y * stride - reach
    const top = inside(v, bottom)
    const rows = inside(v + kernel - 1, bottom) - top
    let to = output(step) + <usize>(y * word(step, Step.OutRow))
    for (let x = 0; x < columns; ++x, to += word(step, Step.OutPixel)) {
      const u = x * stride - reach
      const left = inside(u, right)
      const from = input(step) + <usize>top * row + <usize>left * pixel
      const across = inside(u + kernel - 1, right) - left
      if (lanes < 16) for (let c: usize = 0; c < lanes; c += 4) {
        let largest = i8x16.splat(0)
        let a = from + c
        for (let i = 0; i <= rows; ++i, a += row) {
          let p = a
          for (let j = 0; j <= across; ++j, p += pixel) largest = i8x16.max_u(largest, v128.load32_zero(p))
        }
        v128.store32_lane(to + c, largest, 0)
      } else for (let c: usize = 0; c < lanes; c += 16) {
        const lane: usize = min(c, lanes - 16)
        let largest = i8x16.splat(0)
        let a = from + lane
        for (let i = 0; i <= rows; ++i, a += row) {
          let p = a
          for (let j = 0; j <= across; ++j, p += pixel) largest = i8x16.max_u(largest, v128.load(p))
        }
        v128.store(to + lane, largest)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function inside(at: i32, last: i32): i32 {
  return max(0, min(last, at))
}
