// What the module is told of a picture and of the part of its crop that it is to make, shared by the SDK (TypeScript) and the module
// (AssemblyScript); native/src/image.c has the same numbers.

/** Words of a plane. */
export const enum Plane {
  /** From sample to sample; 0: there is no such plane. */
  PixelBytes,
  /** A sample for 2^Across columns and 2^Down rows. */
  Across,
  Down,
  /** From row to row where the source lies, if the host may copy rows with what is between them; else 0. */
  RowBytes,
  /** The module's: where the plane's part of a band lies, bytes from row to row there, how many of them are needed. */
  At,
  Stride,
  Bytes,
  Words,
}

/**
 * Words (i32, or f32) at the start of staging memory. Rows and columns are those of the source as it is stored; where the picture is
 * turned so that they change places, those of the crop are counted likewise. Places are byte offsets from the words.
 */
export const enum Word {
  /** Bytes of a pixel that is resized: 1 gray, 3 RGB, 4 RGBA, and what YUV becomes. */
  Channels,
  /** 1: rows of the source are joined before their columns are. */
  VerticalFirst,
  /** 1: the crop's first column is the source's last; its first row is. */
  FromRight,
  Up,
  /** Three f64 each: how many the source has, how many the whole resized picture, number of the first that is to be made. */
  Rows,
  Columns = Rows + 6,
  /** How many are to be made. */
  Height = Columns + 6,
  Width,
  /** Three f32 each; a channel's value of a byte is (byte / 255 - mean) / deviation. */
  Mean,
  Deviation = Mean + 3,
  /** 1: pixels become integers of a byte, by f32 scale, zero point and largest value; 0: float32. */
  Integers = Deviation + 3,
  Scale,
  Zero,
  Top,
  /** Address of the first pixel; bytes from a column of the crop to the next, and from a row to the next. */
  Output,
  ColumnStep,
  RowStep,
  /** Three planes. */
  Planes,
  /** What follows is 0 but for frames of cameras. 1: planes of Y, U and V; as they are described below. */
  Planar = Planes + 3 * Plane.Words,
  /** 1: blue comes first. */
  Swapped,
  /** Rows of U and V: row >> this. */
  Shift,
  /** Of Y, U and V: number of the plane, byte of the first sample in its row, bytes from sample to sample. */
  Samples,
  /** See yuv.ts. */
  Matrix = Samples + 9,
  /** All from here on is the module's. Source columns and rows that are needed: first, how many; first (from the bottom, if Up), past the last. */
  SourceLeft = Matrix + 6,
  SourceColumns,
  FirstRow,
  EndRow,
  /** Taps of every column. */
  Taps,
  RingRows,
  RingStride,
  /** i32 per row of the crop: source rows first .. end - 1, counted from FirstRow. */
  RowFirst,
  RowEnd,
  RowWeights,
  Windows,
  Weights,
  Tables,
  Ring,
  WideRow,
  Row,
  Scratch,
  /** Rows taken, rows made, bytes of row weights used. */
  Taken,
  Made,
  Used,
  Words,
}
