import { DynedgeError } from '../errors.ts'
import { MAX_SIDE } from './spec.ts'

/** A picture in memory: rows from the top, pixels from the left, bytes gray, RGB or RGBA. */
export interface PixelSource {
  /** height rows of width pixels of 1, 3 or 4 bytes. */
  data: Uint8Array | Uint8ClampedArray | ArrayBuffer
  /** Pixels of a row. */
  width: number
  /** Rows. */
  height: number
  /** Bytes per pixel: 1 gray, 3 RGB, 4 RGBA (alpha is ignored). Without it, the length of `data` decides. */
  channels?: 1 | 3 | 4
  /** Bytes from one row to the next; default width * channels. */
  rowBytes?: number
}

/** @internal Pixels of which `data` is an array. */
export interface PixelArray extends PixelSource {
  data: Uint8Array | Uint8ClampedArray
}

/** @internal Some bytes of a picture, a row every `rowBytes`. */
export interface Rows {
  data: Uint8Array
  rowBytes: number
}

/** @internal What a picture lies in; of most there is one. */
export interface Plane extends Rows {
  /** From one sample, or group of samples, to the next. */
  pixelBytes: number
  /** How many pixels of a row, and how many rows, share one: 0 for one, 1 for two. */
  across: number
  down: number
}

/** @internal A checked source: everything explicit, data as plain bytes. */
export interface Pixels {
  width: number
  height: number
  /** Bytes of a pixel when it is resized. */
  channels: 1 | 3 | 4
  /** As EXIF has it; default 1. */
  orientation?: number
  /** What the module is told of a frame: words from Word.Planar on. */
  frame?: readonly number[]
  planes: Plane[]
  /**
   * Where its only plane has no `data`: gives these pixels, good until the next call, which asks for rows that follow, or precede, or
   * begins again with other columns.
   */
  part?(left: number, top: number, width: number, height: number): Rows
  /** Frees what `part` reads. */
  close?(): void
}

/**
 * @internal Fills in the defaults of `source`. The bytes are not copied.
 * Throws `bad-image` when sizes and bytes contradict each other.
 */
export function checkPixels(source: PixelSource | Pixels): Pixels {
  if ('planes' in source) return source
  const { width, height } = source
  checkLength('width', width)
  checkLength('height', height)
  const data = asBytes(source.data)
  const channels = source.channels ?? guessChannels(source, data.length)
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
  return { width, height, channels, planes: [{ data, rowBytes, pixelBytes: channels, across: 0, down: 0 }] }
}

function guessChannels({ width, height, rowBytes }: PixelSource, bytes: number): 1 | 3 | 4 {
  if (rowBytes !== undefined) throw bad('rowBytes is given without channels; give both')
  for (const channels of [1, 3, 4] as const) if (bytes === width * height * channels) return channels
  const pixels = width * height
  throw bad(
    `data has ${bytes} bytes, expected ${pixels}, ${pixels * 3} or ${pixels * 4} (gray, RGB, RGBA) ` +
      `for ${width} x ${height} pixels; give channels and rowBytes if rows are padded`,
  )
}

/** @internal The tag, not instanceof: arrays from other frames and workers count too. Throws `bad-image`. */
export function asBytes(data: Uint8Array | Uint8ClampedArray | ArrayBuffer): Uint8Array {
  const tag = Object.prototype.toString.call(data).slice(8, -1)
  if (!/^(Uint8(Clamped)?Array|ArrayBuffer)$/.test(tag))
    throw bad(`data is ${tag}, expected Uint8Array, Uint8ClampedArray or ArrayBuffer`)
  if (!data.byteLength) throw bad('data is empty, or was given away')
  return 'buffer' in data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}

/** @internal Throws `bad-image` unless it is a side that a picture can have. */
export function checkLength(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > MAX_SIDE)
    throw bad(`${name} is ${value}, expected an integer from 1 to ${MAX_SIDE}`)
}

function bad(what: string): DynedgeError {
  return new DynedgeError('bad-image', `Picture: ${what}.`)
}
