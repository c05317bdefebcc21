import { load, type PageNetwork } from 'dynedge'
import url, { info } from 'dynedge-models/dy-mobile-200/int8'
import { useEffect, useState } from 'react'

export type NetworkState =
  | { state: 'loading'; share: number }
  | { state: 'ready'; net: PageNetwork }
  | { state: 'failed'; message: string }

/** The network, in a worker, as long as the caller is mounted. React may mount twice and unmount at any time: a load ends with its effect. */
export function useNetwork(): { network: NetworkState; retry: () => void } {
  const [network, setNetwork] = useState<NetworkState>({ state: 'loading', share: 0 })
  const [attempt, setAttempt] = useState(0)

  // Another attempt is another load.
  useEffect(() => {
    const unmounted = new AbortController()
    const { signal } = unmounted
    let loaded: PageNetwork | undefined
    setNetwork({ state: 'loading', share: 0 })
    load(url, {
      worker: true,
      integrity: info.integrity,
      signal,
      onProgress: ({ loaded, total }) => {
        if (!signal.aborted) setNetwork({ state: 'loading', share: loaded / total })
      },
    }).then(
      (net) => {
        if (signal.aborted) return net.dispose()
        loaded = net
        setNetwork({ state: 'ready', net })
      },
      (error: Error) => {
        if (!signal.aborted) setNetwork({ state: 'failed', message: error.message })
      },
    )
    return () => {
      unmounted.abort()
      loaded?.dispose()
    }
  }, [attempt])

  return { network, retry: () => setAttempt(attempt + 1) }
}
