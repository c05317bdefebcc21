import { Axis, Step } from '../program/format'
import { input, operand, output, side, word } from '../program/operands'
import { pixelsPerTile, WIDEST } from '../simd/machine'
import { IN, OUT, pixelPointers, SIDE, UNIT } from './pixels'
import { tile8x4 } from './tile_8x4'
import { tile8x8 } from './tile_8x8'
import { MOST_ROWS, tileRows } from './tile_rows'

/**
 * out[m][n] = clamp(bias[n] (+ side[m][n]) + sum_k in[m][k] * w[n][k]), m over pixels, n over lanes, k over depth.
 *
 * Weights: panels of 8 lanes, [lanes / 8][depth][8], the last of 4 lanes where lanes is no multiple of 8. Threads share pixels in
 * units of 8 (or panels); a tile takes as many pixels as the machine has registers for, and every tile sums an output in the same
 * order. Block panels stay in cache while the pixels pass. Reads nothing past depth; writes whole vectors of 4 lanes.
 */
export function f32_pointwise_4x8(step: usize, begin: i32, end: i32): void {
  const pixels = <i32>(word(step, Step.Rows) * word(step, Step.Columns))
  const quads = <i32>word(step, Step.Lanes) + 3 >> 2
  const byPanels = word(step, Step.Axis) == Axis.Panels
  const first = byPanels ? 0 : begin * UNIT
  const last = byPanels ? pixels : min(end * UNIT, pixels)
  const lastPanel = byPanels ? end : quads + 1 >> 1
  const block = <i32>word(step, Step.Block)
  const most = pixelsPerTile()
  const wide = most == WIDEST ? first + (last - first & -WIDEST) : first
  for (let panel = byPanels ? begin : 0; panel < lastPanel; panel += block) {
    const stop = min(panel + block, lastPanel)
    const whole = min(stop, quads >> 1)
    if (panel < whole) {
      if (first < wide) passPixels(step, first, wide, WIDEST, panel, whole, pixels)
      if (wide < last) passPixels(step, wide, last, min(most, MOST_ROWS), panel, whole, pixels)
    }
    if (whole < stop) passPixels(step, first, last, UNIT, whole, whole, pixels)
  }
}

/** Panels `panel` .. `stop` - 1 at pixels `first` .. `last` - 1, `most` at a time; the half panel `panel` where there are none. */
function passPixels(step: usize, first: i32, last: i32, most: i32, panel: i32, stop: i32, pixels: i32): void {
  const inAt = input(step)
  const outAt = output(step)
  const mode = word(step, Step.SideMode)
  const sideAt = mode ? side(step) : 0
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const outRow: usize = word(step, Step.OutRow)
  const outPixel: usize = word(step, Step.OutPixel)
  const sideRow: usize = word(step, Step.SideRow)
  const sidePixel: usize = word(step, Step.SidePixel)
  const columns = <i32>word(step, Step.Columns)
  const depth = word(step, Step.Depth)
  const panelBytes = <usize>depth << 5
  const weights = operand(step, Step.Weights) + <usize>panel * panelBytes
  const bias = operand(step, Step.Bias) + (<usize>panel << 5)
  let tiles = (last - first + most - 1) / most
  let y = first / columns
  let x = first - y * columns
  for (let m = first; m < last;) {
    // Two tiles of four are faster than one of six and one of two.
    const count = most == UNIT ? min(UNIT, last - m) : (last - m + tiles - 1) / tiles
    tiles -= 1
    pixelPointers(IN, inAt, m, x, y, pixels, columns, inRow, inPixel)
    pixelPointers(OUT, outAt, m, x, y, pixels, columns, outRow, outPixel)
    if (mode) pixelPointers(SIDE, sideAt, m, x, y, pixels, columns, sideRow, sidePixel)
    let b = weights
    let biasAt = bias
    for (let p = panel; p < stop; ++p) {
      if (most == WIDEST) tile8x8(b, depth, biasAt, p << 3, step, mode)
      else tileRows(count, b, depth, biasAt, p << 3, step, mode)
      b += panelBytes
      biasAt += 32
    }
    if (panel == stop) tile8x4(b, depth, bias, panel << 3, step, mode)
    m += count
    x += count
    while (x >= columns) { x -= columns; ++y }
  }
}
