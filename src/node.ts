/**
 * `import { load } from 'dynedge'` in Node.
 * @module dynedge, in Node
 */
import { type Load, loader } from './load.ts'
import { nodePlatform } from './runtime/node-platform.ts'

export { bundleCache } from './cache/none.ts'
export * from './index.ts'

const loadHere = loader(nodePlatform)

/**
 * Loads a bundle from a path, URL, Blob, ArrayBuffer, Response or stream.
 * @throws DynedgeError with a `code`: what was found, what was expected
 */
export const load: Load = async (bundle, options = {}) =>
  options.worker ? (await import('./worker/node.ts')).load(bundle, options) : loadHere(bundle, options)
