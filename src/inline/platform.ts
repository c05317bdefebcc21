import { DynedgeError } from '../errors.ts'
import type { Platform } from '../runtime/module.ts'

/** Text that the build packed: gzip, then base64. Throws `unsupported-engine` where the engine cannot unpack it. */
export function unpacked(packed: string): Response {
  if (typeof DecompressionStream === 'undefined')
    throw new DynedgeError(
      'unsupported-engine',
      'dynedge/inline unpacks itself with DecompressionStream, which this engine lacks (needs Chrome 80, Firefox 113, Safari 16.4 or Node 20).',
    )
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0))
  // Not of a Blob, which WebKit does not read in a page from file:.
  return new Response(new Response(bytes).body!.pipeThrough(new DecompressionStream('gzip')))
}

/** A thread whose only binary is the baseline one, `packed` in its script. */
export const inlinePlatform = (packed: string): Platform => ({
  wasm: async () => unpacked(packed).arrayBuffer(),
  threads: async () => async () => ({
    note: 'dynedge/inline carries no binary for threads: import dynedge, and serve its files, for more than one.',
  }),
})
