import { readFile } from 'node:fs/promises'
import { openFile } from '../src/bundle/file-source.ts'
import { loader } from '../src/load.ts'

/** The SDK's `load` with the kernels of build/. */
export const load = loader({
  wasm: async (variant) => new Uint8Array(await readFile(new URL(`../build/${variant}.wasm`, import.meta.url))),
  readFile: openFile,
})
