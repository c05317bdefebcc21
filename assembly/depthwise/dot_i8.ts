import { Step } from '../program/format'
import { input, operand, output, scratch, word } from '../program/operands'
import { dotAdd } from '../simd/dot'
import { clampedBytes, rounded, roundingTo, scaled, words } from '../simd/requantize'

// Depthwise 3 x 3, stride 1, by relaxed dot products: four rows of a column zipped into quads of each lane feed two rows of the output,
// w0 w1 w2 0 the upper, 0 w0 w1 w2 the lower. Two rows by two pixels by eight lanes, whose eight sums stay in registers.

/** Blocks of eight lanes whose weights fill scratch, 12 vectors each. */
// @ts-ignore: decorator
@inline
const CHUNK: usize = 80

/** Rows begin .. end - 1, of at least two pixels. */
export function dotRows(step: usize, begin: i32, end: i32): void {
  const blocks = <usize>word(step, Step.Lanes) + 7 >> 3
  for (let first: usize = 0; first < blocks; first += CHUNK) {
    const last = min(blocks, first + CHUNK)
    for (let block = first; block < last; ++block) {
      makeQuads(operand(step, Step.Weights) + block * 72, scratch + (block - first) * 192)
    }
    for (let y = begin; y < end; y += 2) {
      for (let block = first; block < last; ++block) passPixels(step, y, y + 1 < end, block, scratch + (block - first) * 192)
    }
  }
}

/** Weights of eight lanes, [9][8] -> [3 columns][upper low, upper high, lower low, lower high][4 lanes][4 rows]. */
function makeQuads(from: usize, to: usize): void {
  for (let column = 0; column < 3; ++column, from += 8, to += 64) {
    const pairs = zipBytes(v128.load64_zero(from), v128.load64_zero(from, 24))
    const rest = zipBytes(v128.load64_zero(from, 48), i8x16.splat(0))
    const low = zipLow(pairs, rest)
    const high = zipHigh(pairs, rest)
    v128.store(to, low)
    v128.store(to, high, 16)
    v128.store(to, i32x4.shl(low, 8), 32)
    v128.store(to, i32x4.shl(high, 8), 48)
  }
}

function passPixels(step: usize, y: i32, both: bool, block: usize, w: usize): void {
  const columns = <i32>word(step, Step.Columns)
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const from = input(step) + <usize>y * inRow + (block << 3)
  const to = output(step) + <usize>y * word(step, Step.OutRow) + (block << 3)
  // A last row alone is computed twice, the wrong one stored first.
  const below: usize = both ? <usize>word(step, Step.OutRow) : 0
  const fourth: usize = both ? inRow : 0
  passTiles(step, from, fourth, w, block, to, below, columns >> 1)
  if (columns & 1) {
    const last: usize = columns - 2
    passTiles(step, from + last * inPixel, fourth, w, block, to + last * word(step, Step.OutPixel), below, 1)
  }
}

