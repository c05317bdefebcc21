import { readFileSync } from 'node:fs'
import { MAX_THREADS } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import type { Binary } from '../../src/runtime/module.ts'

export interface Built {
  name: 'simd' | 'relaxed'
  bytes: Uint8Array
}

const NAMES = ['simd', 'relaxed'] as const

/** The binaries of build/ that the running engine can compile; baseline SIMD always, or something is wrong. */
export function variants(): Built[] {
  const built = NAMES.map((name) => ({ name, bytes: readWasm(name) })).filter(({ bytes }) =>
    WebAssembly.validate(bytes as BufferSource),
  )
  if (built[0]?.name !== 'simd') throw new Error('This engine does not compile build/simd.wasm.')
  return built
}

/** Bytes of a binary of build/; for `loader`, whether the engine can compile them or not. */
export function readWasm(name: Binary): Uint8Array {
  try {
    return new Uint8Array(readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url)))
  } catch (cause) {
    throw new Error(`There is no build/${name}.wasm; run npm run build.`, { cause })
  }
}

/** A fresh instance with a memory of its own. */
export async function instantiate(bytes: Uint8Array): Promise<Backend> {
  const { instance } = await WebAssembly.instantiate(bytes as BufferSource)
  return {
    memory: instance.exports.memory as WebAssembly.Memory,
    exports: instance.exports as unknown as Backend['exports'],
  }
}

/** Makes sure that `bytes` bytes from the module's own end on exist, with scratch for as many threads as can be; returns their start. */
export function reserve(backend: Backend, bytes: number): number {
  const base = backend.exports.heapBase(MAX_THREADS)
  const missing = Math.ceil((base + bytes - backend.memory.buffer.byteLength) / 65536)
  if (missing > 0) (backend.memory as WebAssembly.Memory).grow(missing)
  return base
}

/** A quiet NaN in every word: whatever reads it before it is written shows it. */
const POISON = 0x7fc0dead

export function poison(backend: Backend, at: number, bytes: number): void {
  new Uint32Array(backend.memory.buffer, at, bytes / 4).fill(POISON)
}

/** Offset of the first byte of at .. at + bytes that is no longer poison; -1 when all are. */
export function touched(backend: Backend, at: number, bytes: number): number {
  return 4 * new Uint32Array(backend.memory.buffer, at, bytes / 4).findIndex((word) => word !== POISON)
}

/** Seeded random numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A new one for each run, printed where a test fails; SEED=n repeats one. */
export const seed = Number(process.env.SEED ?? Date.now() % 1e9)

/**
 * How far a float32 sum of `depth` products, in any order, may lie from the exact one when the sums that are compared reach
 * `magnitude`: every addition rounds a partial sum by 2^-24 of it, the roundings add up like a random walk; 16 for its tail.
 */
export function tolerance(depth: number, magnitude: number): number {
  return 16 * 2 ** -24 * Math.sqrt(depth + 1) * magnitude
}
