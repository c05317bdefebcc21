import { DynedgeError } from '../errors.ts'
import type { Host, Reply } from './protocol.ts'
import { workerScript } from './script.ts'

const settle = () => import('../image/settle.ts')

/** A page whose workers run the script at `address`; `script` gives what `new Worker` may be given for it. */
export const pageHost = (address: URL | string, script = workerScript): Host => ({
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
    const worker = new Worker(script(address), { name: 'dynedge' })
    worker.onmessage = ({ data }: MessageEvent<Reply | { lock: string }>) => {
      heard = true
      if ('lock' in data) navigator.locks.request(data.lock, () => died('it was closed')).catch(() => {})
      else hear(data)
    }
    worker.onerror = ({ message }) =>
      died(heard ? message : `${address} does not start (${message || 'not found, or forbidden'})`)
    return {
      post: (request, transfer) => worker.postMessage(request, transfer),
      hold() {},
      end: () => worker.terminate(),
    }
  },
})
