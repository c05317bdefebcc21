import type { FrameFormat, FramePlane, FrameSource } from '../../src/image/frame-source.ts'
import type { PixelArray } from '../../src/image/pixels.ts'
import { rgbReference, type Samples } from '../../src/image/reference.ts'
import { makeSource } from './source.ts'

/** How a frame is made: sizes, and what lies between its rows and samples. */
export interface FrameRecipe {
  format: Exclude<FrameFormat, 'rgba' | 'bgra'>
  width: number
  height: number
  seed?: number
  matrix?: FrameSource['matrix']
  range?: FrameSource['range']
  /** Bytes after each row, but not after the last. */
  gap?: number
  /** Bytes from sample to sample of Y, and of U and V; default: no gaps. */
  step?: number
  colourStep?: number
}

export interface MadeFrame {
  frame: Omit<FrameSource, 'planes'> & { planes: (Omit<FramePlane, 'data'> & { data: Uint8Array<ArrayBuffer> })[] }
  /** What it shows, by the plain reference. */
  rgb: Required<PixelArray>
}

/** A frame of noise, every plane as long as it must be and not a byte longer. */
export function makeFrame(recipe: FrameRecipe): MadeFrame {
  const { format, width, height, seed = 1, matrix, range, gap = 0, step = 1 } = recipe
  const packed = format === 'yuyv' || format === 'uyvy'
  const halfWidth = (width + 1) >> 1
  const halfHeight = packed ? height : (height + 1) >> 1
  const [y, u, v] = [
    [width, height],
    [halfWidth, halfHeight],
    [halfWidth, halfHeight],
  ].map(([w, h], i): Samples => {
    const { data } = makeSource({ kind: 'noise', seed: seed * 3 + i, width: w, height: h, channels: 1 })
    return { data, rowBytes: w, pixelBytes: 1 }
  }) as [Samples, Samples, Samples]
  const rgb = rgbReference([y, u, v], { width, height, matrix, range }, 1, packed ? 0 : 1)

  /** A plane of groups of samples, each at its byte of the group. */
  const plane = (columns: number, rows: number, group: number, bytes: number, parts: [Samples, number, number][]) => {
    const rowBytes = columns * group + gap
    const data = new Uint8Array((rows - 1) * rowBytes + (columns - 1) * group + bytes).fill(0xa5)
    for (const [samples, at, each] of parts)
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns * each; column++) {
          const x = Math.min(column, samples.rowBytes - 1)
          const group0 = Math.floor(column / each) * group + (column % each) * 2
          data[row * rowBytes + group0 + at] = samples.data[row * samples.rowBytes + x]
        }
    return { data, rowBytes, pixelBytes: group }
  }
  const luma = () => plane(width, height, step, 1, [[y, 0, 1]])
  const colour = (...parts: Samples[]) => {
    const group = recipe.colourStep ?? parts.length
    return plane(
      halfWidth,
      halfHeight,
      group,
      parts.length,
      parts.map((part, at) => [part, at, 1]),
    )
  }
  const pairs = (at: number) =>
    plane(halfWidth, height, 4, 4, [
      [y, at, 2],
      [u, 1 - at, 1],
      [v, 3 - at, 1],
    ])
  const planes = {
    i420: () => [luma(), colour(u), colour(v)],
    yv12: () => [luma(), colour(v), colour(u)],
    nv12: () => [luma(), colour(u, v)],
    nv21: () => [luma(), colour(v, u)],
    yuyv: () => [pairs(0)],
    uyvy: () => [pairs(1)],
  }[format]()
  return { frame: { format, width, height, planes, matrix, range }, rgb }
}
