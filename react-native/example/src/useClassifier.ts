import { type ClassifyOptions, DynedgeError, type ImageInput, load, type Network, type Prediction } from 'dynedge'
import { useCallback, useEffect, useRef, useState } from 'react'
import { readable } from './messages'

/** Where the network is on its way. `share` of it that is loaded, 0 to 1. */
export type Loading = { state: 'loading'; share: number } | { state: 'failed'; message: string } | { state: 'ready' }

/** What a network said to a picture. */
export interface Answer {
  top: Prediction[]
  /** Milliseconds that the picture took, with resizing it. */
  ms: number
}

export interface Classifier {
  loading: Loading
  /** Of the last picture. */
  answer?: Answer
  /** Why the last picture has no answer. */
  fault?: string
  /** Gives false, and does nothing, while another picture is on its way or the network is not there. */
  classify(picture: ImageInput, options?: ClassifyOptions): Promise<boolean>
  /** Forgets what was said. */
  forget(): void
  /** Loads again. */
  retry(): void
}

/** Owns the network of `bundle`: loads it, asks it, one picture at a time, and puts it away when the caller goes or wants another. */
export function useClassifier(bundle: number): Classifier {
  const [loading, setLoading] = useState<Loading>({ state: 'loading', share: 0 })
  const [said, setSaid] = useState<{ answer?: Answer; fault?: string }>({})
  const [attempt, setAttempt] = useState(0)
  const network = useRef<Network>(undefined)
  const busy = useRef<Network>(undefined)

  // Another attempt loads again.
  useEffect(() => {
    const left = new AbortController()
    const { signal } = left
    setLoading({ state: 'loading', share: 0 })
    setSaid({})
    load(bundle, {
      signal,
      onProgress: ({ loaded, total }) => {
        if (!signal.aborted) setLoading({ state: 'loading', share: loaded / total })
      },
    }).then(
      (loaded) => {
        if (signal.aborted) return loaded.dispose()
        network.current = loaded
        setLoading({ state: 'ready' })
      },
      (error) => {
        if (!signal.aborted) setLoading({ state: 'failed', message: readable(error) })
      },
    )
    return () => {
      left.abort()
      network.current?.dispose()
      network.current = undefined
    }
  }, [bundle, attempt])

  const classify = useCallback(async (picture: ImageInput, options?: ClassifyOptions) => {
    const asked = network.current
    if (!asked || busy.current === asked) return false
    busy.current = asked
    try {
      const start = performance.now()
      const top = await asked.classify(picture, options)
      const answer = { top, ms: performance.now() - start }
      // The caller may have chosen another network meanwhile.
      if (network.current === asked) setSaid({ answer })
    } catch (error) {
      if (network.current === asked && !isGone(error)) setSaid({ fault: readable(error) })
    } finally {
      if (busy.current === asked) busy.current = undefined
    }
    return true
  }, [])

  const forget = useCallback(() => setSaid({}), [])
  const retry = useCallback(() => setAttempt((last) => last + 1), [])
  return { loading, ...said, classify, forget, retry }
}

const isGone = (error: unknown) =>
  error instanceof DynedgeError && (error.code === 'disposed' || error.code === 'aborted')
