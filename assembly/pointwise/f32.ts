import { Axis, Step } from '../program/format'
import { input, operand, output, side, word } from '../program/operands'
import { IN, OUT, pixelPointers, SIDE, UNIT } from './pixels'
import { tile4x8, tile8x4 } from './tiles'

/**
 * out[m][n] = clamp(bias[n] + sum_k in[m][k] * w[n][k] (+ side[m][n])), m over pixels, n over lanes, k over depth.
 *
 * Weights: panels of 8 lanes, [lanes / 8][depth][8], the last of 4 lanes where lanes is no multiple of 8. Pixels go in units of
 * 8: two 4x8 tiles per panel (8 independent sums hide the latency of the multiply-add; 6x8 spills without FMA), one 8x4 tile for
 * the half panel. Block panels stay in L1 while the pixels pass. Reads nothing past depth; writes whole vectors of 4 lanes.
 */
export function f32_pointwise_4x8(step: usize, begin: i32, end: i32): void {
  const rows = <i32>word(step, Step.Rows)
  const columns = <i32>word(step, Step.Columns)
  const pixels = rows * columns
  const quads = <i32>word(step, Step.Lanes) + 3 >> 2
  const panels = quads + 1 >> 1
  const byPanels = word(step, Step.Axis) == Axis.Panels
  const firstUnit = byPanels ? 0 : begin
  const lastUnit = byPanels ? (pixels + UNIT - 1) / UNIT : end
  const lastPanel = byPanels ? end : panels
  const block = <i32>word(step, Step.Block)
  for (let panel = byPanels ? begin : 0; panel < lastPanel; panel += block) {
    const stop = min(panel + block, lastPanel)
    passPixels(step, firstUnit, lastUnit, panel, stop, quads, pixels, columns)
  }
}

function passPixels(step: usize, firstUnit: i32, lastUnit: i32, panel: i32, stop: i32, quads: i32, pixels: i32, columns: i32): void {
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
  const depth = <i32>word(step, Step.Depth)
  const weights = operand(step, Step.Weights)
  const bias = operand(step, Step.Bias)
  const whole = min(stop, quads >> 1)
  const first = firstUnit * UNIT
  let y = first / columns
  let x = first - y * columns
  for (let unit = firstUnit; unit < lastUnit; ++unit) {
    const m = unit * UNIT
    pixelPointers(IN, inAt, m, x, y, pixels, columns, inRow, inPixel)
    pixelPointers(OUT, outAt, m, x, y, pixels, columns, outRow, outPixel)
    if (mode) pixelPointers(SIDE, sideAt, m, x, y, pixels, columns, sideRow, sidePixel)
    for (let p = panel; p < whole; ++p) {
      const b = weights + (<usize>(p * depth) << 5)
      tile4x8(0, b, depth, bias + (<usize>p << 5), p << 3, step, mode)
      if (m + 4 < pixels) tile4x8(4, b, depth, bias + (<usize>p << 5), p << 3, step, mode)
    }
    if (stop > whole) tile8x4(0, weights + (<usize>(whole * depth) << 5), depth, bias + (<usize>whole << 5), whole << 3, step, mode)
    x += UNIT
    while (x >= columns) { x -= columns; ++y }
  }
}
