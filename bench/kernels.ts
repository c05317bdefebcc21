import { readFile } from 'node:fs/promises'
import { openLocal } from '../src/bundle/file-source.ts'
import { loader } from '../src/load.ts'
import { prepareIn } from '../src/runtime/threads/node.ts'

/** The SDK's `load` with the kernels of build/; scripts of threads are those of `npm run build`. */
export const load = loader({
  wasm: async (binary) => new Uint8Array(await readFile(new URL(`../build/${binary}.wasm`, import.meta.url))),
  openOwn: openLocal,
  threads: async () => prepareIn(new URL('../dist/', import.meta.url)),
})

/** Kernels that calibration runs on. */
export const calibrationKernels = async (): Promise<WebAssembly.Module> =>
  WebAssembly.compile(await readFile(new URL('../build/simd.wasm', import.meta.url)))
