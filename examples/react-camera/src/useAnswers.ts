import { DynedgeError, type PageNetwork, type Prediction } from 'dynedge'
import { type RefObject, useEffect, useState } from 'react'

/** The best classes of the newest frame of `video`, while `playing`. */
export function useAnswers(
  net: PageNetwork,
  video: RefObject<HTMLVideoElement | null>,
  playing: boolean,
): { top: Prediction[]; fault?: string } {
  const [top, setTop] = useState<Prediction[]>([])
  const [fault, setFault] = useState<string>()

  useEffect(() => {
    if (!playing) return
    const unmounted = new AbortController()
    const { signal } = unmounted
    const look = async () => {
      for await (const { top } of net.stream(video.current!, { signal })) setTop(top)
    }
    look().catch((error: Error) => {
      if (error instanceof DynedgeError && error.code === 'aborted') return
      setFault(`The picture cannot be classified. ${error.message}`)
    })
    return () => {
      unmounted.abort()
      setTop([])
      setFault(undefined)
    }
  }, [net, video, playing])

  return { top, fault }
}
