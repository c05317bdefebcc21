import { DynedgeError } from './errors.ts'
import type { Load } from './load.ts'

export * from './index.ts'

/**
 * Loads a bundle from a URL, Blob, ArrayBuffer, Response or stream.
 * @throws DynedgeError with a `code`: what was found, what was expected
 */
export const load: Load = async (bundle, options = {}) => {
  // Written out, so that bundlers find the files.
  const wasm = {
    simd: new URL('./dynedge.simd.wasm', import.meta.url).href,
    relaxed: new URL('./dynedge.relaxed.wasm', import.meta.url).href,
  }
  const { loadWith } = await (options.worker ? import('./worker/page.ts') : import('./engine.ts')).catch((cause) => {
    const message = `dynedge's own script cannot be had (${cause.message}): its browser.* files belong together.`
    throw new DynedgeError('network', message, { cause })
  })
  return loadWith(wasm)(bundle, options)
}
