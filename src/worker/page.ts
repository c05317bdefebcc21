import { DynedgeError } from '../errors.ts'
import type { Load } from '../load.ts'
import type { WasmAddresses } from '../runtime/page-platform.ts'
import type { Host, Reply } from './protocol.ts'
import { loadInWorker } from './remote.ts'
import { workerScript } from './script.ts'

/** `load` into a worker of a page. */
export const loadWith =
  (wasm: WasmAddresses): Load =>
  (bundle, options = {}) =>
    loadInWorker({ ...page, wasm: { ...wasm, ...scripts() } }, bundle, options)

const scripts = () => ({
  more: new URL('./browser.more.js', import.meta.url).href,
  cache: new URL('./browser.cache.js', import.meta.url).href,
})

const page: Host = {
  address(bundle) {
    try {
      return new URL(bundle, globalThis.document?.baseURI ?? location.href).href
    } catch {
      return `${bundle}`
    }
  },

  async picture(image, transfer) {
    const isFrame = typeof VideoFrame === 'function' && image instanceof VideoFrame
    if (isFrame || (transfer && image instanceof ImageBitmap))
      // A frame that is not given away is shared with the worker, not copied.
      return { message: image, transfer: transfer ? [image as Transferable] : [] }
    try {
      const bitmap = await createImageBitmap(image as ImageBitmapSource)
      return { message: bitmap, transfer: [bitmap] }
    } catch (cause) {
      throw new DynedgeError('bad-image', `The picture cannot be read: ${(cause as Error).message}`, { cause })
    }
  },

  start(hear, died) {
    let heard = false
    const address = new URL('./browser.worker.js', import.meta.url)
    const worker = new Worker(workerScript(address), { name: 'dynedge' })
    worker.onmessage = ({ data }: MessageEvent<Reply | { lock: string }>) => {
      heard = true
      if ('lock' in data) navigator.locks.request(data.lock, () => died('it was closed')).catch(() => {})
      else hear(data)
    }
    worker.onerror = ({ message }) =>
      died(heard ? message : `${address} does not start (${message || "not found, or against the page's policy"})`)
    return {
      post: (request, transfer) => worker.postMessage(request, transfer),
      hold() {},
      end: () => worker.terminate(),
    }
  },
}
