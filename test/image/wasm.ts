import { readFileSync } from 'node:fs'
import asc from 'assemblyscript/asc'
import type { Backend } from '../../src/backend.ts'

// Compiles the image kernels alone, so that these tests need no build of the whole module.
const ROOT = new URL('../../', import.meta.url)
const ENTRY = ['rows', 'columns', 'normalise'].map((file) => `export * from './assembly/image/${file}'`).join('\n')
const OPTIONS = ['--runtime', 'stub', '-O3', '--converge', '--noAssert', '--initialMemory', '1', '--enable', 'simd']

export interface Variant {
  name: string
  bytes: Uint8Array
}

export function variants(): Promise<Variant[]> {
  return Promise.all([compile('simd', []), compile('relaxed', ['--enable', 'relaxed-simd'])])
}

export async function instantiate(bytes: Uint8Array): Promise<Backend> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource))
  return { memory: exports.memory as WebAssembly.Memory, exports: exports as unknown as Backend['exports'] }
}

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

async function compile(name: string, options: string[]): Promise<Variant> {
  let bytes: Uint8Array | undefined
  const { error, stderr } = await asc.main(['entry.ts', ...OPTIONS, ...options, '--outFile', 'out.wasm'], {
    readFile: (file) => (file === 'entry.ts' ? ENTRY : readOrNull(file)),
    writeFile: (_file, contents) => {
      bytes = contents as Uint8Array
    },
    listFiles: () => [],
  })
  if (error || !bytes) throw new Error(`asc: ${stderr.toString()}`, { cause: error })
  return { name, bytes }
}

function readOrNull(file: string): string | null {
  try {
    return file.startsWith('assembly/') ? readFileSync(new URL(file, ROOT), 'utf8') : null
  } catch {
    return null
  }
}
