import { readFile } from 'node:fs/promises'
import { openFile } from './bundle/file-source.ts'
import { loader } from './load.ts'

export * from './index.ts'

/**
 * Loads a bundle from a path, URL, Blob, ArrayBuffer, Response or stream.
 * @throws DynedgeError with a `code`: what was found, what was expected
 */
export const load = loader({
  wasm: async (variant) => new Uint8Array(await readFile(new URL(`./dynedge.${variant}.wasm`, import.meta.url))),
  readFile: openFile,
})
