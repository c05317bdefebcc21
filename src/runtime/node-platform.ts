import { readFile } from 'node:fs/promises'
import { openFile } from '../bundle/file-source.ts'
import type { Platform } from './module.ts'

/** How Node reads: the kernels' binaries lie beside the built file. */
export const nodePlatform: Platform = {
  wasm: async (variant) => new Uint8Array(await readFile(new URL(`./dynedge.${variant}.wasm`, import.meta.url))),
  readFile: openFile,
}
