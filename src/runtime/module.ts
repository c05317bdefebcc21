import { relaxedSimd, simd } from 'wasm-feature-detect'
import type { Backend } from '../backend.ts'
import { DynedgeError } from '../errors.ts'
import type { Variant } from '../interface.ts'

export type { Variant }

/** The file it lies in; with shared memory there are others. */
export type Binary = Variant | `${Variant}-threads`

/** What a platform must bring; browser.ts and node.ts differ in nothing else. */
export interface Platform {
  /** Bytes of the kernels' wasm file, or a response to compile from. */
  wasm(binary: Binary): Promise<BufferSource | Response>
  /** Instances of one thread where there is no WebAssembly. */
  opener?: Opener
  /** Opens the way to threads, apart, so that a page with one does not load it. Missing where nobody may ask for more than one. */
  threads?: () => Promise<Prepare>
  openOwn?: import('../bundle/source.ts').OpenOwn
}

/** An instance and the first byte of its memory that is the host's, 64-aligned. */
export interface Opened {
  backend: Backend
  base: number
}

/** How a network gets an instance with `bytes` bytes past its own data: now, or when its pictures grow. */
export interface Opener {
  open(bytes: number): Promise<Opened>
  openSync(bytes: number): Opened
}

/**
 * Gets `threads` threads ready; without an opener it stays at one, and `note` says why. `refuse` makes the error for memory that
 * cannot be had: this code may lie in a file that shares none with the rest.
 */
export type Prepare = (
  threads: number | 'auto',
  variant: Variant,
  refuse: typeof outOfMemory,
) => Promise<{ opener?: Opener; note?: string }>

const compiled = new Map<string, Promise<WebAssembly.Module>>()

/** The best variant that this engine runs, or the forced one. Throws `unsupported-engine`. */
export async function chooseVariant(forced?: Variant): Promise<Variant> {
  const [hasSimd, hasRelaxed] = await Promise.all([simd(), relaxedSimd()])
  if (!hasSimd || (forced === 'relaxed' && !hasRelaxed))
    throw (await import('./cannot-run.ts')).lacking(hasSimd, DynedgeError)
  return forced ?? (hasRelaxed ? 'relaxed' : 'simd')
}

/** A compiled binary; compiled once and shared by all networks. */
export function compile(platform: Pick<Platform, 'wasm'>, binary: Binary): Promise<WebAssembly.Module> {
  let module = compiled.get(binary)
  if (!module) {
    // Not `instanceof Response`: naming it makes Node load all of fetch.
    module = platform
      .wasm(binary)
      .then((source) => ('body' in source ? WebAssembly.compileStreaming(source) : WebAssembly.compile(source)))
    compiled.set(binary, module)
    module.catch(() => compiled.delete(binary))
  }
  return module
}

const PAGE = 65536

/** Instances of one thread. Only a page must not wait for them; elsewhere the asynchronous way is the slower one. */
export function openerOf(module: WebAssembly.Module): Opener {
  const openSync = (bytes: number) => sized(new WebAssembly.Instance(module), bytes)
  return {
    openSync,
    open: async (bytes) =>
      typeof document === 'undefined' ? openSync(bytes) : sized(await WebAssembly.instantiate(module), bytes),
  }
}

export function outOfMemory(bytes: number, cause: unknown): DynedgeError {
  return new DynedgeError(
    'out-of-memory',
    `No ${bytes} bytes of memory could be had; use a smaller maxInput or network.`,
    { cause },
  )
}

type Exports = Backend['exports'] & { memory: WebAssembly.Memory }

function sized(instance: WebAssembly.Instance, bytes: number): Opened {
  const exports = instance.exports as Exports
  const base = exports.heapBase(1)
  const missing = Math.ceil((base + bytes) / PAGE) - exports.memory.buffer.byteLength / PAGE
  try {
    if (missing > 0) exports.memory.grow(missing)
  } catch (cause) {
    throw outOfMemory(base + bytes, cause)
  }
  return { backend: { memory: exports.memory, exports }, base }
}
