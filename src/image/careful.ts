// Pictures that cannot be read at once: turned, large, translucent, of another colour space, not loaded yet, or none. Fetched on
// demand: imports types only, and its neighbour.
import type { ClassifyOptions } from '../interface.ts'
import type { ImageInput } from './input.ts'
import type { checkPixels as check, PixelSource, Pixels } from './pixels.ts'
import { bitmapOf, type Failure, refusal, settled } from './settle.ts'

/** What is read of a canvas at once, pixels: 4 MB. */
const BAND = 2 ** 20
/** What is turned of raw pixels at once. */
const AT_A_TIME = 2 ** 15
/** No canvas is made wider; those of some browsers end at 32767. */
const WIDEST = 8192

/** Bytes of a part of a picture, good until the next call. */
type Part = (left: number, top: number, width: number, height: number) => { data: Uint8Array; rowBytes: number }

/**
 * As `imageOf`. Of a picture that is drawn only what is asked for is read, a band of rows at a time, so that it may be larger than any
 * canvas; it must stay as it is until `close`.
 */
export async function readCarefully(
  image: ImageInput,
  { orientation = 1, signal }: ClassifyOptions,
  Failure: Failure,
  checkPixels: typeof check,
): Promise<Pixels> {
  if (!(Number.isInteger(orientation) && orientation >= 1 && orientation <= 8))
    throw new Failure('bad-input', `orientation is ${orientation}, expected 1 to 8, as in EXIF.`)
  if (isPixels(image)) {
    const pixels = checkPixels(image)
    const { colorSpace = 'srgb' } = image
    if (colorSpace === 'srgb') return upright(pixels, partOf(pixels), orientation, AT_A_TIME)
    if (typeof ImageData === 'undefined' || pixels.channels !== 4 || pixels.rowBytes !== pixels.width * 4)
      throw new Failure('bad-image', `Picture: its colour space is ${colorSpace}, expected srgb.`)
    const data = new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height, { colorSpace })
    return readOwn(await createImageBitmap(data, { premultiplyAlpha: 'none' }), orientation, Failure)
  }
  await settled(image, signal, Failure)
  try {
    const isFile = 'stream' in image
    if (!(isFile || 'decode' in image))
      return await readDrawn(image as Drawable, orientation, Failure, 'videoWidth' in image)
    const bitmap = await bitmapOf(image, signal, Failure)
    return await readOwn(bitmap, orientation, Failure, isFile && /jpe?g/.test(image.type))
  } catch (cause) {
    throw refusal(image, cause, Failure)
  }
}

function isPixels(image: unknown): image is PixelSource & { colorSpace?: PredefinedColorSpace } {
  return typeof image === 'object' && image !== null && 'data' in image && 'width' in image
}

type Drawable = HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement | ImageBitmap | VideoFrame

/** A bitmap that nobody else has. */
async function readOwn(bitmap: ImageBitmap, orientation: number, Failure: Failure, opaque = false): Promise<Pixels> {
  try {
    const pixels = await readDrawn(bitmap, orientation, Failure, opaque)
    return { ...pixels, close: () => bitmap.close() }
  } catch (error) {
    bitmap.close()
    throw error
  }
}

async function readDrawn(image: Drawable, orientation: number, Failure: Failure, opaque: boolean): Promise<Pixels> {
  const [width, height] =
    'videoWidth' in image
      ? [image.videoWidth, image.videoHeight]
      : 'displayWidth' in image
        ? [image.displayWidth, image.displayHeight]
        : [image.width, image.height]
  const part = drawing(image, Failure)
  const frame = opaque ? undefined : await unmultiplied(image)
  try {
    if (frame && translucent(part, width, height)) {
      const pixels = await pixelsOf(frame)
      if (pixels.width === width && pixels.height === height)
        return upright(pixels, partOf(pixels), orientation, AT_A_TIME)
    }
  } finally {
    frame?.close()
  }
  // What must not be read is refused now.
  part(0, 0, 1, 1)
  return upright({ width, height, channels: 4 }, part, orientation, BAND)
}

/** Reads parts of a picture by drawing them. */
function drawing(image: Drawable, Failure: Failure): Part {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!
  context.fillStyle = '#123456'
  context.fillRect(0, 0, 1, 1)
  if (`${context.getImageData(0, 0, 1, 1).data}` !== '18,52,86,255')
    throw new Failure(
      'bad-image',
      'This browser falsifies what a canvas holds, against fingerprinting (in Firefox: privacy.resistFingerprinting). Allow this site to read canvases, or give raw pixels { data, width, height }.',
    )
  return (left, top, width, height) => {
    context.canvas.width = width
    context.canvas.height = height
    context.drawImage(image, -left, -top)
    return { data: bytesOf(context.getImageData(0, 0, width, height).data), rowBytes: width * 4 }
  }
}

