import { DynedgeError } from '../errors.ts'
import { MAX_SIDE } from './spec.ts'

/** A picture in memory: rows from the top, pixels from the left, bytes gray, RGB or RGBA. */
export interface PixelSource {
  /** height rows of width pixels of 1, 3 or 4 bytes. */
  data: Uint8Array | Uint8ClampedArray
  /** Pixels of a row. */
  width: number
  /** Rows. */
  height: number
  /** Bytes per pixel: 1 gray, 3 RGB, 4 RGBA (alpha is ignored). Without it, the length of `data` decides. */
  channels?: 1 | 3 | 4
  /** Bytes from one row to the next; default width * channels. */
  rowBytes?: number
}

/** @internal A checked source: everything explicit, data as plain bytes. */
export interface Pixels {
  data: Uint8Array
  width: number
  height: number
  channels: 1 | 3 | 4
  rowBytes: number
  /**
   * Where there is no `data`: the bytes of `count` pixels of row `y` from pixel `left` on. They are good until the next call, which asks
   * for the same or a later row, or begins again with other columns.
   */
  row?(y: number, left: number, count: number): Uint8Array
  /** Frees what `row` reads. */
  close?(): void
}

/**
 * @internal Fills in the defaults of `source`. The bytes are not copied.
 * Throws `bad-image` when sizes and bytes contradict each other.
 */
export function checkPixels(source: PixelSource | Pixels): Pixels {
  if ((source as Pixels).row) return source as Pixels
  const { width, height } = source
  checkLength('width', width)
  checkLength('height', height)
  const data = asBytes(source.data)
  const channels = source.channels ?? guessChannels(source)
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw bad(`channels is ${channels}, expected 1 (gray), 3 (RGB) or 4 (RGBA)`)
  const rowBytes = source.rowBytes ?? width * channels
  if (!Number.isSafeInteger(rowBytes) || rowBytes < width * channels)
    throw bad(`rowBytes is ${rowBytes}, expected at least width x channels = ${width * channels}`)
  // The last row may end where its pixels end.
  const needed = (height - 1) * rowBytes + width * channels
  if (source.rowBytes === undefined ? data.length !== needed : data.length < needed)
    throw bad(
      `data has ${data.length} bytes, expected ${needed} for ${width} x ${height} pixels of ${channels} bytes` +
        (source.rowBytes === undefined ? '; give rowBytes if rows are padded' : ` in rows of ${rowBytes}`),
    )
  return { data, width, height, channels, rowBytes }
}

function guessChannels(source: PixelSource): 1 | 3 | 4 {
  if (source.rowBytes !== undefined) throw bad('rowBytes is given without channels; give both')
  const { width, height, data } = source
  for (const channels of [1, 3, 4] as const) if (data.length === width * height * channels) return channels
  const pixels = width * height
  throw bad(
    `data has ${data.length} bytes, expected ${pixels}, ${pixels * 3} or ${pixels * 4} (gray, RGB, RGBA) ` +
      `for ${width} x ${height} pixels; give channels and rowBytes if rows are padded`,
  )
}

/** The tag, not instanceof: arrays from other frames and workers count too. */
function asBytes(data: Uint8Array | Uint8ClampedArray): Uint8Array {
  const tag = Object.prototype.toString.call(data)
  if (tag !== '[object Uint8Array]' && tag !== '[object Uint8ClampedArray]')
    throw bad(`data is ${tag.slice(8, -1)}, expected Uint8Array or Uint8ClampedArray`)
  if (!data.length) throw bad('data is empty, or was given away')
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function checkLength(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > MAX_SIDE)
    throw bad(`${name} is ${value}, expected an integer from 1 to ${MAX_SIDE}`)
}

function bad(what: string): DynedgeError {
  return new DynedgeError('bad-image', `Picture: ${what}.`)
}
