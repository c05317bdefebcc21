/** C of a module without imports, over native/src/wasm-rt.h; equal modules give equal text. */
export function translate(wasm: Uint8Array, name: string): { header: string; source: string }
/** Runs a program of wabt. */
export function wabt(program: string, parameters: string[]): void