/** Pairs of pixels, each handing its last two columns, zipped, to the next. */
function passTiles(step: usize, p: usize, fourth: usize, w: usize, block: usize, out: usize, below: usize, tiles: i32): void {
  const inRow: usize = word(step, Step.InRow)
  const inPixel: usize = word(step, Step.InPixel)
  const outPixels: usize = word(step, Step.OutPixel) << 1
  const bias = operand(step, Step.Bias) + (block << 5)
  let pairs: v128, rest: v128, evenLow: v128, evenHigh: v128, oddLow: v128, oddHigh: v128
  pairs = zipBytes(v128.load64_zero(p), v128.load64_zero(p + inRow))
  rest = zipBytes(v128.load64_zero(p + 2 * inRow), v128.load64_zero(p + 2 * inRow + fourth))
  evenLow = zipLow(pairs, rest)
  evenHigh = zipHigh(pairs, rest)
  p += inPixel
  pairs = zipBytes(v128.load64_zero(p), v128.load64_zero(p + inRow))
  rest = zipBytes(v128.load64_zero(p + 2 * inRow), v128.load64_zero(p + 2 * inRow + fourth))
  oddLow = zipLow(pairs, rest)
  oddHigh = zipHigh(pairs, rest)
  for (; tiles > 0; --tiles, out += outPixels) {
    let c00 = v128.load(bias); let c01 = v128.load(bias, 16)
    let c10 = c00; let c11 = c01
    let d00 = c00; let d01 = c01
    let d10 = c00; let d11 = c01
    c00 = dotAdd(v128.load(w), evenLow, c00); c01 = dotAdd(v128.load(w, 16), evenHigh, c01)
    d00 = dotAdd(v128.load(w, 32), evenLow, d00); d01 = dotAdd(v128.load(w, 48), evenHigh, d01)
    c00 = dotAdd(v128.load(w, 64), oddLow, c00); c01 = dotAdd(v128.load(w, 80), oddHigh, c01)
    d00 = dotAdd(v128.load(w, 96), oddLow, d00); d01 = dotAdd(v128.load(w, 112), oddHigh, d01)
    c10 = dotAdd(v128.load(w), oddLow, c10); c11 = dotAdd(v128.load(w, 16), oddHigh, c11)
    d10 = dotAdd(v128.load(w, 32), oddLow, d10); d11 = dotAdd(v128.load(w, 48), oddHigh, d11)
    p += inPixel
    pairs = zipBytes(v128.load64_zero(p), v128.load64_zero(p + inRow))
    rest = zipBytes(v128.load64_zero(p + 2 * inRow), v128.load64_zero(p + 2 * inRow + fourth))
    evenLow = zipLow(pairs, rest)
    evenHigh = zipHigh(pairs, rest)
    c00 = dotAdd(v128.load(w, 128), evenLow, c00); c01 = dotAdd(v128.load(w, 144), evenHigh, c01)
    d00 = dotAdd(v128.load(w, 160), evenLow, d00); d01 = dotAdd(v128.load(w, 176), evenHigh, d01)
    c10 = dotAdd(v128.load(w, 64), evenLow, c10); c11 = dotAdd(v128.load(w, 80), evenHigh, c11)
    d10 = dotAdd(v128.load(w, 96), evenLow, d10); d11 = dotAdd(v128.load(w, 112), evenHigh, d11)
    p += inPixel
    pairs = zipBytes(v128.load64_zero(p), v128.load64_zero(p + inRow))
    rest = zipBytes(v128.load64_zero(p + 2 * inRow), v128.load64_zero(p + 2 * inRow + fourth))
    oddLow = zipLow(pairs, rest)
    oddHigh = zipHigh(pairs, rest)
    c10 = dotAdd(v128.load(w, 128), oddLow, c10); c11 = dotAdd(v128.load(w, 144), oddHigh, c11)
    d10 = dotAdd(v128.load(w, 160), oddLow, d10); d11 = dotAdd(v128.load(w, 176), oddHigh, d11)
    finish(step, block, out + below, d00, d01, d10, d11)
    finish(step, block, out, c00, c01, c10, c11)
  }
}

/** Requantizes and stores two pixels; of the last block, only lanes of the picture. */
// @ts-ignore: decorator
@inline
function finish(step: usize, block: usize, out: usize, s00: v128, s01: v128, s10: v128, s11: v128): void {
  const factors = operand(step, Step.Factors) + (block << 5)
  const m0 = v128.load(factors)
  const m1 = v128.load(factors, 16)
  const rounding = roundingTo(word(step, Step.OutZero))
  const bytes = clampedBytes(
    words(rounded(scaled(s00, m0), rounding), rounded(scaled(s01, m1), rounding)),
    words(rounded(scaled(s10, m0), rounding), rounded(scaled(s11, m1), rounding)),
    v128.load8_splat(step + (Step.Low << 2)), v128.load8_splat(step + (Step.High << 2)),
  )
  const next = out + word(step, Step.OutPixel)
  if ((block << 3) + 8 <= <usize>word(step, Step.Lanes)) {
    v128.store64_lane(out, bytes, 0)
    v128.store64_lane(next, bytes, 1)
  } else {
    v128.store32_lane(out, bytes, 0)
    v128.store32_lane(next, bytes, 2)
  }
}

// @ts-ignore: decorator
@inline
function zipBytes(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// @ts-ignore: decorator
@inline
function zipLow(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}

// @ts-ignore: decorator
@inline
function zipHigh(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}
