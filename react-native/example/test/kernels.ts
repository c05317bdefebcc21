import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'

// The native part of dynedge for Node: the same methods, over the WebAssembly that its C is translated from.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module)
    readonly exports: unknown
  }
  interface Memory {
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
}

const PAGE = 65_536
const CHUNK = 65_536
const wasm = new WebAssembly.Module(readFileSync(join(__dirname, '../../../dist/dynedge.simd.wasm')))

type Exports = Record<string, (...numbers: number[]) => number>

function instantiate(bytes: number) {
  const { memory, ...exports } = new WebAssembly.Instance(wasm).exports as Exports & { memory: WebAssembly.Memory }
  memory.grow(Math.ceil(bytes / PAGE) - memory.buffer.byteLength / PAGE)
  const { buffer } = memory
  return {
    memory: { buffer },
    threads: 1,
    exports,
    runLater: async (from: number, to: number) => exports.run(from, to, 0, 1),
    timesLater: async (from: number, to: number) => {
      exports.run(from, to, 0, 1)
      return new Array<number>(to - from).fill(0)
    },
    digestLater: async (pointer: number, length: number) => [
      ...createHash('sha256')
        .update(new Uint8Array(buffer, pointer, length))
        .digest(),
    ],
    cancel() {},
    dispose() {},
  }
}

async function openFile(path: string) {
  const file: FileHandle = await open(path).catch(() => {
    throw Object.assign(new Error(`${path}: no such file`), { code: 'not-found' })
  })
  const { size } = await file.stat()
  const bytes = new Uint8Array(CHUNK)
  return {
    size,
    buffer: bytes.buffer,
    read: async () => (await file.read(bytes, 0, CHUNK)).bytesRead,
    close: () => void file.close().catch(() => {}),
  }
}

export const kernels = {
  instantiate,
  openFile,
  decodeBase64: (text: string) => Uint8Array.from(Buffer.from(text, 'base64')).buffer,
  packageName: () => 'com.dynedgeexample',
}
