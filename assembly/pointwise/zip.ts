import { Side } from '../program/format'
import { scratch } from '../program/operands'
import { OUT, SIDE, TILE } from './pixels'

/**
 * Stores a tile of `rows` pixels x `lanes` channels, taken from scratch, zipped with the channels that pass through a shuffle
 * (format.ts, Side): the concat and the shuffle cost no pass of their own. `first` is the tile's first channel; of its channels
 * only those below `channels` are stored.
 */
export function storeZipped(mode: u32, rows: i32, lanes: i32, first: i32, channels: i32, group: usize): void {
  if (first + lanes > channels) lanes = channels - first
  for (let r = 0; r < rows; ++r) {
    const value = scratch + TILE + <usize>r * 32
    const slot = scratch + (<usize>r << 2)
    const pass = <usize>load<u32>(slot, SIDE) + (<usize>first << 2)
    const out = <usize>load<u32>(slot, OUT)
    if (mode == Side.Zip4) zip4(out + (<usize>first << 4), pass, value, lanes, group)
    else zip2(out + (<usize>first << 3), pass, value, lanes, mode == Side.ZipPairs)
  }
}

function zip2(out: usize, pass: usize, value: usize, lanes: i32, pairs: bool): void {
  for (let j = 0; j < lanes; j += 4, out += 32, pass += 16, value += 16) {
    const a = v128.load(pass)
    const b = v128.load(value)
    const low = pairs ? v128.shuffle<i64>(a, b, 0, 2) : v128.shuffle<i32>(a, b, 0, 4, 1, 5)
    const high = pairs ? v128.shuffle<i64>(a, b, 1, 3) : v128.shuffle<i32>(a, b, 2, 6, 3, 7)
    const left = lanes - j
    if (left >= 4) {
      v128.store(out, low)
      v128.store(out, high, 16)
    } else {
      if (left >= 2) v128.store(out, low)
      else v128.store64_lane(out, low, 0)
      if (left == 3) v128.store64_lane(out, high, 0, 16)
    }
  }
}

function zip4(out: usize, pass: usize, value: usize, lanes: i32, group: usize): void {
  for (let j = 0; j < lanes; j += 4, out += 64, pass += 16, value += 16) {
    const a = v128.load(pass)
    const b = v128.load(pass + group)
    const c = v128.load(pass + 2 * group)
    const d = v128.load(value)
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
    const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
    const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
    const left = lanes - j
    v128.store(out, v128.shuffle<i64>(ab0, cd0, 0, 2))
    if (left > 1) v128.store(out, v128.shuffle<i64>(ab0, cd0, 1, 3), 16)
    if (left > 2) v128.store(out, v128.shuffle<i64>(ab1, cd1, 0, 2), 32)
    if (left > 3) v128.store(out, v128.shuffle<i64>(ab1, cd1, 1, 3), 48)
  }
}
