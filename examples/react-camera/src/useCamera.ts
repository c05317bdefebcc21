import { type RefObject, useEffect, useState } from 'react'

export type CameraState = { state: 'asking' } | { state: 'on' } | { state: 'failed'; message: string }

/** Shows a camera in `video` as long as the caller is mounted. */
export function useCamera(video: RefObject<HTMLVideoElement | null>): { camera: CameraState; retry: () => void } {
  const [camera, setCamera] = useState<CameraState>({ state: 'asking' })
  const [attempt, setAttempt] = useState(0)

  // Another attempt asks again.
  useEffect(() => {
    let mounted = true
    let stream: MediaStream | undefined
    setCamera({ state: 'asking' })
    const show = async () => {
      stream = await openCamera()
      // The answer may come when nobody waits for it any more.
      if (!mounted) return stop(stream)
      for (const track of stream.getTracks())
        track.addEventListener('ended', () => {
          if (mounted) setCamera({ state: 'failed', message: 'The camera was switched off.' })
        })
      video.current!.srcObject = stream
      await video.current!.play()
      if (mounted) setCamera({ state: 'on' })
    }
    show().catch((error: Error) => {
      stop(stream)
      if (mounted) setCamera({ state: 'failed', message: reasonOf(error) })
    })
    return () => {
      mounted = false
      stop(stream)
    }
  }, [attempt, video])

  return { camera, retry: () => setAttempt(attempt + 1) }
}

async function openCamera(): Promise<MediaStream> {
  // Pages that did not come over https: have no cameras.
  if (!navigator.mediaDevices) throw new DOMException('no cameras here', 'SecurityError')
  return navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
}

function stop(stream?: MediaStream): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
}

function reasonOf({ name, message }: Error): string {
  if (name === 'NotAllowedError')
    return 'This page may not use the camera. Allow it in the browser, beside the address, and try again.'
  if (name === 'NotFoundError') return 'There is no camera here. Connect one and try again.'
  if (name === 'NotReadableError') return 'The camera is in use elsewhere. Close the other program and try again.'
  if (name === 'SecurityError') return 'Browsers give cameras only to pages from https: or localhost.'
  return `The camera cannot be used: ${message}`
}
