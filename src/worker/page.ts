import type { Load } from '../load.ts'
import type { WasmAddresses } from '../runtime/page-platform.ts'
import { pageHost } from './page-host.ts'
import { loadInWorker } from './remote.ts'

/** `load` into a worker of a page. */
export const loadWith =
  (wasm: WasmAddresses): Load =>
  (bundle, options = {}) => {
    const host = pageHost(new URL('./browser.worker.js', import.meta.url))
    return loadInWorker({ ...host, wasm: { ...wasm, ...scripts() } }, bundle, options)
  }

const scripts = () => ({
  more: new URL('./browser.more.js', import.meta.url).href,
  cache: new URL('./browser.cache.js', import.meta.url).href,
})
