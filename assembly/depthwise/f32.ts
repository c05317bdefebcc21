import { Step } from '../program/format'
import { input, operand, output, splatWord, word } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'

/**
 * out[y][x][c] = clamp(bias[c] + sum_{i,j} in[y s + i][x s + j][c] * w[c][i][j]), 3 x 3, stride 1 or 2.
 *
 * The input carries its zero frame. Weights: [lanes / 4][9][4]. Four pixels of a row share the nine weight vectors of a quad; at
 * stride 1 they share their columns too. The last tile is moved left to end with the row; rows under 4 pixels go one by one.
 */
export function f32_depthwise_4x4(step: usize, begin: i32, end: i32): void {
  if (word(step, Step.Stride) == 1) passRows(step, begin, end, 1)
  else passRows(step, begin, end, 2)
}

// @ts-ignore: decorator
@inline
function passRows(step: usize, begin: i32, end: i32, stride: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const lanes = <usize>(word(step, Step.Lanes) << 2)
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  for (let y = begin; y < end; ++y) {
    const from = input(step) + <usize>(y * stride) * inRow
    const to = output(step) + <usize>y * word(step, Step.OutRow)
    for (let x = 0; x < columns; x += columns < 4 ? 1 : 4) {
      const start: usize = columns < 4 || x + 4 <= columns ? x : columns - 4
      const a = from + start * <usize>stride * inPixel
      const out = to + start * outPixel
      if (columns < 4) for (let c: usize = 0; c < lanes; c += 16) {
        v128.store(out + c, clamp(onePixel(a + c, weights + c * 9, v128.load(bias + c), inRow, inPixel), low, high))
      } else for (let c: usize = 0; c < lanes; c += 16) {
        const b = v128.load(bias + c)
        let c0 = b, c1 = b, c2 = b, c3 = b
        let w = weights + c * 9
        let p = a + c
        for (let i = 0; i < 3; ++i) {
          const w0 = v128.load(w)
          const w1 = v128.load(w, 16)
          const w2 = v128.load(w, 32)
          let q = p
          let v = v128.load(q)
          c0 = madd(v, w0, c0)
          q += inPixel; v = v128.load(q)
          c0 = madd(v, w1, c0)
          if (stride == 1) c1 = madd(v, w0, c1)
          q += inPixel; v = v128.load(q)
          c0 = madd(v, w2, c0)
          if (stride == 1) { c1 = madd(v, w1, c1); c2 = madd(v, w0, c2) }
          else c1 = madd(v, w0, c1)
          q += inPixel; v = v128.load(q)
          if (stride == 1) { c1 = madd(v, w2, c1); c2 = madd(v, w1, c2); c3 = madd(v, w0, c3) }
          else c1 = madd(v, w1, c1)
          q += inPixel; v = v128.load(q)
          if (stride == 1) { c2 = madd(v, w2, c2); c3 = madd(v, w1, c3) }
          else { c1 = madd(v, w2, c1); c2 = madd(v, w0, c2) }
          q += inPixel; v = v128.load(q)
          if (stride == 1) c3 = madd(v, w2, c3)
          else {
            c2 = madd(v, w1, c2)
            q += inPixel; v = v128.load(q)
            c2 = madd(v, w2, c2); c3 = madd(v, w0, c3)
            q += inPixel; v = v128.load(q)
            c3 = madd(v, w1, c3)
            q += inPixel; v = v128.load(q)
            c3 = madd(v, w2, c3)
          }
          p += inRow
          w += 48
        }
        let o = out + c
        v128.store(o, clamp(c0, low, high))
        o += outPixel; v128.store(o, clamp(c1, low, high))
        o += outPixel; v128.store(o, clamp(c2, low, high))
        o += outPixel; v128.store(o, clamp(c3, low, high))
      }
    }
  }
}

function onePixel(p: usize, w: usize, sum: v128, inRow: usize, inPixel: usize): v128 {
  for (let i = 0; i < 3; ++i) {
    sum = madd(v128.load(p), v128.load(w), sum)
    sum = madd(v128.load(p + inPixel), v128.load(w, 16), sum)
    sum = madd(v128.load(p + 2 * inPixel), v128.load(w, 32), sum)
    p += inRow
    w += 48
  }
  return sum
}
