import { bilinearTaps } from './coefficients.ts'
import type { FrameSource } from './frame-source.ts'
import { imageGeometry } from './geometry.ts'
import { matrixWords } from './matrix.ts'
import { checkPixels, type PixelArray, type PixelSource } from './pixels.ts'
import type { InputSpec } from './spec.ts'

/** Bytes [height][width][3]. */
interface Picture {
  height: number
  width: number
  data: Uint8Array
}

/**
 * The oracle: resizes the whole picture in two plain passes, then crops, then normalises.
 * Returns RGB bytes and float32 values, both [height][width][3].
 */
export function preprocessReference(
  source: PixelSource,
  spec: InputSpec,
  height: number,
  width: number,
): { bytes: Uint8Array; values: Float32Array } {
  const whole = toRgb(source)
  const { resized, crop, verticalFirst } = imageGeometry(whole, spec, height, width)
  const picture = verticalFirst
    ? resizeWidth(resizeHeight(whole, resized.height), resized.width)
    : resizeHeight(resizeWidth(whole, resized.width), resized.height)
  const bytes = new Uint8Array(height * width * 3)
  const values = new Float32Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const c = i % 3
    const x = Math.trunc(i / 3) % width
    const y = Math.trunc(i / 3 / width)
    bytes[i] = picture.data[((crop.top + y) * picture.width + crop.left + x) * 3 + c]
    const inUnit = Math.fround(bytes[i] / 255)
    values[i] = Math.fround(inUnit - Math.fround(spec.mean[c])) / Math.fround(spec.std[c])
  }
  return { bytes, values }
}

function toRgb(source: PixelSource): Picture {
  const { width, height, channels, planes } = checkPixels(source)
  const [{ data, rowBytes }] = planes
  const rgb = new Uint8Array(height * width * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        rgb[(y * width + x) * 3 + c] = data[y * rowBytes + x * channels + (channels === 1 ? 0 : c)]
  return { height, width, data: rgb }
}

function resizeWidth(picture: Picture, width: number): Picture {
  const out = { height: picture.height, width, data: new Uint8Array(picture.height * width * 3) }
  for (let y = 0; y < out.height; y++)
    resizeLine(picture.data, y * picture.width * 3, 3, picture.width, out.data, y * width * 3, 3, width)
  return out
}

function resizeHeight(picture: Picture, height: number): Picture {
  const stride = picture.width * 3
  const out = { height, width: picture.width, data: new Uint8Array(height * stride) }
  for (let x = 0; x < picture.width; x++)
    resizeLine(picture.data, x * 3, stride, picture.height, out.data, x * 3, stride, height)
  return out
}

/** One line of RGB pixels: byte offset of the first, bytes from pixel to pixel, pixels. */
function resizeLine(
  from: Uint8Array,
  fromStart: number,
  fromStep: number,
  fromSize: number,
  to: Uint8Array,
  toStart: number,
  toStep: number,
  toSize: number,
): void {
  if (fromSize === toSize) {
    for (let i = 0; i < toSize; i++)
      for (let c = 0; c < 3; c++) to[toStart + i * toStep + c] = from[fromStart + i * fromStep + c]
    return
  }
  const { first, count, weights } = bilinearTaps(fromSize, toSize, 0, toSize)
  let weight = 0
  for (let i = 0; i < toSize; i++) {
    for (let c = 0; c < 3; c++) {
      let sum = 1 << 21
      for (let j = 0; j < count[i]; j++) sum += from[fromStart + (first[i] + j) * fromStep + c] * weights[weight + j]
      to[toStart + i * toStep + c] = Math.min(255, sum >> 22)
    }
    weight += count[i]
  }
}

/** Samples of a plane: row by row, `pixelBytes` apart. */
export interface Samples {
  data: Uint8Array
  rowBytes: number
  pixelBytes: number
}

/**
 * RGB of a frame whose Y, U and V are given one by one, by the formula of assembly/image/yuv.ts: every U and V for `2 ** across` pixels
 * side by side and `2 ** down` one below the other.
 */
export function rgbReference(
  [y, u, v]: [Samples, Samples, Samples],
  { width, height, matrix = 'bt601', range = 'full' }: Pick<FrameSource, 'width' | 'height' | 'matrix' | 'range'>,
  across: number,
  down: number,
): Required<PixelArray> {
  const [ky, kr, gu, gv, kb, offset] = matrixWords(matrix, range)
  const data = new Uint8Array(width * height * 3)
  const sample = ({ data, rowBytes, pixelBytes }: Samples, x: number, y: number) => data[y * rowBytes + x * pixelBytes]
  const term = (byte: number, factor: number) => Math.floor(((byte - 128) * 256 * factor + 16384) / 32768)
  const byteOf = (sum: number) => Math.max(0, Math.min(255, Math.floor((sum + offset) / 32)))
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const luma = term(sample(y, column, row), ky)
      const blueness = sample(u, column >> across, row >> down)
      const redness = sample(v, column >> across, row >> down)
      data.set(
        [
          byteOf(luma + term(redness, kr)),
          byteOf(luma + term(blueness, gu) + term(redness, gv)),
          byteOf(luma + term(blueness, kb)),
        ],
        (row * width + column) * 3,
      )
    }
  return { data, width, height, channels: 3, rowBytes: width * 3 }
}

/** The picture as EXIF's `orientation` says it is to be seen, pixel by pixel. */
export function uprightReference(
  { data, width, height, channels }: Required<PixelArray>,
  orientation: number,
): Required<PixelArray> {
  const turned = orientation > 4
  const [w, h] = turned ? [height, width] : [width, height]
  const out = new Uint8Array(data.length)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const [column, row] = turned ? [y, x] : [x, y]
      const fromX = [2, 3, 7, 8].includes(orientation) ? width - 1 - column : column
      const fromY = [3, 4, 6, 7].includes(orientation) ? height - 1 - row : row
      for (let c = 0; c < channels; c++) out[(y * w + x) * channels + c] = data[(fromY * width + fromX) * channels + c]
    }
  return { data: out, width: w, height: h, channels, rowBytes: w * channels }
}
