import { Side } from '../program/format'

/**
 * Stores up to eight channels of a pixel, the low bytes of `value`, zipped with the channels that pass through a shuffle (format.ts, Side).
 * `lane` is their first in the convolution's output, `left` how many of it are real from there on: bytes past them are not touched.
 * `pass` is the address of channel `lane` of the pass-through; reads 8 bytes there, and of each of its groups.
 */
// @ts-ignore: decorator
@inline
export function storeZippedBytes(mode: u32, out: usize, pass: usize, value: v128, lane: i32, left: i32, group: usize): void {
  const a = v128.load64_zero(pass)
  if (mode != Side.Zip4) {
    const zipped = mode == Side.ZipPairs
      ? i8x16.shuffle(a, value, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
      : i8x16.shuffle(a, value, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    const to = out + (<usize>lane << 1)
    if (left >= 8) v128.store(to, zipped)
    else storePart(to, zipped, left << 1)
    return
  }
  const b = v128.load64_zero(pass + group)
  const c = v128.load64_zero(pass + 2 * group)
  const ab = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  const cd = i8x16.shuffle(c, value, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  const first = v128.shuffle<i16>(ab, cd, 0, 8, 1, 9, 2, 10, 3, 11)
  const second = v128.shuffle<i16>(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15)
  const to = out + (<usize>lane << 2)
  if (left >= 8) {
    v128.store(to, first)
    v128.store(to, second, 16)
  } else if (left >= 4) {
    v128.store(to, first)
    storePart(to + 16, second, left - 4 << 2)
  } else storePart(to, first, left << 2)
}

/** The first `bytes` bytes, an even number below 16. */
function storePart(to: usize, value: v128, bytes: i32): void {
  let low = i64x2.extract_lane(value, 0)
  if (bytes & 8) {
    store<u64>(to, low)
    to += 8
    low = i64x2.extract_lane(value, 1)
  }
  if (bytes & 4) {
    store<u32>(to, <u32>low)
    to += 4
    low >>= 32
  }
  if (bytes & 2) store<u16>(to, <u16>low)
}
