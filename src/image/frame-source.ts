/** Memory of a frame: bytes, or a whole buffer of them, as native cameras give it. */
export type FrameBytes = Uint8Array | Uint8ClampedArray | ArrayBuffer

/**
 * How the samples of a frame lie in its planes:
 *
 *   rgba, bgra   one plane, 4 bytes a pixel; the fourth is ignored
 *   i420         Y, U, V; a U and a V for each square of 2 x 2 pixels. With `pixelBytes` 2 also Android's YUV_420_888
 *   yv12         the same, V before U
 *   nv12         Y, then U and V in turns: iOS's 420f and 420v
 *   nv21         the same, V before U
 *   yuyv, uyvy   one plane, 4 bytes for two pixels of a row: Y U Y V, U Y V Y
 */
export type FrameFormat = 'rgba' | 'bgra' | 'i420' | 'yv12' | 'nv12' | 'nv21' | 'yuyv' | 'uyvy'

/** One plane of a frame. */
export interface FramePlane {
  /** Its rows from the top; the last may end with its last sample. */
  data: FrameBytes
  /** Bytes from one row to the next; default: there are no gaps. */
  rowBytes?: number
  /**
   * Bytes from one sample to the next; default: there are no gaps. 1 or more for Y and for planes of U or V alone, 2 or more where both
   * take turns (then it is U and V that lie side by side). Of rgba, bgra, yuyv and uyvy there is none other than the default.
   */
  pixelBytes?: number
}

/**
 * A frame of a camera, as it lies in memory: rows from the top, samples of 8 bits. Odd sizes have one column and one row of U and V more
 * than half of them. Either `planes` or `data`.
 */
export interface FrameSource {
  /** How the bytes lie in their planes. */
  format: FrameFormat
  /** Pixels of a row, as stored; `orientation` of `classify` says how they are turned. */
  width: number
  /** Rows, as stored. */
  height: number
  /** The planes of `format`, in its order. */
  planes?: readonly FramePlane[]
  /** All planes, one after the other, and nothing between. */
  data?: FrameBytes
  /**
   * Of `data`: bytes from one row of its first plane to the next. Rows of nv12 and nv21 are then all as long, those of i420 and yv12's
   * U and V half of it.
   */
  rowBytes?: number
  /** Which colours Y, U and V mean: default `bt601`. docs/images.md says what cameras give. */
  matrix?: 'bt601' | 'bt709' | 'bt2020'
  /** `full`, the default: Y from 0 to 255; `limited`: Y from 16 to 235, U and V from 16 to 240. */
  range?: 'full' | 'limited'
}
