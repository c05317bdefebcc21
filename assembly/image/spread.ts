/**
 * Dense float32 pixels of three channels -> pixels of four lanes: target[y][x][c] = source[y][x][c], c = 0, 1, 2; target[y][x][3] = 0.
 *
 * target   rows `rowStride`, pixels `pixelStride` >= 16 bytes apart (lanes beyond the fourth stay as they were).
 * source   `rows` x `columns` pixels of 12 bytes; 4 bytes past the last are read.
 */
export function f32_spread_rows(target: usize, source: usize, rows: i32, columns: i32, rowStride: i32, pixelStride: i32): void {
  const colours = i32x4(-1, -1, -1, 0)
  for (let y = 0; y < rows; ++y, target += <usize>rowStride) spreadRow(target, source + <usize>(y * columns) * 12, columns, pixelStride, colours)
}

/** Its own function: V8 replaces its first compilation while the picture passes. */
function spreadRow(target: usize, source: usize, columns: i32, pixelStride: i32, colours: v128): void {
  for (const end = source + <usize>columns * 12; source < end; source += 12, target += <usize>pixelStride) {
    v128.store(target, v128.and(v128.load(source), colours))
  }
}
