import { readFileSync } from 'node:fs'
import { openLocal } from '../bundle/file-source.ts'
import type { Platform } from './module.ts'

/** How Node reads: the kernels' binaries lie beside the built file. 70 KB are there before a promise of them would be made. */
export const nodePlatform: Platform = {
  wasm: async (binary) => readFileSync(new URL(`./dynedge.${binary}.wasm`, import.meta.url)),
  openOwn: openLocal,
  threads: async () => (await import('./threads/node.ts')).prepareIn(import.meta.url),
}
