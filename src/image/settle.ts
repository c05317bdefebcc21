// Pictures that are not there yet, and what is wrong with those that never will be. Fetched on demand: imports types only.
import type { DynedgeError } from '../errors.ts'

export type Failure = typeof DynedgeError

const KINDS =
  'raw pixels { data, width, height }, a frame { format, planes, width, height }, or in a page an <img>, <video>, <canvas>, OffscreenCanvas, ImageBitmap, VideoFrame or Blob'
const FOREIGN =
  'it comes from another origin, which lets pages show but not read it. Set crossorigin="anonymous" on the element before its src, and have that server send Access-Control-Allow-Origin'

/** The error of a picture that cannot be read, from what the browser says. */
export function refusal(image: unknown, cause: unknown, Failure: Failure): DynedgeError {
  if (cause instanceof Failure) return cause
  const { name, message } = cause as Error
  let what = message.replace(/\.$/, '')
  if (name === 'SecurityError' || name === 'DataCloneError') what = FOREIGN
  else if (isObject(image) && 'stream' in image) {
    const { type, size } = image as Blob
    const vector = /svg/.test(type) ? ' (load an SVG into an <img> and give that)' : ''
    what = `this browser decodes no ${size} bytes of ${type || 'an unnamed type'} as a picture${vector}: ${what}`
  }
  return new Failure('bad-image', `The picture cannot be read: ${what}.`, { cause })
}

/**
 * Waits until something of `image` can be drawn. @throws DynedgeError `bad-image` with what is wrong with it, `aborted`
 */
export async function settled(image: unknown, signal: AbortSignal | undefined, Failure: Failure): Promise<void> {
  const bad = (what: string) => new Failure('bad-image', `The picture cannot be read: ${what}.`)
  const next = async (target: EventTarget, ...events: string[]): Promise<Event> => {
    const listening = new AbortController()
    const heard = await new Promise<Event>((resolve) => {
      const { signal: until } = listening
      for (const event of events) target.addEventListener(event, resolve, { capture: true, signal: until })
      signal?.addEventListener('abort', resolve, { signal: until })
    })
    listening.abort()
    if (signal?.aborted) throw new Failure('aborted', 'The call was aborted by its caller.', { cause: signal.reason })
    return heard
  }

  if (!isObject(image))
    throw new Failure('bad-image', `Not a picture: got ${image === null ? 'null' : typeof image}. Expected ${KINDS}.`)
  if (ArrayBuffer.isView(image) || image instanceof ArrayBuffer)
    throw bad(
      'these are bytes without a size: pixels are { data, width, height }; the bytes of a file go in as new Blob([bytes]), in Node decoded, for example by sharp',
    )
  if (typeof OffscreenCanvas === 'undefined')
    throw bad('there is no canvas here to draw it on; decode it first, for example with sharp')
  if ('stream' in image) return
  if ('complete' in image) {
    const img = image as HTMLImageElement
    if (!img.complete) {
      if (img.loading === 'lazy')
        throw bad('the <img> is loaded lazily and was not in view yet; wait for its load event')
      await next(img, 'load', 'error')
    }
    if (!img.naturalWidth)
      throw bad(
        img.currentSrc
          ? `${img.currentSrc.slice(0, 200)} is missing, or no picture that this browser decodes`
          : 'the <img> has no src',
      )
  } else if ('videoWidth' in image) {
    const video = image as HTMLVideoElement
    while (video.readyState < 2) {
      if (video.error) throw bad(`the <video> does not play: ${video.error.message || `error ${video.error.code}`}`)
      if (!video.networkState) throw bad('the <video> has no src')
      if (video.preload === 'none' && video.paused && !video.autoplay && !video.srcObject)
        throw bad('nothing of the <video> is loaded, as its preload="none" says; play it first')
      const { type, target } = await next(video, 'loadeddata', 'error')
      if (type === 'error' && target !== video && !(target as Element).nextElementSibling)
        throw bad('the <video> has no source that this browser plays')
    }
    if (!video.videoWidth) throw bad('the <video> has no picture, or sound only')
  } else if (!('decode' in image)) {
    const {
      displayWidth,
      width = displayWidth,
      displayHeight,
      height = displayHeight,
    } = image as Record<string, number | undefined>
    if (width === undefined || height === undefined) throw new Failure('bad-image', `Not a picture. Expected ${KINDS}.`)
    if (!(width > 0 && height > 0))
      throw bad('close' in image ? 'it was closed, or given away' : `it is ${width}x${height} pixels`)
  }
}

/** Throws why a picture could not be sent to a worker. */
export async function sayWhy(image: unknown, cause: unknown, Failure: Failure): Promise<never> {
  if (isObject(image) && ('data' in image || 'planes' in image))
    throw new Failure('bad-image', 'Picture: data is empty, or was given away.', { cause })
  await settled(image, undefined, Failure)
  throw refusal(image, cause, Failure)
}

/** A bitmap of what a canvas can draw, or of a Blob, with colours as they are where it is translucent. */
export async function bitmapOf(image: object, signal: AbortSignal | undefined, Failure: Failure): Promise<ImageBitmap> {
  await settled(image, signal, Failure)
  try {
    return await createImageBitmap(image as Blob, { premultiplyAlpha: 'none' })
  } catch (cause) {
    if (!('naturalWidth' in image)) throw refusal(image, cause, Failure)
    // An SVG without a size of its own.
    const { naturalWidth, naturalHeight } = image as HTMLImageElement
    const canvas = new OffscreenCanvas(naturalWidth, naturalHeight)
    canvas.getContext('2d')!.drawImage(image as HTMLImageElement, 0, 0, naturalWidth, naturalHeight)
    return canvas.transferToImageBitmap()
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
