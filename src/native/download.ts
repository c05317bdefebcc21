import { type Source, transport } from '../bundle/source.ts'
import { aborted, DynedgeError } from '../errors.ts'
import { openBlob } from './blob.ts'
import type { NativeModule } from './module.ts'
import type { OnDownload } from './open.ts'

const HEADERS_RECEIVED = 2

/** What React Native's XMLHttpRequest finds at an address, which it holds outside of JavaScript. Asks at once, and waits for all of it. */
export async function download(
  address: string,
  native: NativeModule,
  signal?: AbortSignal,
  onDownload?: OnDownload,
): Promise<Source> {
  const name = address.slice(0, 200)
  const blob: Blob & { close?(): void } = await new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const fromWeb = /^https?:/i.test(address)
    let [received, size] = [0, 0]
    const settle = (call: () => void) => {
      signal?.removeEventListener('abort', stop)
      call()
    }
    const giveUp = (error: unknown) =>
      settle(() => {
        reject(error)
        request.abort()
      })
    const stop = () => giveUp(aborted(signal!))
    const attempt = (step: () => void) => {
      try {
        step()
      } catch (error) {
        giveUp(error)
      }
    }
    const broke = (reason: string) => settle(() => reject(faultOf(name, fromWeb, reason, received, size)))
    request.open('GET', address)
    request.responseType = 'blob'
    request.onreadystatechange = () => {
      if (fromWeb && request.readyState === HEADERS_RECEIVED) attempt(() => transport.accept(answerOf(request), name))
    }
    request.onprogress = ({ loaded, total, lengthComputable }) => {
      ;[received, size] = [loaded, lengthComputable ? total : 0]
      if (size > 0) attempt(() => onDownload?.(Math.min(loaded, size), size))
    }
    request.onerror = () => broke('')
    request.ontimeout = () => broke(' in time')
    request.onload = () =>
      attempt(() => {
        const { response } = request
        settle(() => resolve(response))
      })
    signal?.addEventListener('abort', stop)
    request.send()
  })
  return openBlob(name, blob, native, signal, () => blob.close?.())
}

/** As much of a Response as an answer is judged by. */
const answerOf = (request: XMLHttpRequest) =>
  ({
    ok: request.status >= 200 && request.status < 300,
    status: request.status,
    statusText: '',
    headers: { get: (name: string) => request.getResponseHeader(name) },
  }) as Response

function faultOf(name: string, fromWeb: boolean, reason: string, received: number, size: number): DynedgeError {
  if (!fromWeb)
    return new DynedgeError(
      'not-found',
      `${name} cannot be read: there is nothing of this address, or nothing that this app may read.`,
    )
  if (received)
    return new DynedgeError(
      'network',
      `${name}: the connection broke after ${received}${size ? ` of ${size}` : ''} bytes`,
    )
  const policy = name.startsWith('http:')
    ? ', and that the app may use http: (NSAppTransportSecurity, usesCleartextTraffic)'
    : ''
  return new DynedgeError(
    'network',
    `${name} cannot be fetched: no answer${reason}; check the address and the network${policy}`,
  )
}
