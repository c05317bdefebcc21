import type { Backend } from '../../src/backend.ts'

export { type Built as Variant, instantiate, variants } from '../helpers/wasm.ts'

const bases = new WeakMap<Backend, number>()

/** Address of `bytes` bytes that belong to the caller alone, past everything the module keeps in memory. */
export function scratch(backend: Backend, bytes: number): number {
  const memory = backend.memory as WebAssembly.Memory
  const base = bases.get(backend) ?? memory.buffer.byteLength
  bases.set(backend, base)
  const missing = base + bytes - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / 65536))
  return base
}
