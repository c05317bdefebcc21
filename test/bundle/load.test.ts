import { describe, expect, it } from 'vitest'
import { writeBundle } from '../../src/bundle/write.ts'
import { bundle, data, header, placed, sri, takeMemory } from './small.ts'
import {
  chunked,
  description,
  expectSameBytes,
  loadAll,
  POINTER,
  randomFrom,
  seed,
  smallBundle,
  smallTensors,
} from './support.ts'

describe('round trip', () => {
  it('keeps every tensor, padded with zeros to 64 bytes', async () => {
    const { header, backend } = await loadAll(bundle, takeMemory)
    const tensors = smallTensors()
    expect([...header.tensors.keys()]).toEqual(tensors.map(({ name }) => name))
    for (const { name, dtype, data } of tensors) {
      const { offset, bytes, ...found } = header.tensors.get(name)!
      expect([offset % 64, bytes % 64, found.dtype]).toEqual([0, 0, dtype])
      const stored = new Uint8Array(backend.memory.buffer, POINTER + offset, bytes)
      const expected = new Uint8Array(bytes)
      expected.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      expectSameBytes(stored, expected)
    }
  })

  it('keeps the description and counts the bytes', () => {
    const { crc32c: sums, sha256, dataBytes, weightBytes, ...rest } = header.metadata
    expect(rest).toEqual({ format: 1, layout: 1, ...description })
    expect(Object.keys(sums)).toHaveLength(4)
    expect(sha256).toBe(Buffer.from(sri.slice(7), 'base64').toString('hex'))
    expect([dataBytes, weightBytes]).toEqual([data.length, 400 + 70000 + 12 + 1])
    expect(header.dataStart % 64).toBe(0)
  })

  it('writes equal bytes for equal input', () => {
    expectSameBytes(smallBundle(), bundle)
  })

  it('works without tensors', async () => {
    const empty = writeBundle({ tensors: [], metadata: description })
    expect((await loadAll(empty, takeMemory)).header.tensors.size).toBe(0)
  })

  it('carries thousands of tensors in a header of megabytes', async () => {
    const tensors = Array.from({ length: 20000 }, (_, i) => ({
      name: `${i}`,
      dtype: 'U8' as const,
      data: new Uint8Array([i]),
    }))
    const { header, backend } = await loadAll(writeBundle({ tensors, metadata: description }), takeMemory)
    expect(header.dataStart).toBeGreaterThan(1 << 20)
    expect(new Uint8Array(backend.memory.buffer)[POINTER + header.tensors.get('777')!.offset]).toBe(777 & 255)
  })
})

describe('the writer refuses', () => {
  const one = new Uint8Array(1)
  it.each([
    [
      'two tensors of one name',
      [
        { name: 'a', dtype: 'U8', data: one },
        { name: 'a', dtype: 'U8', data: one },
      ],
      /Two tensors/,
    ],
    ['the reserved name', [{ name: '__metadata__', dtype: 'U8', data: one }], /Two tensors/],
    ['half a value', [{ name: 'a', dtype: 'F32', data: one }], /1 bytes, which are no F32/],
    ['nothing', [{ name: 'a', dtype: 'U8', data: new Uint8Array(0) }], /0 bytes/],
  ])('%s', (_, tensors, words) => {
    expect(() => writeBundle({ tensors: tensors as never, metadata: description })).toThrow(words)
  })

  it('a description its reader would refuse', () => {
    const write = () => writeBundle({ tensors: [], metadata: { ...description, precision: 'f64' as never } })
    expect(write).toThrow(/"f64" as precision/)
  })
})

describe('chunks', () => {
  it.each([1, 7, 4093, 65536, 1 << 24])('of %i bytes', async (chunkBytes) => {
    const { backend } = await loadAll(chunked(bundle, chunkBytes), takeMemory)
    expectSameBytes(placed(backend), data)
  })

  it('of random sizes, some empty', async () => {
    const random = randomFrom(seed)
    let at = 0
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at === bundle.length) return controller.close()
        const chunk = bundle.slice(at, at + Math.floor(random() ** 4 * 5000))
        at += chunk.length
        controller.enqueue(chunk)
      },
    })
    const { backend } = await loadAll(stream, takeMemory)
    expectSameBytes(placed(backend), data, `seed ${seed}`)
  })

  it('report progress from 0 to the end', async () => {
    const seen: number[] = []
    const onProgress = ({ loaded, total }: { loaded: number; total: number }) => {
      expect(total).toBe(data.length)
      seen.push(loaded)
    }
    await loadAll(chunked(bundle, 5000), takeMemory, { onProgress })
    expect(seen[0]).toBe(0)
    expect(seen.at(-1)).toBe(data.length)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.length).toBeGreaterThan(14)
  })

  it('checksum in pieces of at most 64 KB, each byte once', async () => {
    const pieces: number[] = []
    await loadAll(bundle, (header) => {
      const { memory, exports } = takeMemory(header)
      const spied = (at: number, bytes: number, before: number) => {
        pieces.push(bytes)
        return exports.crc32c(at, bytes, before)
      }
      return { memory, exports: { crc32c: spied } }
    })
    expect(Math.max(...pieces)).toBe(65536)
    expect(pieces.reduce((sum, bytes) => sum + bytes)).toBe(data.length)
  })

  it('find their place although the memory grows meanwhile', async () => {
    let backend: ReturnType<typeof takeMemory> | undefined
    const onProgress = () => void backend?.memory.grow(1)
    await loadAll(chunked(bundle, 9000), (header) => (backend = takeMemory(header)), { onProgress })
    expectSameBytes(placed(backend!), data)
  })
})
