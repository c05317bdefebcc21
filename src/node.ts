import { loader } from './load.ts'
import { nodePlatform } from './runtime/node-platform.ts'

export * from './index.ts'

/**
 * Loads a bundle from a path, URL, Blob, ArrayBuffer, Response or stream.
 * @throws DynedgeError with a `code`: what was found, what was expected
 */
export const load = loader(nodePlatform)
