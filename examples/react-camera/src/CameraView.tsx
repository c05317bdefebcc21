import type { PageNetwork } from 'dynedge'
import { useRef } from 'react'
import { Answers } from './Answers.tsx'
import { useAnswers } from './useAnswers.ts'
import { useCamera } from './useCamera.ts'

/** Asks for a camera as long as it is mounted, and names what it sees. */
export function CameraView({ net }: { net: PageNetwork }) {
  const video = useRef<HTMLVideoElement>(null)
  const { camera, retry } = useCamera(video)
  const { top, fault } = useAnswers(net, video, camera.state === 'on')

  return (
    <section>
      <video ref={video} hidden={camera.state !== 'on'} aria-label="Camera" playsInline muted />
      {camera.state === 'asking' && <p role="status">The browser asks whether this page may use the camera.</p>}
      {camera.state === 'failed' && (
        <>
          <p role="alert">{camera.message}</p>
          <button type="button" onClick={retry}>
            Try again
          </button>
        </>
      )}
      {fault && <p role="alert">{fault}</p>}
      {camera.state === 'on' && <Answers top={top} />}
    </section>
  )
}
