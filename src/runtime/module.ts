import { relaxedSimd, simd } from 'wasm-feature-detect'
import type { Backend } from '../backend.ts'
import { DynedgeError } from '../errors.ts'

/** One binary of the kernels; all are built from the same source. */
export type Variant = 'simd' | 'relaxed'

/** What a platform must bring; browser.ts and node.ts differ in nothing else. */
export interface Platform {
  /** Bytes of the kernels' wasm file, or a response to compile from. */
  wasm(variant: Variant): Promise<BufferSource | Response>
  /** Opens a path; only where there are files. */
  readFile?: (path: string | URL) => Promise<import('../bundle/source.ts').Source>
}

const compiled = new Map<string, Promise<WebAssembly.Module>>()

/** The best variant that this engine runs, or the forced one. Throws `unsupported-engine`. */
export async function chooseVariant(forced?: Variant): Promise<Variant> {
  const [hasSimd, hasRelaxed] = await Promise.all([simd(), relaxedSimd()])
  if (!hasSimd)
    throw new DynedgeError(
      'unsupported-engine',
      'This engine has no WebAssembly SIMD, which dynedge needs (Chrome 91, Firefox 89, Safari 16.4, Node 16.4 or later).',
    )
  if (forced === 'relaxed' && !hasRelaxed)
    throw new DynedgeError(
      'unsupported-engine',
      'This engine has no relaxed SIMD (Chrome 114, Firefox 145, Node 21 or later); leave the variant to dynedge, or ask for simd.',
    )
  return forced ?? (hasRelaxed ? 'relaxed' : 'simd')
}

/** The compiled module of a variant; compiled once and shared by all networks. */
export function compile(platform: Platform, variant: Variant): Promise<WebAssembly.Module> {
  let module = compiled.get(variant)
  if (!module) {
    // Not `instanceof Response`: naming it makes Node load all of fetch.
    module = platform
      .wasm(variant)
      .then((source) => ('body' in source ? WebAssembly.compileStreaming(source) : WebAssembly.compile(source)))
    compiled.set(variant, module)
    module.catch(() => compiled.delete(variant))
  }
  return module
}

const PAGE = 65536

/**
 * An instance whose memory has `bytes` bytes past its own data: `base` is the first of them, 64-aligned. Only a page must not wait
 * for it; elsewhere the asynchronous way is the slower one.
 */
export async function openBackend(
  module: WebAssembly.Module,
  bytes: number,
): Promise<{ backend: Backend; base: number }> {
  if (typeof document === 'undefined') return openBackendSync(module, bytes)
  return sized(await WebAssembly.instantiate(module), bytes)
}

export function openBackendSync(module: WebAssembly.Module, bytes: number): { backend: Backend; base: number } {
  return sized(new WebAssembly.Instance(module), bytes)
}

type Exports = Backend['exports'] & { memory: WebAssembly.Memory }

function sized(instance: WebAssembly.Instance, bytes: number): { backend: Backend; base: number } {
  const exports = instance.exports as Exports
  const base = Math.ceil(exports.heapBase() / 64) * 64
  const missing = Math.ceil((base + bytes) / PAGE) - exports.memory.buffer.byteLength / PAGE
  try {
    if (missing > 0) exports.memory.grow(missing)
  } catch (cause) {
    throw new DynedgeError(
      'out-of-memory',
      `No ${base + bytes} bytes of memory could be had; use a smaller maxInput or network.`,
      { cause },
    )
  }
  return { backend: { memory: exports.memory, exports }, base }
}
