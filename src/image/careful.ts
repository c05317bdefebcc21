// Pictures that cannot be read at once: turned, large, translucent, of another colour space, frames of cameras, not loaded yet, or none.
// Fetched on demand: imports types only, and its neighbours.
import type { ClassifyOptions } from '../interface.ts'
import { checkFrame, isFrame } from './frame.ts'
import type { ImageInput } from './input.ts'
import type { checkPixels as check, PixelSource, Pixels, Plane, Rows } from './pixels.ts'
import { bitmapOf, type Failure, refusal, settled } from './settle.ts'

/** What is read of a canvas at once, pixels: 4 MB. */
const BAND = 2 ** 20
/** No canvas is made wider; those of some browsers end at 32767. */
const WIDEST = 8192

type Part = NonNullable<Pixels['part']>

/**
 * As `imageOf`. Of a picture that is drawn only what is asked for is read, some rows at a time, so that it may be larger than any
 * canvas; it must stay as it is until `close`.
 */
export async function readCarefully(
  image: ImageInput,
  options: ClassifyOptions,
  Failure: Failure,
  checkPixels: typeof check,
): Promise<Pixels> {
  const { orientation = 1, signal } = options
  const ready = readAtOnce(image, options, Failure, checkPixels)
  if (ready) return ready
  if (isPixels(image)) {
    const pixels = checkPixels(image)
    const { colorSpace } = image
    const { channels, width, height, planes } = pixels
    if (typeof ImageData === 'undefined' || channels !== 4 || planes[0].rowBytes !== width * 4)
      throw new Failure('bad-image', `Picture: its colour space is ${colorSpace}, expected srgb.`)
    const data = new ImageData(new Uint8ClampedArray(planes[0].data), width, height, { colorSpace })
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

/** Frames of cameras, and pixels that are sRGB, which need no waiting. */
export function readAtOnce(
  image: ImageInput,
  { orientation = 1 }: ClassifyOptions,
  Failure: Failure,
  checkPixels: typeof check,
): Pixels | undefined {
  if (!(Number.isInteger(orientation) && orientation >= 1 && orientation <= 8))
    throw new Failure('bad-input', `orientation is ${orientation}, expected 1 to 8, as in EXIF.`)
  if (isFrame(image)) return { ...checkFrame(image, Failure), orientation }
  if (isPixels(image) && (image.colorSpace ?? 'srgb') === 'srgb') return { ...checkPixels(image), orientation }
  return undefined
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
      if (pixels.width === width && pixels.height === height) return { ...pixels, orientation }
    }
  } finally {
    frame?.close()
  }
  // What must not be read is refused now.
  part(0, 0, 1, 1)
  return {
    width,
    height,
    channels: 4,
    planes: [{ ...RGBA, data: new Uint8Array(), rowBytes: Infinity }],
    part: ahead(part, height),
    orientation,
  }
}

const RGBA = { pixelBytes: 4, across: 0, down: 0 }

/** Reads some rows more than are asked for, in the order in which they are asked for. */
function ahead(part: Part, height: number): Part {
  let [left, top, width, end] = [0, 0, 0, 0]
  let rows: Rows
  return (from, first, wanted, count) => {
    const past = first + count
    if (from !== left || wanted !== width || first < top || past > end) {
      const most = Math.max(count, Math.floor(BAND / wanted))
      // Rows may also come from the last one upwards.
      const upwards = from === left && wanted === width && first < top
      ;[left, width] = [from, wanted]
      top = upwards ? Math.max(0, past - most) : first
      end = upwards ? past : Math.min(height, first + most)
      rows = part(left, top, width, end - top)
    }
    return { data: rows.data.subarray((first - top) * rows.rowBytes), rowBytes: rows.rowBytes }
  }
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
  const { codedWidth: width, codedHeight: height } = frame
  const plane: Plane = { ...RGBA, data: data.subarray(offset), rowBytes: stride }
  return { width, height, channels: 4, planes: [plane] }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8ClampedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
