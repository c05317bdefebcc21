import { Step } from '../program/format'
import { input, operand, output, word } from '../program/operands'
import { Loop } from '../simd/dot'
import { quadLoop } from '../simd/machine'
import { bytesTile } from './six_bytes_i8'
import { dotTile, pairsTile } from './six_dot_i8'
import { widenBlock, wordsTile } from './six_words_i8'
import { placeTaps } from './taps_i8'

/**
 * out[y][x][t] = requantize(bias[t] + sum_{i,j,c<6} in[y s + i][x s + j][6 group(t) + c] * w[t][i][j][c]), 3 x 3, six channels per group,
 * bytes in and out, int8 weights.
 *
 * Two groups a and b make one block of 12 lanes: in the input a0..a3 b0..b3 a4 a5 b4 b5, in the output a0 b0 a1 b1 ... a5 b5. So eight
 * bytes, twice, meet three vectors of weights without a shuffle, as members 0..3 of one tap; members 4 and 5 of two taps make a quad
 * together. Weights: [block][14 quads][12 lanes][4 k] (docs/quantization.md); bias int32 and factors float32 per lane. Tiles of three
 * pixels of a row; the last is moved left to end with the row. Units are rows.
 */
export function i8_grouped6_3x12(step: usize, begin: i32, end: i32): void {
  const loop = quadLoop(word(step, Step.Top))
  const blocks = <usize>word(step, Step.Lanes) / 12
  placeTaps(step)
  for (let block: usize = 0; block < blocks; ++block) {
    const w = operand(step, Step.Weights) + block * 672
    if (loop == Loop.Words) widenBlock(step, w, block)
    for (let y = begin; y < end; ++y) passRow(step, loop, y, w, block)
  }
}

function passRow(step: usize, loop: i32, y: i32, w: usize, block: usize): void {
  const stride: usize = word(step, Step.Stride)
  const columns = <i32>word(step, Step.Columns)
  const from = input(step) + <usize>y * stride * word(step, Step.InRow) + block * 12
  const to = output(step) + <usize>y * word(step, Step.OutRow) + block * 12
  const move = stride * word(step, Step.InPixel)
  const outPixel: usize = word(step, Step.OutPixel)
  // In rows under three pixels, each is all three of a tile.
  const tile = columns < 3 ? 1 : 3
  const apart: usize = columns < 3 ? 0 : 1
  for (let x = 0; x < columns; x += tile) {
    const start: usize = min(x, columns - tile)
    const a = from + start * move
    const out = to + start * outPixel
    if (loop == Loop.Words) wordsTile(step, a, apart * move, block, out, apart * outPixel)
    else if (ASC_FEATURE_RELAXED_SIMD) {
      if (loop == Loop.Dot) dotTile(step, a, apart * move, w, block, out, apart * outPixel)
      else pairsTile(step, a, apart * move, w, block, out, apart * outPixel)
    } else bytesTile(step, a, apart * move, w, block, out, apart * outPixel)
  }
}