function translucent(part: Part, width: number, height: number): boolean {
  const across = Math.min(width, WIDEST)
  const down = Math.floor(BAND / across)
  for (let top = 0; top < height; top += down)
    for (let left = 0; left < width; left += across) {
      const { data } = part(left, top, Math.min(across, width - left), Math.min(down, height - top))
      for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true
    }
  return false
}

/**
 * A frame of a picture that may be translucent, with the colours that a canvas loses; none where the browser makes none. To be asked for
 * before the picture is drawn: Firefox then forgets them.
 */
async function unmultiplied(image: Drawable): Promise<VideoFrame | undefined> {
  // Chromium loses a frame's rotation on the way into a bitmap, and a frame of its own is no help: it multiplies.
  if (typeof VideoFrame !== 'function' || 'displayWidth' in image) return undefined
  try {
    const bitmap = await createImageBitmap(image, { premultiplyAlpha: 'none' })
    const frame = new VideoFrame(bitmap, { timestamp: 0 })
    bitmap.close()
    if (frame.format === 'BGRA' || frame.format === 'RGBA') return frame
    frame.close()
  } catch {}
  return undefined
}

/** In the frame's own order of bytes: asked for another one, Chromium multiplies and divides. */
async function pixelsOf(frame: VideoFrame): Promise<Pixels> {
  const data = new Uint8Array(frame.allocationSize())
  const [{ offset, stride }] = await frame.copyTo(data)
  if (frame.format === 'BGRA')
    for (let i = offset; i + 3 < data.length; i += 4) {
      const blue = data[i]
      data[i] = data[i + 2]
      data[i + 2] = blue
    }
  const { codedWidth, codedHeight } = frame
  return { data: data.subarray(offset), width: codedWidth, height: codedHeight, channels: 4, rowBytes: stride }
}

function partOf({ data, rowBytes, channels }: Pixels): Part {
  return (left, top) => ({ data: data.subarray(top * rowBytes + left * channels), rowBytes })
}

/**
 * The picture as EXIF's `orientation` says it is to be seen; `stored` is as it lies. At most `most` pixels are read at once, at least a
 * row.
 */
function upright(
  stored: Omit<Pixels, 'data' | 'rowBytes'> & Partial<Pixels>,
  part: Part,
  orientation: number,
  most: number,
): Pixels {
  if (orientation === 1 && stored.data) return stored as Pixels
  const { channels } = stored
  const rowsAreColumns = orientation > 4
  const fromRight = [2, 3, 7, 8].includes(orientation)
  const fromBelow = [3, 4, 6, 7].includes(orientation)
  const [width, height] = rowsAreColumns ? [stored.height, stored.width] : [stored.width, stored.height]
  /** Rows `top` to `top` + `rows` - 1, of each `count` pixels from `left` on. */
  let [top, rows, left, count] = [0, 0, 0, 0]
  let band: { data: Uint8Array; first: number; step: number }

  const read = () => {
    const [x, across] = rowsAreColumns ? [top, rows] : [left, count]
    const [y, down] = rowsAreColumns ? [left, count] : [top, rows]
    const { data, rowBytes } = part(
      fromRight ? stored.width - x - across : x,
      fromBelow ? stored.height - y - down : y,
      across,
      down,
    )
    const first = (fromRight ? (across - 1) * channels : 0) + (fromBelow ? (down - 1) * rowBytes : 0)
    const [stepX, stepY] = [fromRight ? -channels : channels, fromBelow ? -rowBytes : rowBytes]
    if (!rowsAreColumns && !fromRight) return { data, first, step: stepY }
    const [next, below] = rowsAreColumns ? [stepY, stepX] : [stepX, stepY]
    const step = count * channels
    const turned = new Uint8Array(rows * step)
    for (let x = 0; x < count; ++x)
      for (let y = 0; y < rows; ++y)
        for (let c = 0; c < channels; ++c) turned[y * step + x * channels + c] = data[first + x * next + y * below + c]
    return { data: turned, first: 0, step }
  }

  const row: Pixels['row'] = (y, from, wanted) => {
    if (from !== left || wanted !== count || y < top || y >= top + rows) {
      ;[top, left, count] = [y, from, wanted]
      rows = Math.min(height - y, Math.max(1, Math.floor(most / count)))
      band = read()
    }
    const at = band.first + (y - top) * band.step
    return band.data.subarray(at, at + count * channels)
  }
  return { data: new Uint8Array(), width, height, channels, rowBytes: 0, row }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8ClampedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
