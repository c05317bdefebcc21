import { Axis, Step } from '../program/format'
import { input, operand, output, side, word } from '../program/operands'
import { Loop } from '../simd/dot'
import { tileLoop } from '../simd/machine'
import { bytesTile } from './bytes_i8'
import { dotTile, pairsTile } from './dot_i8'
import { IN, OUT, pixelPointers, SIDE, UNIT } from './pixels'
import { pointwiseWindow, quads, segments } from './window_i8'
import { wideTile } from './wide_i8'
import { widen, widenedPanels, widenedTile, wordsTile } from './words_i8'

/**
 * out[m][n] = requantize(bias[n] + sum_k in[m][k] * w[n][k] (, side[m][n])), m over pixels, n over lanes, k over depth: exact int32
 * sums, then docs/quantization.md, Requantize.
 *
 * In bytes 0..Top, weights int8 in panels of 8 lanes, [panel][depth / 4][8 lanes][4 k], the last panel filled up with zeros; bias int32
 * and factors float32 per lane, whole panels. Pixels go in units of 8; Block panels stay in L1 while the pixels pass. Reads whole quads
 * of depth, and in a last panel 4 bytes of side past its lanes; writes whole quads of lanes, zipped no byte past the real channels.
 */
export function i8_pointwise_4x8(step: usize, begin: i32, end: i32): void {
  const columns = <i32>word(step, Step.Columns)
  const pixels = <i32>word(step, Step.Rows) * columns
  const panels = <i32>word(step, Step.Lanes) + 7 >> 3
  const byPanels = word(step, Step.Axis) == Axis.Panels
  pointwiseWindow(step)
  convolve(
    step, byPanels ? 0 : begin * UNIT, byPanels ? pixels : min(end * UNIT, pixels), byPanels ? begin : 0, byPanels ? end : panels,
    <i32>word(step, Step.Block), word(step, Step.InRow), word(step, Step.InPixel),
  )
}

/** Pixels first .. last - 1 of the output in panels panel .. stop - 1, `block` of them at a time; row and pixel are the input's steps. */
export function convolve(
  step: usize, first: i32, last: i32, panel: i32, stop: i32, block: i32, row: usize, pixel: usize,
): void {
  const loop = tileLoop(word(step, Step.Top))
  // With products of int16, panels that many pixels pass are widened first.
  const fitting = loop == Loop.Words && last - first > UNIT ? widenedPanels(panelBytes()) : 0
  if (fitting > 0) block = min(block, fitting)
  for (; panel < stop; panel += block) passPixels(step, loop, fitting > 0, first, last, panel, min(panel + block, stop), row, pixel)
}

function passPixels(
  step: usize, loop: i32, widened: bool, first: i32, last: i32, panel: i32, stop: i32, inRow: usize, inPixel: usize,
): void {
  const columns = <i32>word(step, Step.Columns)
  const inAt = input(step)
  const outAt = output(step)
  const mode = word(step, Step.SideMode)
  const sideAt = mode ? side(step) : 0
  const outRow: usize = word(step, Step.OutRow)
  const outPixel: usize = word(step, Step.OutPixel)
  const sideRow: usize = word(step, Step.SideRow)
  const sidePixel: usize = word(step, Step.SidePixel)
  const bias = operand(step, Step.Bias)
  const factors = operand(step, Step.Factors)
  const bytes = panelBytes()
  const weights = operand(step, Step.Weights) + <usize>panel * bytes
  const from = widened ? widen(weights, <usize>(stop - panel) * bytes) : weights
  const pitch = widened ? bytes << 1 : bytes
  let y = first / columns
  let x = first - y * columns
  for (let m = first; m < last; m += UNIT) {
    pixelPointers(IN, inAt, m, x, y, last, columns, inRow, inPixel)
    pixelPointers(OUT, outAt, m, x, y, last, columns, outRow, outPixel)
    if (mode) pixelPointers(SIDE, sideAt, m, x, y, last, columns, sideRow, sidePixel)
    for (let p = panel; p < stop; ++p) {
      const offset = <usize>p << 5
      tiles(loop, widened, last - m, from + <usize>(p - panel) * pitch, bias + offset, factors + offset, <usize>p << 3, step, mode)
    }
    x += UNIT
    while (x >= columns) { x -= columns; ++y }
  }
}

/** Of one panel's weights. */
// @ts-ignore: decorator
@inline
function panelBytes(): usize {
  return <usize>(quads * segments) << 5
}

/** A unit's pixels in one panel; where only `left` are left, at least those. */
// @ts-ignore: decorator
@inline
function tiles(loop: i32, widened: bool, left: i32, w: usize, bias: usize, factors: usize, lane: usize, step: usize, mode: u32): void {
  if (loop == Loop.Words) {
    for (let from = 0; from < UNIT && from < left; from += 2) {
      if (widened) widenedTile(from, w, bias, factors, lane, step, mode)
      else wordsTile(from, w, bias, factors, lane, step, mode)
    }
  } else if (ASC_FEATURE_RELAXED_SIMD) {
    if (loop == Loop.Wide) wideTile(w, bias, factors, lane, step, mode)
    else if (loop == Loop.Dot) {
      dotTile(0, w, bias, factors, lane, step, mode)
      if (left > 4) dotTile(4, w, bias, factors, lane, step, mode)
    } else {
      pairsTile(0, w, bias, factors, lane, step, mode)
      if (left > 4) pairsTile(4, w, bias, factors, lane, step, mode)
    }
  } else {
    bytesTile(0, w, bias, factors, lane, step, mode)
    if (left > 4) bytesTile(4, w, bias, factors, lane, step, mode)
  }
}
