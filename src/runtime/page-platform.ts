import type { Binary, Platform } from './module.ts'

/** Addresses of the kernels' binaries, whole. */
export type WasmAddresses = Record<Binary, string>

/** How a page and its workers read: they fetch. */
export function pagePlatform(wasm: WasmAddresses): Platform {
  return {
    wasm: async (binary) => {
      const response = await fetch(wasm[binary])
      // A server that does not know .wasm must not stop us: only the right type compiles while it streams.
      return response.ok && response.headers.get('content-type')?.startsWith('application/wasm')
        ? response
        : response.arrayBuffer()
    },
  }
}
