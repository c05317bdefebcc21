import { splatByte } from '../simd/requantize'
import { fourBytes } from '../quantize/quantize'

/**
 * Bytes -> stored integers, by table: target[x][c] = tables[c][source[x][c]], c = 0, 1, 2; target[x][3] = 0.
 *
 * target   `count` pixels, `pixelStride` >= 4 bytes apart (lanes beyond the fourth stay as they were).
 * source   4 bytes per pixel; the fourth is ignored.
 * tables   3 x 256 bytes.
 */
export function u8_normalise_row(target: usize, source: usize, tables: usize, count: i32, pixelStride: i32): void {
  const end = source + ((<usize>count) << 2)
  for (; source < end; source += 4, target += <usize>pixelStride) {
    const pixel = load<u32>(source)
    const red = <u32>load<u8>(tables + <usize>(pixel & 255))
    const green = <u32>load<u8>(tables + <usize>(pixel >> 8 & 255), 256)
    const blue = <u32>load<u8>(tables + <usize>(pixel >> 16 & 255), 512)
    store<u32>(target, red | green << 8 | blue << 16)
  }
}

/**
 * float32 -> stored integers: target[x][c] = clamp(rne(f(source[x][c] / scale) + zero), 0, top), c = 0, 1, 2; target[x][3] = 0. NaN counts
 * as 0.
 *
 * target   `count` pixels, `pixelStride` >= 4 bytes apart.
 * source   3 float32 per pixel; 4 bytes past the last are read.
 */
export function f32_quantise_row(target: usize, source: usize, count: i32, scale: f32, zero: i32, top: i32, pixelStride: i32): void {
  const divisor = f32x4.splat(scale)
  const last = splatByte(top)
  for (let x = 0; x < count; ++x, source += 12, target += <usize>pixelStride) {
    const bytes = fourBytes(v128.load(source), divisor, zero, last)
    store<u32>(target, <u32>i32x4.extract_lane(bytes, 0) & 0xffffff)
  }
}
