import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'
import { expect, vi } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { LENGTH_BYTES } from '../../src/bundle/container.ts'
import { type BundleDescription, type BundleHeader, HEADER_START, headerCrc } from '../../src/bundle/header.ts'
import { readHeader, type StreamOptions, streamInto } from '../../src/bundle/load.ts'
import { type BundleInput, openSource } from '../../src/bundle/source.ts'
import { type TensorToWrite, writeBundle } from '../../src/bundle/write.ts'
import { DynedgeError, type ErrorCode } from '../../src/errors.ts'

import { randomFrom, seed } from '../helpers/wasm.ts'

export { randomFrom, seed }

export function randomBytes(count: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length: count }, () => random() * 256)
}

/** The definition, bit by bit. */
export function crc32cByBits(bytes: Iterable<number>, before = 0): number {
  let state = ~before
  for (const byte of bytes) {
    state ^= byte
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (0x82f63b78 & -(state & 1))
  }
  return ~state >>> 0
}

/** The checksum alone as a module with its own memory; `release` as asconfig.json's target simd. */
export async function compileChecksum(release: boolean): Promise<WebAssembly.Module> {
  const folder = mkdtempSync(join(tmpdir(), 'dynedge-'))
  const outFile = join(folder, 'crc32c.wasm')
  const source = new URL('../../assembly/checksum/crc32c.ts', import.meta.url)
  const features = 'simd,bulk-memory,sign-extension,mutable-globals,nontrapping-f2i'
  const speed = release ? ['-O3', '--converge', '--noAssert'] : ['--debug']
  const options = [
    '--config',
    'none',
    '--baseDir',
    '/',
    '--runtime',
    'stub',
    '--enable',
    features,
    '--outFile',
    outFile,
  ]
  try {
    const { error, stderr } = await asc.main([source.pathname, ...options, ...speed])
    if (error) throw new Error(`${error.message}\n${stderr}`)
    return new WebAssembly.Module(readFileSync(outFile))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Weights start here in the tests' memories. */
export const POINTER = 1 << 16

export function instantiate(module: WebAssembly.Module, bytes: number): Backend & { memory: WebAssembly.Memory } {
  const { exports } = new WebAssembly.Instance(module)
  const memory = exports.memory as WebAssembly.Memory
  memory.grow(Math.ceil((POINTER + bytes) / 65536) - memory.buffer.byteLength / 65536)
  return { memory, exports: exports as unknown as Backend['exports'] }
}

export const description: BundleDescription = {
  network: 'test',
  precision: 'w8',
  graph: { nodes: [{ op: 'pointwise', weights: 'stem' }] },
  input: { channels: 3, size: [224, 224] },
  labels: ['cat', 'dög', '日本'],
  quantization: null,
  provenance: { source: 'random' },
  licence: null,
}

export function smallTensors(): TensorToWrite[] {
  const random = randomFrom(1)
  return [
    { name: 'stem', dtype: 'F32', data: Float32Array.from({ length: 100 }, random) },
    { name: 'mixed/é "quoted"', dtype: 'I8', data: Int8Array.from({ length: 70000 }, () => random() * 256 - 128) },
    { name: '__proto__', dtype: 'I32', data: new Int32Array([1, -2, 3]) },
    { name: '7', dtype: 'U8', data: new Uint8Array([255]) },
  ]
}

export function smallBundle(): Uint8Array {
  return writeBundle({ tensors: smallTensors(), metadata: description })
}

/** Length, JSON, padding and a right checksum, for JSON of any content. */
export function seal(jsonAfterStart: string, alignment = 64): Uint8Array {
  const json = new TextEncoder().encode(`${HEADER_START}00000000${jsonAfterStart}`)
  const length = Math.ceil((LENGTH_BYTES + json.length) / alignment) * alignment - LENGTH_BYTES
  const head = new Uint8Array(LENGTH_BYTES + length).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true)
  head.set(json, LENGTH_BYTES)
  head.set(new TextEncoder().encode(headerCrc(head)), LENGTH_BYTES + HEADER_START.length)
  return head
}

// biome-ignore lint/suspicious/noExplicitAny: JSON that is broken on purpose
export type Loose = any

/** A bundle's header as objects, and back with a right checksum. */
export function editHeader(bundle: Uint8Array, edit: (entries: Loose, metadata: Loose) => void): Uint8Array {
  const dataStart = LENGTH_BYTES + new DataView(bundle.buffer, bundle.byteOffset).getUint32(0, true)
  const entries = JSON.parse(new TextDecoder().decode(bundle.subarray(LENGTH_BYTES, dataStart)))
  const metadata = JSON.parse(entries.__metadata__.dynedge)
  edit(entries, metadata)
  const { __metadata__: strings, ...tensors } = entries
  const others = JSON.stringify(tensors).slice(1)
  const extra = JSON.stringify({ ...strings, dynedge_crc32c: undefined, dynedge: JSON.stringify(metadata) }).slice(1)
  const head = seal(`",${extra}${others === '}' ? '}' : `,${others}`}`)
  const file = new Uint8Array(head.length + bundle.length - dataStart)
  file.set(head)
  file.set(bundle.subarray(dataStart), head.length)
  return file
}

/** A stream without a known size. */
export function chunked(bytes: Uint8Array, chunkBytes: number): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + chunkBytes))
      at += chunkBytes
    },
  })
}

/** The whole way, as the SDK goes it: memory is taken once the header is accepted. */
export async function loadAll(
  input: BundleInput,
  takeMemory: (header: BundleHeader) => Backend,
  options: StreamOptions = {},
) {
  const source = await openSource(input, options)
  const { header, rest } = await readHeader(source, options)
  const backend = takeMemory(header)
  await streamInto(backend, POINTER, header, rest, options)
  return { header, backend }
}

export async function errorOf(promise: Promise<unknown>, context = ''): Promise<DynedgeError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error, context).toBeInstanceOf(DynedgeError)
  return error as DynedgeError
}

/** As toEqual, which takes 150 ms for 70 KB. */
export function expectSameBytes(found: Uint8Array, expected: Uint8Array, context = ''): void {
  expect(found.length, context).toBe(expected.length)
  expect(
    found.findIndex((byte, at) => byte !== expected[at]),
    context,
  ).toBe(-1)
}

/** Refused from the header: no memory may be taken. */
export async function expectRefusedEarly(input: BundleInput, code: ErrorCode, words: RegExp, options?: StreamOptions) {
  const takeMemory = vi.fn()
  const error = await errorOf(loadAll(input, takeMemory, options))
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)])
  expect(takeMemory).not.toHaveBeenCalled()
}
