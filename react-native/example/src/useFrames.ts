import { useCallback, useMemo } from 'react'
import { type CameraFrameOutput, CommonResolutions, type Frame, useFrameOutput } from 'react-native-vision-camera'
import { createSynchronizable, scheduleOnRN } from 'react-native-worklets'
import { type SeenFrame, seen } from './frames'

/**
 * Hands frames of the camera to `look`, in JavaScript's thread, one at a time: those that come while it is at work are dropped in the camera's
 * thread, uncopied.
 */
export function useFrames(look: (frame: SeenFrame) => Promise<unknown>): CameraFrameOutput {
  const busy = useMemo(() => createSynchronizable(false), [])

  const lookOnce = useCallback(
    async (frame: SeenFrame) => {
      try {
        await look(frame)
      } finally {
        busy.setBlocking(false)
      }
    },
    [busy, look],
  )

  const onFrame = useCallback(
    (frame: Frame) => {
      'worklet'
      try {
        if (busy.getBlocking()) return
        busy.setBlocking(true)
        scheduleOnRN(lookOnce, seen(frame))
      } catch (error) {
        busy.setBlocking(false)
        throw error
      } finally {
        frame.dispose()
      }
    },
    [busy, lookOnce],
  )

  return useFrameOutput({
    // Networks see a few hundred pixels of it.
    targetResolution: CommonResolutions.VGA_4_3,
    pixelFormat: 'yuv',
    onFrame,
    // A camera is always faster than what is done with it.
    onFrameDropped: ignore,
  })
}

function ignore() {}
