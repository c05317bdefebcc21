/**
 * Bytes -> normalised float32, by table, so that every value is the one the table's maker computed:
 *
 *   target[x][c] = tables[c][source[x][c]],  c = 0, 1, 2;  target[x][3] = 0 where pixelStride >= 16
 *
 * target   `count` >= 1 pixels, `pixelStride` bytes apart: 12, or >= 16 (lanes beyond the fourth stay as they were).
 * source   4 bytes per pixel; the fourth is ignored.
 * tables   3 x 256 float32.
 */
export function f32_normalise_row(target: usize, source: usize, tables: usize, count: i32, pixelStride: i32): void {
  const end = source + ((<usize>count) << 2)
  if (pixelStride >= 16) {
    while (source < end) {
      const pixel = load<u32>(source)
      let lanes = v128.load32_zero(tables + (<usize>(pixel & 255) << 2))
      lanes = v128.load_lane<u32>(tables + (<usize>((pixel >> 8) & 255) << 2), lanes, 1, 1024)
      lanes = v128.load_lane<u32>(tables + (<usize>((pixel >> 16) & 255) << 2), lanes, 2, 2048)
      v128.store(target, lanes)
      target += <usize>pixelStride
      source += 4
    }
  } else {
    while (source < end) {
      const pixel = load<u32>(source)
      store<f32>(target, load<f32>(tables + (<usize>(pixel & 255) << 2)))
      store<f32>(target, load<f32>(tables + (<usize>((pixel >> 8) & 255) << 2), 1024), 4)
      store<f32>(target, load<f32>(tables + (<usize>((pixel >> 16) & 255) << 2), 2048), 8)
      target += <usize>pixelStride
      source += 4
    }
  }
}
