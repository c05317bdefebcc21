import { scratch } from '../program/operands'

/** Pixels per unit of work. */
export const UNIT: i32 = 8

/** In scratch: eight pointers each for input, output and side. */
export const IN: usize = 0
export const OUT: usize = 32
export const SIDE: usize = 64
/** Results of one 4x8 tile, when the epilogue is not a plain store. */
export const TILE: usize = 128

/**
 * Pointers of pixels first .. first + 7 of a picture of `columns` x `rows` pixels. Pixels past the last repeat it: they
 * are computed and stored twice, with the same value, and no tile needs a ragged edge.
 */
// @ts-ignore: decorator
@inline
export function pixelPointers(
  at: usize, base: usize, first: i32, x: i32, y: i32, pixels: i32, columns: i32, row: usize, pixel: usize,
): void {
  const table = scratch + at
  let p = base + <usize>y * row + <usize>x * pixel
  if (x + UNIT <= columns) {
    const lanes = i32x4.add(i32x4.splat(<i32>p), i32x4.mul(i32x4.splat(<i32>pixel), i32x4(0, 1, 2, 3)))
    v128.store(table, lanes)
    v128.store(table, i32x4.add(lanes, i32x4.splat(<i32>(pixel << 2))), 16)
    return
  }
  const gap = row - <usize>(columns - 1) * pixel
  for (let i = 0; i < UNIT; ++i) {
    store<u32>(table + (<usize>i << 2), <u32>p)
    if (first + i + 1 >= pixels) continue
    if (++x == columns) {
      x = 0
      p += gap
    } else p += pixel
  }
}

/** Input pointer of pixel `row` of the tables. */
// @ts-ignore: decorator
@inline
export function pixelIn(row: usize): usize {
  return load<u32>(scratch + (row << 2), IN)
}

/** Output pointer of pixel `row` of the tables. */
// @ts-ignore: decorator
@inline
export function pixelOut(row: usize): usize {
  return load<u32>(scratch + (row << 2), OUT)
}

/** Pointer of pixel `row` of the tables in the side. */
// @ts-ignore: decorator
@inline
export function pixelSide(row: usize): usize {
  return load<u32>(scratch + (row << 2), SIDE)
}
