import { HALF, storeBytes } from './rounding'

// Horizontal pass of Pillow's antialiased resize (algorithm: libImaging/Resample.c, MIT-CMU):
//
//   target[x] = clamp((2^21 + sum_j weight[x][j] * source[first[x] + j]) >> 22, 0, 255)
//
// target   4 bytes per pixel, `count` >= 1 pixels, written whole.
// source   first byte of the row; bytes per pixel 1, 3 or 4.
// windows  per output pixel two i32: byte offset of its first tap in source, groups of four taps (>= 1).
// weights  i32, one group of four after another, in the order of the windows; unused taps are 0.
//
// Reads up to 16 bytes past the last tap that counts: any bytes there will do, their weight is 0.
// Groups of four: one 16-byte load holds four RGBA taps (12 of its bytes are four RGB taps).

@inline const WINDOW_BYTES: usize = 8
@inline const GROUP_BYTES: usize = 16

/** Sum over the four taps in `pixels`, one i32 lane per channel. */
// @ts-ignore: decorator
@inline
function addTaps(sum: v128, pixels: v128, weights: usize): v128 {
  const low = i16x8.extend_low_i8x16_u(pixels)
  const high = i16x8.extend_high_i8x16_u(pixels)
  sum = i32x4.add(sum, i32x4.mul(i32x4.extend_low_i16x8_u(low), v128.load32_splat(weights, 0)))
  sum = i32x4.add(sum, i32x4.mul(i32x4.extend_high_i16x8_u(low), v128.load32_splat(weights, 4)))
  sum = i32x4.add(sum, i32x4.mul(i32x4.extend_low_i16x8_u(high), v128.load32_splat(weights, 8)))
  return i32x4.add(sum, i32x4.mul(i32x4.extend_high_i16x8_u(high), v128.load32_splat(weights, 12)))
}

/** RGBA -> RGBA; alpha is resized like a colour and ignored later. */
export function u8_resize_row_rgba(target: usize, source: usize, windows: usize, weights: usize, count: i32): void {
  resizeColours(target, source, windows, weights, count, 4)
}

/** RGB -> RGB and a fourth byte of no meaning (the next pixel's red, resized). */
export function u8_resize_row_rgb(target: usize, source: usize, windows: usize, weights: usize, count: i32): void {
  resizeColours(target, source, windows, weights, count, 3)
}

// @ts-ignore: decorator
@inline
function resizeColours(target: usize, source: usize, windows: usize, weights: usize, count: i32, channels: i32): void {
  const end = target + ((<usize>count) << 2)
  while (target < end) {
    let taps = source + <usize>load<u32>(windows)
    const weightsEnd = weights + <usize>load<u32>(windows, 4) * GROUP_BYTES
    let sum = i32x4.splat(HALF)
    do {
      let pixels = v128.load(taps)
      if (channels == 3) pixels = i8x16.shuffle(pixels, pixels, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12)
      sum = addTaps(sum, pixels, weights)
      taps += <usize>channels << 2
      weights += GROUP_BYTES
    } while (weights < weightsEnd)
    storeBytes(target, sum)
    windows += WINDOW_BYTES
    target += 4
  }
}

/** Gray -> the same byte four times. */
export function u8_resize_row_gray(target: usize, source: usize, windows: usize, weights: usize, count: i32): void {
  const end = target + ((<usize>count) << 2)
  while (target < end) {
    let taps = source + <usize>load<u32>(windows)
    const weightsEnd = weights + <usize>load<u32>(windows, 4) * GROUP_BYTES
    let sums = i32x4(HALF, 0, 0, 0)
    do {
      const bytes = i16x8.extend_low_i8x16_u(v128.load32_zero(taps))
      sums = i32x4.add(sums, i32x4.mul(i32x4.extend_low_i16x8_u(bytes), v128.load(weights)))
      taps += 4
      weights += GROUP_BYTES
    } while (weights < weightsEnd)
    sums = i32x4.add(sums, i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
    const sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1)
    storeBytes(target, i32x4.splat(sum))
    windows += WINDOW_BYTES
    target += 4
  }
}
