import { u8_resize_columns } from './columns'
import { f32_normalise_row } from './normalise'
import { u8_normalise_row } from './quantise'
import { u8_resize_row_gray, u8_resize_row_rgb, u8_resize_row_rgba } from './rows'
import { Plane, Word } from './words'
import { swapRow, u8_pick_row, u8_yuv_row } from './yuv'

/** Row of U and V, counted from the band's first, whose samples lie in scratch; -1: none. */
let picked: i32 = -1

/**
 * Takes source rows top .. top + rows - 1, and makes all rows of the crop that need none beyond:
 *
 *   horizontal first:  source row -> [row kernel] -> ring -> [columns] -> row -> [normalise] -> output
 *   vertical first:    source row -> ring -> [columns] -> wideRow -> [row kernel] -> row -> [normalise] -> output
 *
 * A row of YUV becomes RGBA before anything else, by way of wideRow where it does not go to the ring. Bands follow one another, downwards, or upwards where `Up` says so; together they are the rows that the crop needs.
 * How a picture is turned is in the words: mirrored ones have mirrored windows, and where rows become columns, so do the steps of the output.
 *
 * words    as u8_plan_block left them. Of each plane of the band up to 64 bytes past its end are read.
 */
export function u8_resize_band(words: usize, top: i32, rows: i32): void {
  const height = word(words, Word.Height)
  const ends = place(words, Word.RowEnd)
  let taken = word(words, Word.Taken)
  let made = word(words, Word.Made)
  picked = -1
  for (let i = 0; i < rows; ++i, ++taken) {
    takeRow(words, taken, word(words, Word.Up) ? rows - 1 - i : i, top)
    for (; made < height && load<i32>(ends + (<usize>made << 2)) <= taken + 1; ++made) makeRow(words, made)
  }
  store<i32>(words + (Word.Taken << 2), taken)
  store<i32>(words + (Word.Made << 2), made)
}

/** Row `row` of the band, into the ring. */
function takeRow(words: usize, taken: i32, row: i32, top: i32): void {
  const verticalFirst = word(words, Word.VerticalFirst)
  const slot = place(words, Word.Ring) + <usize>(taken % word(words, Word.RingRows) * word(words, Word.RingStride))
  if (word(words, Word.Planar)) {
    const target = verticalFirst ? slot : place(words, Word.WideRow)
    toRgba(words, target, row, top)
    if (!verticalFirst) resizeRow(words, slot, target)
    return
  }
  const source = planeRow(words, 0, row)
  if (!verticalFirst) {
    resizeRow(words, slot, source)
    return
  }
  const bytes = <usize>(word(words, Word.SourceColumns) * word(words, Word.Channels))
  for (let i: usize = 0; i < bytes; i += 16) v128.store(slot + i, v128.load(source + i))
}

function toRgba(words: usize, target: usize, row: i32, top: i32): void {
  const columns = word(words, Word.SourceColumns)
  const shift = word(words, Word.Shift)
  const colourRow = ((top + row) >> shift) - (top >> shift)
  const half = (columns + 1) >> 1
  const scratch = place(words, Word.Scratch)
  const us = scratch + <usize>((columns + 15) & -16)
  const vs = us + <usize>((half + 15) & -16)
  const y = samples(words, Word.Samples, row, columns, scratch, true)
  const fresh = colourRow != picked
  picked = colourRow
  const u = samples(words, Word.Samples + 3, colourRow, half, us, fresh)
  const v = samples(words, Word.Samples + 6, colourRow, half, vs, fresh)
  u8_yuv_row(target, y, u, v, columns, words + (Word.Matrix << 2))
}

/** Address of `count` samples side by side: where they lie, or in `scratch`, where they are put if `fresh`. */
function samples(words: usize, which: i32, row: i32, count: i32, scratch: usize, fresh: bool): usize {
  const source = planeRow(words, word(words, which), row) + <usize>word(words, which + 1)
  const step = word(words, which + 2)
  if (step == 1) return source
  if (fresh) u8_pick_row(scratch, source, count, step)
  return scratch
}

/** Row `made` of the crop, from the ring to the output. */
function makeRow(words: usize, made: i32): void {
  const row = place(words, Word.Row)
  const verticalFirst = word(words, Word.VerticalFirst)
  const first = load<i32>(place(words, Word.RowFirst) + (<usize>made << 2))
  const taps = load<i32>(place(words, Word.RowEnd) + (<usize>made << 2)) - first
  const used = word(words, Word.Used)
  const joined = verticalFirst ? place(words, Word.WideRow) : row
  const ringRows = word(words, Word.RingRows)
  u8_resize_columns(
    joined,
    place(words, Word.Ring),
    word(words, Word.RingStride),
    ringRows,
    first % ringRows,
    place(words, Word.RowWeights) + <usize>used,
    taps,
  )
  store<i32>(words + (Word.Used << 2), used + (taps << 2))
  if (verticalFirst) resizeRow(words, row, joined)
  const width = word(words, Word.Width)
  if (word(words, Word.Swapped)) swapRow(row, width)
  const output = <usize>(word(words, Word.Output) + made * word(words, Word.RowStep))
  const step = word(words, Word.ColumnStep)
  if (word(words, Word.Integers)) u8_normalise_row(output, row, place(words, Word.Tables), width, step)
  else f32_normalise_row(output, row, place(words, Word.Tables), width, step)
}

function resizeRow(words: usize, target: usize, source: usize): void {
  const windows = place(words, Word.Windows)
  const weights = place(words, Word.Weights)
  const width = word(words, Word.Width)
  const taps = word(words, Word.Taps)
  const channels = word(words, Word.Channels)
  if (channels == 4) u8_resize_row_rgba(target, source, windows, weights, width, taps)
  else if (channels == 3) u8_resize_row_rgb(target, source, windows, weights, width, taps)
  else u8_resize_row_gray(target, source, windows, weights, width, taps)
}

// @ts-ignore: decorator
@inline
function word(words: usize, index: i32): i32 {
  return load<i32>(words + (<usize>index << 2))
}

// @ts-ignore: decorator
@inline
function place(words: usize, index: i32): usize {
  return words + <usize>word(words, index)
}

// @ts-ignore: decorator
@inline
function planeRow(words: usize, plane: i32, row: i32): usize {
  const at = Word.Planes + plane * Plane.Words
  return place(words, at + Plane.At) + <usize>(row * word(words, at + Plane.Stride))
}
