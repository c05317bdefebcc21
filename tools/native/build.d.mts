/** Writes the C of build/simd.wasm, where it is not there already; its folder. */
export function buildNative(): string
