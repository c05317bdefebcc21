import type { Platform, Prepare } from '../module.ts'
import { preparing } from './prepare.ts'
import type { StartThread } from './team.ts'

/** Threads of a worker of a page: workers of the script at `address`, src/worker/more.ts. */
export function threadsOfPage(wasm: Platform['wasm'], address: string): Prepare {
  return preparing({
    cores: () => navigator.hardwareConcurrency ?? 1,
    obstacle: () => (crossOriginIsolated ? undefined : NOT_ISOLATED),
    wasm,
    start: startThread(address),
  })
}

const NOT_ISOLATED =
  'The page is not cross-origin isolated, so it has no shared memory: it needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.'

/** A blob of one's own origin may import from any. */
const startThread =
  (address: string): StartThread =>
  (begin, gone) => {
    const script = new Blob([`importScripts(${JSON.stringify(address)})`], { type: 'text/javascript' })
    const shim = URL.createObjectURL(script)
    const worker = new Worker(new URL(address).origin === origin ? address : shim, { name: 'dynedge thread' })
    const ready = new Promise<void>((resolve) => {
      worker.onmessage = () => resolve()
      worker.onerror = ({ message }) => {
        gone(`A thread failed: ${message || `${address} does not start`}`)
        resolve()
      }
    })
    worker.postMessage(begin)
    return { ready, end: () => worker.terminate() }
  }
