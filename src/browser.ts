import { loader } from './load.ts'

export * from './index.ts'

/**
 * Loads a bundle from a URL, Blob, ArrayBuffer, Response or stream.
 * @throws DynedgeError with a `code`: what was found, what was expected
 */
export const load = loader({
  wasm: async (variant) => {
    // Written out, so that bundlers find both files.
    const url =
      variant === 'relaxed'
        ? new URL('./dynedge.relaxed.wasm', import.meta.url)
        : new URL('./dynedge.simd.wasm', import.meta.url)
    const response = await fetch(url)
    // A server that does not know .wasm must not stop us: only the right type compiles while it streams.
    return response.ok && response.headers.get('content-type')?.startsWith('application/wasm')
      ? response
      : response.arrayBuffer()
  },
})
