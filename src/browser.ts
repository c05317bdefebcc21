/**
 * `import { load } from 'dynedge'` in a page, or in a worker of its own making.
 * @module dynedge, in pages
 */
import type { BundleInput } from './bundle/source.ts'
import { DynedgeError } from './errors.ts'
import type { BundleCache } from './interface.ts'
import type { LoadOptions } from './load.ts'
import type { PageNetwork } from './stream.ts'

export * from './index.ts'
export type { PageNetwork, StreamedFrame, StreamOptions } from './stream.ts'

/** Scripts that not every page needs. */
const chunk = <T>(script: Promise<T>): Promise<T> =>
  script.catch((cause) => {
    const message = `dynedge's own script cannot be had (${cause.message}): its browser.* files belong together.`
    throw new DynedgeError('network', message, { cause })
  })

/** What `load(url, { cache: true })` has kept. */
export const bundleCache: BundleCache = {
  list: async () => (await chunk(import('./cache/manage.ts'))).listBundles(),
  delete: async (which) => (await chunk(import('./cache/manage.ts'))).deleteBundles(which),
}

/**
 * Loads a bundle from a URL, Blob, ArrayBuffer, Response or stream.
 * @throws DynedgeError with a `code`: what was found, what was expected
 */
export async function load(bundle: BundleInput, options: LoadOptions = {}): Promise<PageNetwork> {
  // Written out, so that bundlers find the files.
  const wasm = {
    simd: new URL('./dynedge.simd.wasm', import.meta.url).href,
    relaxed: new URL('./dynedge.relaxed.wasm', import.meta.url).href,
    'simd-threads': new URL('./dynedge.simd-threads.wasm', import.meta.url).href,
    'relaxed-threads': new URL('./dynedge.relaxed-threads.wasm', import.meta.url).href,
  }
  // Threads wait for each other, which a page's main thread must not.
  const inWorker = options.worker || (options.threads ?? 1) !== 1
  const { loadWith } = await chunk(inWorker ? import('./worker/page.ts') : import('./engine.ts'))
  const net = await loadWith(wasm)(bundle, options)
  return Object.assign(net, {
    async *stream(...[video, options = {}]: Parameters<PageNetwork['stream']>) {
      yield* (await chunk(import('./stream.ts'))).streamed(net, video, options)
    },
  })
}
