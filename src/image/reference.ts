import { bilinearTaps } from './coefficients.ts'
import { imageGeometry } from './geometry.ts'
import { checkPixels, type PixelSource } from './pixels.ts'
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
  const { data, width, height, channels, rowBytes } = checkPixels(source)
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
