import { bytesOf, HALF } from './rounding'

/**
 * Vertical pass of Pillow's antialiased resize (algorithm: libImaging/Resample.c, MIT-CMU), one row:
 *
 *   target[i] = clamp((2^21 + sum_j weight[j] * ring[(slot + j) mod slots][i]) >> 22, 0, 255)
 *
 * Bytes are bytes here: it serves any number of channels.
 *
 * target   `rowBytes` bytes, written whole; not inside the ring.
 * ring     `slots` rows of `rowBytes` bytes, a multiple of 16 >= 16.
 * slot     ring row of the first tap, 0 <= slot < slots.
 * weights  `taps` i32, 1 <= taps <= slots.
 */
export function u8_resize_columns(
  target: usize,
  ring: usize,
  rowBytes: i32,
  slots: i32,
  slot: i32,
  weights: usize,
  taps: i32,
): void {
  const stride = <usize>rowBytes
  const weightsEnd = weights + ((<usize>taps) << 2)
  const wrapAt = min(weightsEnd, weights + (<usize>(slots - slot) << 2))
  const first = ring + <usize>slot * stride
  for (let i: usize = 0; i < stride; i += 16) {
    let sum0 = i32x4.splat(HALF)
    let sum1 = sum0
    let sum2 = sum0
    let sum3 = sum0
    let row = first + i
    let weight = weights
    let stop = wrapAt
    while (true) {
      do {
        const bytes = v128.load(row)
        const w = v128.load32_splat(weight)
        const low = i16x8.extend_low_i8x16_u(bytes)
        const high = i16x8.extend_high_i8x16_u(bytes)
        sum0 = i32x4.add(sum0, i32x4.mul(i32x4.extend_low_i16x8_u(low), w))
        sum1 = i32x4.add(sum1, i32x4.mul(i32x4.extend_high_i16x8_u(low), w))
        sum2 = i32x4.add(sum2, i32x4.mul(i32x4.extend_low_i16x8_u(high), w))
        sum3 = i32x4.add(sum3, i32x4.mul(i32x4.extend_high_i16x8_u(high), w))
        row += stride
        weight += 4
      } while (weight < stop)
      if (stop == weightsEnd) break
      row = ring + i
      stop = weightsEnd
    }
    v128.store(target + i, bytesOf(sum0, sum1, sum2, sum3))
  }
}
