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

const settle = () => import('../image/settle.ts')

const page: Host = {
  address(bundle) {
    try {
      return new URL(bundle, globalThis.document?.baseURI ?? location.href).href
    } catch {
      return `${bundle}`
    }
  },

  async picture(image, transfer, signal) {
    let own: ImageBitmap | VideoFrame
    try {
      // Bitmaps and frames can be given away. A frame shares its pixels with its clones; what is translucent goes with its colours.
      if (transfer && 'close' in image) own = image as ImageBitmap
      else if ('codedWidth' in image) own = (image as VideoFrame).clone()
      else own = await createImageBitmap(image as ImageBitmapSource, { premultiplyAlpha: 'none' })
    } catch {
      own = await (await settle()).bitmapOf(image, signal, DynedgeError)
    }
    return { message: own, transfer: [own] }
  },

  refused: async (image, cause) => (await settle()).sayWhy(image, cause, DynedgeError),

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
