import { DynedgeError } from '../errors.ts'
import type { PixelSource } from './pixels.ts'

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

/** Pictures as people have them. In Node: raw pixels. In a page also whatever a canvas can draw, and Blobs. */
export type ImageInput = PixelSource | PageImage | Blob

/** @internal Raw pixels of `image`; what is no pixel array is drawn to a canvas. Throws `bad-image`. */
export async function imageOf(image: ImageInput): Promise<PixelSource> {
  if (typeof image !== 'object' || image === null) throw bad(`got ${image === null ? 'null' : typeof image}`)
  if ('data' in image && 'width' in image) return image as PixelSource
  if (typeof OffscreenCanvas === 'undefined')
    throw bad('there is no canvas here to draw it on; decode it first, for example with sharp')
  try {
    if (image instanceof Blob) {
      const bitmap = await createImageBitmap(image)
      try {
        return draw(bitmap, bitmap.width, bitmap.height)
      } finally {
        bitmap.close()
      }
    }
    return draw(image, ...sizeOf(image))
  } catch (cause) {
    if (cause instanceof DynedgeError) throw cause
    throw new DynedgeError('bad-image', `The picture cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function sizeOf(image: CanvasImageSource): [width: number, height: number] {
  if ('videoWidth' in image) return [image.videoWidth, image.videoHeight]
  if ('naturalWidth' in image) return [image.naturalWidth, image.naturalHeight]
  if ('displayWidth' in image) return [image.displayWidth, image.displayHeight]
  return [Number(image.width), Number(image.height)]
}

let canvas: OffscreenCanvas | undefined

function draw(image: CanvasImageSource, width: number, height: number): ImageData {
  if (!(width > 0 && height > 0)) throw bad(`it is ${width}x${height} pixels: not loaded yet?`)
  canvas ??= new OffscreenCanvas(width, height)
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.drawImage(image, 0, 0)
  return context.getImageData(0, 0, width, height)
}

function bad(what: string): DynedgeError {
  return new DynedgeError(
    'bad-image',
    `Not a picture that can be classified: ${what}. Expected raw pixels { data, width, height }, or an image, video, canvas, bitmap, frame or Blob.`,
  )
}
