import { Step } from '../program/format'
import { scratch, splatWord, word } from '../program/operands'
import { clamp } from '../simd/arithmetic'
import { TILE } from './pixels'
import { storeZipped } from './zip'

/**
 * From sums to the output where it is zipped with a side: `rows` pixels by `lanes` (8 or 4) lanes lie in scratch at TILE, 32 bytes a row;
 * `lane` is the first lane.
 */
export function finishTile(step: usize, mode: u32, rows: i32, lanes: i32, lane: i32): void {
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  for (let r = 0; r < rows; ++r) {
    const sums = scratch + (<usize>r << 5)
    v128.store(sums, clamp(v128.load(sums, TILE), low, high), TILE)
    v128.store(sums, clamp(v128.load(sums, TILE + 16), low, high), TILE + 16)
  }
  storeZipped(mode, rows, lanes, lane, word(step, Step.Lanes), word(step, Step.SideGroup))
}
