import { Plane, Word } from './words'

/** The row kernels read up to so many bytes past the taps of a column, with weight 0; what takes a band apart up to so many past its end. */
@inline const OVERREAD = 16
@inline const BAND_OVERREAD = 64
/** Of both passes: 22 fraction bits. */
@inline const ONE: f64 = 4194304

// The axis in use.
let size: f64 = 0
let scale: f64 = 0
let support: f64 = 0
let from: f64 = 0
// The sample of the crop in use: its centre in the source, and the source samples first .. end - 1 that it is made of.
let centre: f64 = 0
let first: i32 = 0
let end: i32 = 0

/**
 * Lays a part of the crop out in staging memory and writes the tables for it: windows and fixed-point weights of
 * Pillow's antialiased bilinear filter (algorithm: libImaging/Resample.c, MIT-CMU: precompute_coeffs and normalize_coeffs_8bpc), in float64 as
 * there, so the integers are the same:
 *
 *   scale = size / resized,  s = max(scale, 1),  centre(i) = (from + i + 0.5) * scale
 *   weight(i, j) = max(0, 1 - |j + 0.5 - centre(i)| / s), normalised over j, times 2^22, rounded
 *
 * for samples i of the crop and samples j of the source within s of the centre; and what each byte becomes in each channel.
 * Returns how many source rows a band may have; where not even one fits into `room` bytes, the bytes needed, negative, and nothing but words
 * is written.
 *
 * words   16-aligned; see words.ts.
 */
export function u8_plan_block(words: usize, room: i32): i32 {
  const channels = word(words, Word.Channels)
  const width = word(words, Word.Width)
  const height = word(words, Word.Height)
  const verticalFirst = word(words, Word.VerticalFirst)
  const planar = word(words, Word.Planar)

  useAxis(words, Word.Columns)
  let most = 0
  for (let x = 0; x < width; ++x) {
    useSample(x)
    most = max(most, end - first)
  }
  const rightEnd = end
  useSample(0)
  const unit = channels == 1 ? 4 : 2
  const taps = (most + unit - 1) / unit * unit
  const fromRight = word(words, Word.FromRight)
  const columnSize = <i32>size
  // Two pixels share a U and a V.
  const sourceLeft = (fromRight ? columnSize - rightEnd : first) & -2
  const columns = (fromRight ? columnSize - first : rightEnd) - sourceLeft

  useAxis(words, Word.Rows)
  let mostRows = 0
  let rowTaps: i64 = 0
  for (let y = 0; y < height; ++y) {
    useSample(y)
    mostRows = max(mostRows, end - first)
    rowTaps += end - first
  }
  setWord(words, Word.EndRow, end)
  useSample(0)
  const firstRow = first
  setWord(words, Word.FirstRow, firstRow)
  setWord(words, Word.SourceLeft, sourceLeft)
  setWord(words, Word.SourceColumns, columns)
  setWord(words, Word.Taps, taps)
  setWord(words, Word.RingRows, mostRows)
  const wide = align16(<i64>columns * channels)
  const quads = align16(<i64>width * 4)
  const ringStride = verticalFirst ? wide : quads
  setWord(words, Word.RingStride, <i32>ringStride)

  const slack = <i64>taps * channels
  let bytes = align16(Word.Words << 2)
  bytes = take(words, Word.RowFirst, bytes, <i64>height * 4)
  bytes = take(words, Word.RowEnd, bytes, <i64>height * 4)
  bytes = take(words, Word.RowWeights, bytes, rowTaps * 4)
  bytes = take(words, Word.Windows, bytes, quads)
  bytes = take(words, Word.Weights, bytes, quads * taps)
  bytes = take(words, Word.Tables, bytes, word(words, Word.Integers) ? 3 * 256 : 3 * 256 * 4)
  bytes = take(words, Word.Ring, bytes, mostRows * ringStride)
  bytes = take(words, Word.WideRow, bytes, verticalFirst || planar ? wide + slack + OVERREAD : 0)
  bytes = take(words, Word.Row, bytes, quads)
  bytes = take(words, Word.Scratch, bytes, planar ? <i64>columns * 2 + 48 : 0)
  const rows = layBand(words, columns, bytes, <i64>room - slack - BAND_OVERREAD, slack + BAND_OVERREAD)
  if (rows < 0) return rows

  writeColumns(words, fromRight, columnSize, sourceLeft)
  writeRows(words, firstRow)
  writeTables(words)
  setWord(words, Word.Taken, 0)
  setWord(words, Word.Made, 0)
  setWord(words, Word.Used, 0)
  return rows
}

/** Planes of a band, one after the other from byte `at` on, to byte `end` at most. How many rows they have. */
function layBand(words: usize, columns: i32, at: i64, end: i64, slack: i64): i32 {
  let needed: i64 = 0
  /** Twice the bytes of a row, where each second row has U and V. */
  let each: i64 = 0
  for (let i = 0; i < 3; ++i) {
    const plane = Word.Planes + i * Plane.Words
    const bytes = (((columns - 1) >> word(words, plane + Plane.Across)) + 1) * word(words, plane + Plane.PixelBytes)
    const rowBytes = word(words, plane + Plane.RowBytes)
    // Rows with few bytes between them are copied with those, at once.
    const stride = rowBytes >= bytes && rowBytes <= bytes * 2 ? rowBytes : bytes
    setWord(words, plane + Plane.Bytes, bytes)
    setWord(words, plane + Plane.Stride, stride)
    needed += bytes
    each += (<i64>stride << 1) >> word(words, plane + Plane.Down)
  }
  if (at + needed > end) return -(<i32>min<i64>(at + needed + slack, i32.MAX_VALUE))
  const rows = <i32>min<i64>(max<i64>(1, (end - at - needed) * 2 / each), i32.MAX_VALUE)
  for (let i = 0; i < 3; ++i) {
    const plane = Word.Planes + i * Plane.Words
    setWord(words, plane + Plane.At, <i32>at)
    // Of an odd number of rows, or from an odd one on, one more is needed.
    const more = word(words, plane + Plane.Down) ? rows >> 1 : rows - 1
    at += <i64>more * word(words, plane + Plane.Stride) + word(words, plane + Plane.Bytes)
  }
  return rows
}

