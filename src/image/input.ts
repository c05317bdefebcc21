import { DynedgeError } from '../errors.ts'
import type { ClassifyOptions } from '../interface.ts'
import type { FrameSource } from './frame-source.ts'
import { checkPixels, type PixelSource, type Pixels } from './pixels.ts'

/** A class of pages, for programs that are compiled for pages; nothing for those of Node, whose compiler knows none. */
export type PageClass<Name extends string> = Name extends string
  ? typeof globalThis extends Record<Name, Record<'prototype', infer Instance>>
    ? Instance
    : never
  : never

/** What a page's canvas can draw, and ImageData. */
export type PageImage = PageClass<
  | 'HTMLCanvasElement'
  | 'HTMLImageElement'
  | 'HTMLVideoElement'
  | 'ImageBitmap'
  | 'ImageData'
  | 'OffscreenCanvas'
  | 'SVGImageElement'
  | 'VideoFrame'
>

/**
 * Pictures as people have them. In Node and React Native: raw pixels, and frames of cameras. In a page also whatever a canvas can draw, and
 * Blobs. docs/images.md
 */
export type ImageInput = PixelSource | FrameSource | PageImage | Blob

/** Largest picture that is read in one go, pixels: 16 MB. */
const AT_ONCE = 2 ** 22

/**
 * @internal Pixels of `image`: of what is no pixel array, by way of a canvas. What that cannot be done with at once (it is turned, large,
 * translucent, a camera's frame, not loaded yet, ...) is left to careful.ts. Throws `bad-image`, `bad-input`, `aborted`.
 */
export async function imageOf(image: ImageInput, options: ClassifyOptions): Promise<PixelSource | Pixels> {
  if ((options.orientation ?? 1) === 1)
    try {
      if ('format' in image && !('codedWidth' in image)) {
        // Left to careful.ts.
      } else if (!('data' in image && 'width' in image)) {
        const pixels = await atOnce(image as PageImage | Blob)
        if (pixels) return pixels
      } else if (((image as ImageData).colorSpace ?? 'srgb') === 'srgb') return image as PixelSource
    } catch {
      // A canvas that has seen another origin's picture is never read again.
      context = undefined
    }
  const { readCarefully } = await import('./careful.ts')
  return readCarefully(image, options, DynedgeError, checkPixels)
}

async function atOnce(image: PageImage | Blob): Promise<ImageData | undefined> {
  if (!('decode' in image || 'stream' in image)) return drawn(image as Drawable)
  // An <img> with a density has more pixels than it says; its bitmap has them all.
  const bitmap = await createImageBitmap(image, { premultiplyAlpha: 'none' })
  try {
    return drawn(bitmap)
  } finally {
    bitmap.close()
  }
}

let context: OffscreenCanvasRenderingContext2D | undefined

type Drawable = Exclude<CanvasImageSource, HTMLImageElement | SVGImageElement>
type Size = { width: number; height: number } & Partial<VideoFrame & HTMLVideoElement>

function drawn(image: Drawable): ImageData | undefined {
  const size = image as Size
  const width = size.videoWidth ?? size.displayWidth ?? size.width
  const height = size.videoHeight ?? size.displayHeight ?? size.height
  if (!(width * height <= AT_ONCE) || size.readyState! < 2) return undefined
  context ??= new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!
  context.canvas.width = width
  context.canvas.height = height
  context.drawImage(image, 0, 0)
  const pixels = context.getImageData(0, 0, width, height)
  // Where it is translucent, a canvas loses colours; where a browser falsifies what a canvas holds, alpha differs too.
  let all = -1
  for (const pixel of new Uint32Array(pixels.data.buffer)) all &= pixel
  return all >>> 24 === 255 ? pixels : undefined
}
