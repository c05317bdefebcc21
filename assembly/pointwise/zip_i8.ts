import { Side, Step } from '../program/format'
import { scratch, word } from '../program/operands'
import { OUT, SIDE, TILE } from './pixels'

/**
 * Stores two pixels by up to eight channels, bytes in scratch, zipped with the channels that pass through a shuffle (format.ts, Side); the pixels are
 * `from` and the next in the pointer tables, the channels lane .. lane + 7 of the convolution. Of these only those below Lanes are
 * stored: no byte past them is touched. Of the pass-through, and each of its groups, eight bytes from channel `lane` on are read.
 */
export function storeZippedBytes(from: i32, lane: usize, step: usize, mode: u32): void {
  const table = scratch + (<usize>from << 2)
  const left = <i32>word(step, Step.Lanes) - <i32>lane
  const group: usize = word(step, Step.SideGroup)
  zip(load<u32>(table, OUT + 0), <usize>load<u32>(table, SIDE + 0) + lane, v128.load64_zero(scratch, TILE), lane, left, group, mode)
  zip(load<u32>(table, OUT + 4), <usize>load<u32>(table, SIDE + 4) + lane, v128.load64_zero(scratch, TILE + 8), lane, left, group, mode)
}

// @ts-ignore: decorator
@inline
function zip(out: usize, pass: usize, value: v128, lane: usize, left: i32, group: usize, mode: u32): void {
  const a = v128.load64_zero(pass)
  if (mode != Side.Zip4) {
    const zipped = mode == Side.ZipPairs ? interleave<u16>(a, value) : interleave<u8>(a, value)
    const to = out + (lane << 1)
    if (left >= 8) v128.store(to, zipped)
    else storePart(to, zipped, left << 1)
    return
  }
  const ab = interleave<u8>(a, v128.load64_zero(pass + group))
  const cd = interleave<u8>(v128.load64_zero(pass + 2 * group), value)
  const first = interleave<u16>(ab, cd)
  const to = out + (lane << 2)
  if (left < 4) {
    storePart(to, first, left << 2)
    return
  }
  v128.store(to, first)
  const second = v128.shuffle<u16>(ab, cd, 4, 12, 5, 13, 6, 14, 7, 15)
  if (left >= 8) v128.store(to, second, 16)
  else storePart(to + 16, second, left - 4 << 2)
}

/** The low halves of a and b, by turns. */
// @ts-ignore: decorator
@inline
function interleave<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 1
    ? i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
    : v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
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
