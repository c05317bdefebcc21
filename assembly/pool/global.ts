import { Step } from '../program/format'
import { input, output, word } from '../program/operands'

/**
 * out[c] = mean over y, x of in[y][x][c]. Sums per row, then of rows: the rounding error grows with the side, not with the area.
 * Units are quads; up to four go together so that a whole cache line is used when it is fetched. Alone or together, a quad is summed
 * in the same order: threads change no bit.
 */
export function f32_global_pool(step: usize, begin: i32, end: i32): void {
  const area = f32x4.splat(1 / (<f32>word(step, Step.InRows) * <f32>word(step, Step.InColumns)))
  const rows = <i32>word(step, Step.InRows)
  const columns = <i32>word(step, Step.InColumns)
  const row: usize = word(step, Step.InRow)
  const pixel: usize = word(step, Step.InPixel)
  const zero = f32x4.splat(0)
  let quad = begin
  for (; quad + 4 <= end; quad += 4) {
    let p = input(step) + (<usize>quad << 4)
    let t0 = zero, t1 = zero, t2 = zero, t3 = zero
    for (let y = 0; y < rows; ++y, p += row) {
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero
      let a = p
      for (let x = 0; x < columns; ++x, a += pixel) {
        s0 = f32x4.add(s0, v128.load(a))
        s1 = f32x4.add(s1, v128.load(a, 16))
        s2 = f32x4.add(s2, v128.load(a, 32))
        s3 = f32x4.add(s3, v128.load(a, 48))
      }
      t0 = f32x4.add(t0, s0)
      t1 = f32x4.add(t1, s1)
      t2 = f32x4.add(t2, s2)
      t3 = f32x4.add(t3, s3)
    }
    const to = output(step) + (<usize>quad << 4)
    v128.store(to, f32x4.mul(t0, area))
    v128.store(to, f32x4.mul(t1, area), 16)
    v128.store(to, f32x4.mul(t2, area), 32)
    v128.store(to, f32x4.mul(t3, area), 48)
  }
  for (; quad < end; ++quad) {
    let p = input(step) + (<usize>quad << 4)
    let t = zero
    for (let y = 0; y < rows; ++y, p += row) {
      let s = zero
      let a = p
      for (let x = 0; x < columns; ++x, a += pixel) s = f32x4.add(s, v128.load(a))
      t = f32x4.add(t, s)
    }
    v128.store(output(step) + (<usize>quad << 4), f32x4.mul(t, area))
  }
}
