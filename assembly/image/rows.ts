import { bytesOf, HALF } from './rounding'

// Horizontal pass of Pillow's antialiased resize (algorithm: libImaging/Resample.c, MIT-CMU):
//
//   target[x] = clamp((2^21 + sum_j weight[x][j] * source[first[x] + j]) >> 22, 0, 255),  j < taps
//
// target   4 bytes per pixel, `count` >= 1 pixels, written in whole fours.
// source   first byte of the row; bytes per pixel 1, 3 or 4.
// windows  per pixel an i32, the byte offset of its first tap in source; whole fours of pixels.
// weights  i32 [x][taps]; unused taps are 0.
// taps     a multiple of 2, for gray of 4; the same for all pixels, so that processors foresee every branch.
//
// Reads up to 16 bytes past the last tap: any bytes there will do, their weight is 0.

/** RGBA -> RGBA; alpha is resized like a colour and ignored later. */
export function u8_resize_row_rgba(target: usize, source: usize, windows: usize, weights: usize, count: i32, taps: i32): void {
  resizeRow(target, source, windows, weights, count, taps, 4)
}

/** RGB -> RGB and a fourth byte of no meaning (the next pixel's red, resized). */
export function u8_resize_row_rgb(target: usize, source: usize, windows: usize, weights: usize, count: i32, taps: i32): void {
  resizeRow(target, source, windows, weights, count, taps, 3)
}

/** Gray -> the same byte four times. */
export function u8_resize_row_gray(target: usize, source: usize, windows: usize, weights: usize, count: i32, taps: i32): void {
  resizeRow(target, source, windows, weights, count, taps, 1)
}

// @ts-ignore: decorator
@inline
function resizeRow(target: usize, source: usize, windows: usize, weights: usize, count: i32, taps: i32, channels: i32): void {
  const stride = <usize>taps << 2
  for (const end = target + (<usize>count << 2); target < end; target += 16) {
    const sum0 = sumTaps(source + <usize>load<u32>(windows), weights, stride, channels)
    weights += stride
    const sum1 = sumTaps(source + <usize>load<u32>(windows, 4), weights, stride, channels)
    weights += stride
    const sum2 = sumTaps(source + <usize>load<u32>(windows, 8), weights, stride, channels)
    weights += stride
    const sum3 = sumTaps(source + <usize>load<u32>(windows, 12), weights, stride, channels)
    weights += stride
    v128.store(target, bytesOf(sum0, sum1, sum2, sum3))
    windows += 16
  }
}

/** Sum over the taps of one pixel, an i32 lane a channel. */
// @ts-ignore: decorator
@inline
function sumTaps(taps: usize, weights: usize, bytes: usize, channels: i32): v128 {
  const end = weights + bytes
  if (channels == 1) return sumGray(taps, weights, end)
  let sum = i32x4.splat(HALF)
  for (const fours = end - 12; weights < fours; weights += 16, taps += <usize>channels << 2) {
    let pixels = v128.load(taps)
    if (channels == 3) pixels = i8x16.shuffle(pixels, pixels, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12)
    sum = addPair(sum, i16x8.extend_low_i8x16_u(pixels), weights)
    sum = addPair(sum, i16x8.extend_high_i8x16_u(pixels), weights + 8)
  }
  if (weights < end) {
    let pixels = v128.load64_zero(taps)
    if (channels == 3) pixels = i8x16.shuffle(pixels, pixels, 0, 1, 2, 3, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0)
    sum = addPair(sum, i16x8.extend_low_i8x16_u(pixels), weights)
  }
  return sum
}

// @ts-ignore: decorator
@inline
function addPair(sum: v128, pair: v128, weights: usize): v128 {
  sum = i32x4.add(sum, i32x4.mul(i32x4.extend_low_i16x8_u(pair), v128.load32_splat(weights)))
  return i32x4.add(sum, i32x4.mul(i32x4.extend_high_i16x8_u(pair), v128.load32_splat(weights, 4)))
}

// @ts-ignore: decorator
@inline
function sumGray(taps: usize, weights: usize, end: usize): v128 {
  let sums = i32x4(HALF, 0, 0, 0)
  for (; weights < end; weights += 16, taps += 4) {
    const bytes = i16x8.extend_low_i8x16_u(v128.load32_zero(taps))
    sums = i32x4.add(sums, i32x4.mul(i32x4.extend_low_i16x8_u(bytes), v128.load(weights)))
  }
  sums = i32x4.add(sums, i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return i32x4.splat(i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1))
}
