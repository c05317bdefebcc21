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

const STRAIGHT: ImageBitmapOptions = { premultiplyAlpha: 'none' }

const page: Host = {
  address(bundle) {
    try {
      return new URL(bundle, globalThis.document?.baseURI ?? location.href).href
    } catch {
      return `${bundle}`
    }
  },

  async picture(image, transfer, signal) {
    const isFrame = typeof VideoFrame === 'function' && image instanceof VideoFrame
    let own: ImageBitmap | VideoFrame
    try {
      if (transfer && (isFrame || image instanceof ImageBitmap)) own = image
      // A frame shares its pixels with its clones; what is translucent goes with the colours that it has.
      else own = isFrame ? image.clone() : await createImageBitmap(image as ImageBitmapSource, STRAIGHT)
    } catch {
      own = await (await import('../image/settle.ts')).bitmapOf(image, signal, DynedgeError)
    }
    return { message: own, transfer: [own] }
  },

  async refused(image, cause) {
    const { refusal, settled } = await import('../image/settle.ts')
    await settled(image, undefined, DynedgeError)
    throw refusal(image, cause, DynedgeError)
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
