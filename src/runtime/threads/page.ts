import { workerScript } from '../../worker/script.ts'
import type { Platform, Prepare } from '../module.ts'
import { preparing } from './prepare.ts'
import type { StartThread } from './team.ts'

/** Threads of a worker of a page: workers of the script at `address`, src/worker/more.ts. */
export function threadsOfPage(wasm: Platform['wasm'], address: string): Prepare {
  return preparing({
    cores: () => navigator.hardwareConcurrency ?? 1,
    obstacle: () =>
      !crossOriginIsolated ? NOT_ISOLATED : typeof SharedArrayBuffer === 'undefined' ? NO_SHARING : undefined,
    wasm,
    start: startThread(address),
  })
}

const NOT_ISOLATED =
  'The page is not cross-origin isolated, so it has no shared memory: it needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.'
/** WebKitGTK as it is shipped. */
const NO_SHARING =
  'This browser has no shared memory (SharedArrayBuffer), even for a page that is cross-origin isolated.'

const startThread =
  (address: string): StartThread =>
  (gone) => {
    const worker = new Worker(workerScript(address), { name: 'dynedge thread' })
    const ready = new Promise<void>((resolve) => {
      worker.onmessage = () => resolve()
      worker.onerror = ({ message }) => {
        gone(`A thread failed: ${message || `${address} does not start`}`)
        resolve()
      }
    })
    return { ready, enter: (start) => worker.postMessage(start), end: () => worker.terminate() }
  }
