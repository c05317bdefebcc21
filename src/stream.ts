import type { ClassifyOptions, Network, Prediction } from './interface.ts'

/** The answer for one frame of a video. */
export interface StreamedFrame {
  /** Best classes first. */
  top: Prediction[]
  /** When the frame is shown, in seconds of the video. */
  mediaTime: number
  /** Frames that were shown since the one before, and for which there was no time. */
  dropped: number
}

/** Options of `stream`: those of `classify`. */
export type StreamOptions = Omit<ClassifyOptions, 'transfer'>

/** A network in a page. */
export interface PageNetwork extends Network {
  /**
   * Classifies a video as it plays, always its newest frame; those that come meanwhile are dropped. Ends when the video does, or when
   * the loop over it is left. Throws as `classify` does.
   */
  stream(video: HTMLVideoElement, options?: StreamOptions): AsyncGenerator<StreamedFrame, void, undefined>
}

/** @internal */
export async function* streamed(
  net: Network,
  video: HTMLVideoElement,
  options: StreamOptions,
): AsyncGenerator<StreamedFrame, void, undefined> {
  const { signal } = options
  const camera = video.srcObject as MediaStream | null
  /** Frames shown since the last one that was taken. */
  let fresh = 0
  let mediaTime = -1
  let request = 0
  let resolve: (() => void) | undefined
  const wake = () => resolve?.()
  const seen = (time: number) => {
    mediaTime = time
    ++fresh
    wake()
  }
  // Not every browser tells of each frame.
  const tells: boolean = 'requestVideoFrameCallback' in video
  const ask = () => {
    request = tells
      ? video.requestVideoFrameCallback((_, frame) => {
          // WebKitGTK's is 0 for a camera.
          seen(frame.mediaTime || video.currentTime)
          ask()
        })
      : requestAnimationFrame(() => {
          if (video.readyState > 1 && video.currentTime !== mediaTime) seen(video.currentTime)
          ask()
        })
  }
  const ends: [EventTarget | null | undefined, string][] = [
    [video, 'ended'],
    [camera, 'inactive'],
    [signal, 'abort'],
  ]
  for (const [target, event] of ends) target?.addEventListener(event, wake)
  ask()
  try {
    while (true) {
      while (!fresh && !video.ended && camera?.active !== false && !signal?.aborted)
        await new Promise<void>((woken) => {
          resolve = woken
        })
      // The call below is what fails when the caller has aborted.
      if (!fresh && !signal?.aborted) return
      const dropped = fresh - 1
      const time = mediaTime
      fresh = 0
      const picture = newest(video)
      try {
        yield { top: await net.classify(picture, { ...options, transfer: true }), mediaTime: time, dropped }
      } finally {
        // One that went to a worker is closed already.
        if (picture !== video) (picture as VideoFrame).close()
      }
    }
  } finally {
    for (const [target, event] of ends) target?.removeEventListener(event, wake)
    if (tells) video.cancelVideoFrameCallback(request)
    else cancelAnimationFrame(request)
  }
}

/** A frame without copying its pixels, where the browser can. */
function newest(video: HTMLVideoElement): HTMLVideoElement | VideoFrame {
  try {
    return new VideoFrame(video)
  } catch {
    return video
  }
}