function writeColumns(words: usize, fromRight: i32, columnSize: i32, sourceLeft: i32): void {
  useAxis(words, Word.Columns)
  const channels = word(words, Word.Channels)
  const stride = <usize>word(words, Word.Taps) << 2
  const width = word(words, Word.Width)
  let window = words + <usize>word(words, Word.Windows)
  let weights = words + <usize>word(words, Word.Weights)
  // Pixels come in whole fours.
  memory.fill(window, 0, <usize>word(words, Word.Tables) - <usize>word(words, Word.Windows))
  for (let x = 0; x < width; ++x, window += 4, weights += stride) {
    useSample(x)
    store<i32>(window, ((fromRight ? columnSize - end : first) - sourceLeft) * channels)
    writeWeights(weights, fromRight)
  }
}

function writeRows(words: usize, firstRow: i32): void {
  useAxis(words, Word.Rows)
  const height = word(words, Word.Height)
  const firsts = words + <usize>word(words, Word.RowFirst)
  const ends = words + <usize>word(words, Word.RowEnd)
  let weights = words + <usize>word(words, Word.RowWeights)
  for (let y = 0; y < height; ++y) {
    useSample(y)
    store<i32>(firsts + (<usize>y << 2), first - firstRow)
    store<i32>(ends + (<usize>y << 2), end - firstRow)
    writeWeights(weights, 0)
    weights += <usize>(end - first) << 2
  }
}

/** Of the sample in use, the first one last if `reversed`. */
function writeWeights(weights: usize, reversed: i32): void {
  const inverse = 1.0 / support
  let sum: f64 = 0
  for (let j = first; j < end; ++j) sum += weightOf(j, inverse)
  for (let j = first; j < end; ++j) {
    const place = reversed ? end - 1 - j : j - first
    store<i32>(weights + (<usize>place << 2), <i32>(0.5 + weightOf(j, inverse) / sum * ONE))
  }
}

/** Every operation rounds to float32, as PyTorch does in ToTensor and Normalize. */
function writeTables(words: usize): void {
  const integers = word(words, Word.Integers)
  let target = words + <usize>word(words, Word.Tables)
  for (let c: usize = 0; c < 3; ++c) {
    const mean = load<f32>(words + (c << 2), Word.Mean << 2)
    const deviation = load<f32>(words + (c << 2), Word.Deviation << 2)
    for (let byte = 0; byte < 256; ++byte) {
      const value = (<f32>byte / 255 - mean) / deviation
      if (integers) {
        store<u8>(target, stored(words, value))
        target += 1
      } else {
        store<f32>(target, value)
        target += 4
      }
    }
  }
}

/** clamp(rne(f(value / Scale) + Zero), 0, Top) */
function stored(words: usize, value: f32): i32 {
  const scaled = <f64>(value / load<f32>(words, Word.Scale << 2)) + <f64>word(words, Word.Zero)
  const top = word(words, Word.Top)
  if (!(scaled > 0)) return 0
  if (scaled >= <f64>top) return top
  const floor = <i32>scaled
  const rest = scaled - <f64>floor
  return rest > 0.5 || (rest == 0.5 && (floor & 1)) ? floor + 1 : floor
}

function useAxis(words: usize, at: i32): void {
  words += <usize>at << 2
  size = load<f64>(words)
  scale = size / load<f64>(words, 8)
  support = scale > 1 ? scale : 1
  from = load<f64>(words, 16)
}

/** Edge windows are cut. Whatever the host says, none lies outside the source. */
function useSample(sample: i32): void {
  centre = (from + <f64>sample + 0.5) * scale
  first = max(0, min(<i32>size - 1, <i32>(centre - support + 0.5)))
  end = max(first + 1, min(<i32>size, <i32>(centre + support + 0.5)))
}

// @ts-ignore: decorator
@inline
function weightOf(tap: i32, inverse: f64): f64 {
  const offset = (<f64>tap - centre + 0.5) * inverse
  const distance = offset < 0 ? -offset : offset
  return distance < 1 ? 1 - distance : 0
}

function take(words: usize, which: i32, at: i64, bytes: i64): i64 {
  setWord(words, which, <i32>at)
  return at + align16(bytes)
}

// @ts-ignore: decorator
@inline
function align16(bytes: i64): i64 {
  return (bytes + 15) & -16
}

// @ts-ignore: decorator
@inline
function word(words: usize, index: i32): i32 {
  return load<i32>(words + (<usize>index << 2))
}

// @ts-ignore: decorator
@inline
function setWord(words: usize, index: i32, value: i32): void {
  store<i32>(words + (<usize>index << 2), value)
}
