import { Step } from '../program/format'
import { input, operand, output, word } from '../program/operands'
import { Loop } from '../simd/dot'
import { quadLoop } from '../simd/machine'
import { placeTaps } from './taps_i8'
import { bytesTile } from './two_bytes_i8'
import { dotTile, pairsTile } from './two_dot_i8'
import { wordsTile } from './two_words_i8'

/**
 * out[y][x][t] = requantize(bias[t] + sum_{i,j,c<2} in[y s + i][x s + j][2 group(t) + c] * w[t][i][j][c]), 3 x 3, two channels per group,
 * bytes in and out, int8 weights.
 *
 * Four groups make one block of 8 lanes: plain in the input (a0 a1 b0 b1 ...), a0 b0 c0 d0 a1 b1 c1 d1 in the output. Two taps zipped by
 * int16 give each group's quad, which meets both vectors of weights. Weights: [block][5 quads][8 lanes][4 k] (docs/quantization.md); bias
 * int32 and factors float32 per lane. Tiles of pixels of a row; the last is moved left to end with the row. Units are rows.
 */
export function i8_grouped2_4x8(step: usize, begin: i32, end: i32): void {
  const loop = quadLoop(word(step, Step.Top))
  const blocks = <usize>word(step, Step.Lanes) >> 3
  placeTaps(step)
  for (let y = begin; y < end; ++y) {
    for (let block: usize = 0; block < blocks; ++block) passRow(step, loop, y, block)
  }
}

function passRow(step: usize, loop: i32, y: i32, block: usize): void {
  const stride: usize = word(step, Step.Stride)
  const columns = <i32>word(step, Step.Columns)
  const w = operand(step, Step.Weights) + block * 160
  const from = input(step) + <usize>y * stride * word(step, Step.InRow) + (block << 3)
  const to = output(step) + <usize>y * word(step, Step.OutRow) + (block << 3)
  const move = stride * word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  // In rows shorter than a tile, each pixel is all of a tile's.
  const whole = loop == Loop.Words ? 2 : 4
  const tile = columns < whole ? 1 : whole
  const apart: usize = columns < whole ? 0 : 1
  for (let x = 0; x < columns; x += tile) {
    const start: usize = min(x, columns - tile)
    const a = from + start * move
    const out = to + start * outPixel
    if (loop == Loop.Words) wordsTile(step, a, apart * move, w, block, out, apart * outPixel)
    else if (ASC_FEATURE_RELAXED_SIMD) {
      if (loop == Loop.Dot) dotTile(step, a, apart * move, w, block, out, apart * outPixel)
      else pairsTile(step, a, apart * move, w, block, out, apart * outPixel)
    } else bytesTile(step, a, apart * move, w, block, out, apart * outPixel)
  }
}
