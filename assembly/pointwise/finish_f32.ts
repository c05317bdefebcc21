import { Side, Step } from '../program/format'
import { scratch, splatWord, word } from '../program/operands'
import { clamp } from '../simd/arithmetic'
import { OUT, SIDE, TILE } from './pixels'
import { storeZipped } from './zip'

/**
 * From sums to the output where there is a side: `rows` pixels by `lanes` (8 or 4) lanes lie in scratch at TILE, 32 bytes a row; `lane`
 * is the first lane. All sides are read before anything is stored.
 */
export function finishTile(step: usize, mode: u32, rows: i32, lanes: i32, lane: i32): void {
  const at = <usize>lane << 2
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  for (let r = 0; r < rows; ++r) {
    const sums = scratch + (<usize>r << 5)
    let first = v128.load(sums, TILE)
    let second = v128.load(sums, TILE + 16)
    if (mode == Side.Add) {
      const other = <usize>load<u32>(scratch + (<usize>r << 2), SIDE) + at
      first = f32x4.add(first, v128.load(other))
      if (lanes == 8) second = f32x4.add(second, v128.load(other, 16))
    }
    v128.store(sums, clamp(first, low, high), TILE)
    v128.store(sums, clamp(second, low, high), TILE + 16)
  }
  if (mode > <u32>Side.Add) {
    storeZipped(mode, rows, lanes, lane, word(step, Step.Lanes), word(step, Step.SideGroup))
    return
  }
  for (let r = 0; r < rows; ++r) {
    const sums = scratch + (<usize>r << 5)
    const out = <usize>load<u32>(scratch + (<usize>r << 2), OUT) + at
    v128.store(out, v128.load(sums, TILE))
    if (lanes == 8) v128.store(out, v128.load(sums, TILE + 16), 16)
  }
}
