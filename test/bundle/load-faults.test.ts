import { describe, expect, it, vi } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { crc32c } from '../../src/bundle/checksum.ts'
import type { BundleHeader } from '../../src/bundle/header.ts'
import { readHeader, streamInto } from '../../src/bundle/load.ts'
import { openSource } from '../../src/bundle/source.ts'
import { writeBundle } from '../../src/bundle/write.ts'
import { bundle, data, header, placed, sri, takeMemory } from './small.ts'
import {
  chunked,
  description,
  editHeader,
  errorOf,
  expectRefusedEarly,
  expectSameBytes,
  loadAll,
  POINTER,
  randomBytes,
  randomFrom,
  seed,
} from './support.ts'

describe('damaged data', () => {
  it('is refused with the name of the tensor, wherever a bit is flipped', async () => {
    for (const [name, { offset, bytes }] of header.tensors) {
      for (const at of [0, 1, bytes >> 1, bytes - 64, bytes - 1]) {
        const damaged = bundle.slice()
        damaged[header.dataStart + offset + at] ^= 0x10
        const error = await errorOf(loadAll(damaged, takeMemory), `${name} byte ${at}`)
        expect(error.code).toBe('damaged-bundle')
        const sum = header.metadata.crc32c[name]
        expect(error.message).toMatch(new RegExp(`is damaged: CRC32C [0-9a-f]{8}, expected ${sum}`))
        expect(error.message).toContain(JSON.stringify(name))
      }
    }
  })

  it('is refused when two tensors of one size have changed places', async () => {
    const values = randomBytes(128, randomFrom(1))
    const tensors = [0, 64].map((at) => ({ name: `t${at}`, dtype: 'U8' as const, data: values.subarray(at, at + 64) }))
    const swapped = writeBundle({ tensors, metadata: description })
    swapped.copyWithin(swapped.length - 128, swapped.length - 64)
    const error = await errorOf(loadAll(swapped, takeMemory))
    expect([error.code, error.message]).toEqual(['damaged-bundle', expect.stringContaining('"t0"')])
  })

  it('is refused when the stream ends early, at any sampled byte', async () => {
    const random = randomFrom(seed)
    const cuts = [
      0,
      1,
      63,
      64,
      447,
      448,
      449,
      data.length - 1,
      ...Array.from({ length: 40 }, () => Math.floor(random() * data.length)),
    ]
    for (const cut of cuts) {
      const stream = chunked(bundle.subarray(0, header.dataStart + cut), 30011)
      const error = await errorOf(loadAll(stream, takeMemory), `seed ${seed} cut ${cut}`)
      expect([error.code, error.message]).toEqual([
        'truncated-bundle',
        expect.stringContaining(`(${data.length - cut} missing)`),
      ])
    }
  })

  it('is refused when the stream goes on', async () => {
    const long = new Uint8Array(bundle.length + 1)
    long.set(bundle)
    for (const chunkBytes of [bundle.length, 1013, 1 << 24]) {
      const error = await errorOf(loadAll(chunked(long, chunkBytes), takeMemory))
      expect(error.code).toBe('oversized-bundle')
    }
  })

  it('never writes outside its place', async () => {
    const long = new Uint8Array(bundle.length + 999).fill(7)
    long.set(bundle)
    let memory = new Uint8Array(0)
    const poisoned = (header: BundleHeader) => {
      const backend = takeMemory(header)
      memory = new Uint8Array(backend.memory.buffer).fill(0xaa, POINTER)
      return backend
    }
    await errorOf(loadAll(chunked(long, 50021), poisoned))
    expect(memory.subarray(POINTER + data.length).every((byte) => byte === 0xaa)).toBe(true)
  })
})

describe('integrity', () => {
  it('accepts the right SHA-256 of the data', async () => {
    const { backend } = await loadAll(chunked(bundle, 4099), takeMemory, { integrity: sri })
    expectSameBytes(placed(backend), data)
  })

  it.each([`${sri} `, `sha384-abc ${sri}`, `sha256-${'A'.repeat(43)}= ${sri}?options`])(
    'accepts %j, as SRI does: one of several, other algorithms, options',
    async (integrity) => {
      const { backend } = await loadAll(chunked(bundle, 4099), takeMemory, { integrity })
      expectSameBytes(placed(backend), data)
    },
  )

  it('refuses another one from the header', async () => {
    await expectRefusedEarly(bundle, 'integrity', /another bundle: its header says sha256-/, {
      integrity: `sha256-${'A'.repeat(43)}=`,
    })
  })

  it.each(['', 'sha256-abc', `sha384-${'A'.repeat(43)}=`, `${sri} sha256-abc`, `${sri}x`])(
    'refuses %j as no such string',
    async (integrity) => {
      await expectRefusedEarly(bundle, 'usage', /expected sha256- and 44 characters/, { integrity })
    },
  )

  it('refuses data that differ from what header and checksums claim', async () => {
    const other = bundle.slice()
    other[other.length - 64] ^= 1
    const sum = crc32c(other.subarray(-64)).toString(16).padStart(8, '0')
    const forged = editHeader(other, (_, metadata) => Object.assign(metadata.crc32c, { 7: sum }))
    await loadAll(forged, takeMemory)
    const error = await errorOf(loadAll(forged, takeMemory, { integrity: sri }))
    expect([error.code, error.message]).toEqual(['integrity', expect.stringContaining('its data has')])
  })

  it('works in shared memory', async () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true })
    const sum = (at: number, bytes: number, before: number) => crc32c(new Uint8Array(memory.buffer, at, bytes), before)
    await loadAll(bundle, () => ({ memory, exports: { crc32c: sum } }), { integrity: sri })
    expectSameBytes(new Uint8Array(memory.buffer, POINTER, data.length), data)
  })

  it('says so where there is no crypto.subtle', async () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!
    Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true })
    try {
      const error = await errorOf(loadAll(bundle, takeMemory, { integrity: sri }))
      expect([error.code, error.message]).toEqual(['integrity', expect.stringContaining('https')])
    } finally {
      Object.defineProperty(globalThis, 'crypto', own)
    }
  })
})

describe('a source that is refused or given up', () => {
  function watched(bytes: Uint8Array) {
    let cancelled = false
    const inner = chunked(bytes, 1000).getReader()
    const stream = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await inner.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: () => {
        cancelled = true
      },
    })
    return { stream, isCancelled: () => cancelled }
  }

  it('is cancelled for a bad header', async () => {
    const { stream, isCancelled } = watched(new Uint8Array(5000))
    await errorOf(loadAll(stream, takeMemory))
    expect(isCancelled()).toBe(true)
  })

  it('is cancelled for damaged data', async () => {
    const damaged = bundle.slice()
    damaged[header.dataStart] ^= 1
    const { stream, isCancelled } = watched(damaged)
    await errorOf(loadAll(stream, takeMemory))
    expect(isCancelled()).toBe(true)
  })

  it('is cancelled when onProgress throws, whose error is handed on', async () => {
    const { stream, isCancelled } = watched(bundle)
    const onProgress = ({ loaded }: { loaded: number }) => {
      if (loaded > 3000) throw new RangeError('mine')
    }
    await expect(loadAll(stream, takeMemory, { onProgress })).rejects.toThrow(new RangeError('mine'))
    expect(isCancelled()).toBe(true)
  })

  it('is cancelled by its owner between header and data', async () => {
    const { stream, isCancelled } = watched(bundle)
    const source = await openSource(stream)
    await readHeader(source)
    await source.cancel()
    expect(isCancelled()).toBe(true)
  })

  it('is cancelled when the caller aborts, before, meanwhile, or while it hangs', async () => {
    const before = await errorOf(openSource(bundle, { signal: AbortSignal.abort('why') }))
    expect([before.code, before.cause]).toEqual(['aborted', 'why'])

    const { stream, isCancelled } = watched(bundle)
    const controller = new AbortController()
    const onProgress = ({ loaded }: { loaded: number }) => loaded > 3000 && controller.abort()
    const meanwhile = await errorOf(loadAll(stream, takeMemory, { onProgress, signal: controller.signal }))
    expect([meanwhile.code, isCancelled()]).toEqual(['aborted', true])

    const hanging = new ReadableStream<Uint8Array>({
      start: (c) => c.enqueue(bundle.slice(0, 10000)),
      pull: () => new Promise(() => {}),
    })
    const later = new AbortController()
    setTimeout(() => later.abort(), 20)
    const hung = await errorOf(loadAll(hanging, takeMemory, { signal: later.signal }))
    expect(hung.code).toBe('aborted')
  })

  it('is not read on when the caller aborts and the source does not listen', async () => {
    let chunks = 0
    async function* deaf() {
      for (let at = 0; at < bundle.length; at += 10000) {
        chunks++
        yield bundle.subarray(at, at + 10000)
      }
    }
    const controller = new AbortController()
    const { header, rest } = await readHeader({ name: 'deaf', stream: deaf(), cancel: async () => {} })
    const onProgress = ({ loaded }: { loaded: number }) => loaded && controller.abort()
    const options = { onProgress, signal: controller.signal }
    const error = await errorOf(streamInto(takeMemory(header), POINTER, header, rest, options))
    expect([error.code, chunks]).toEqual(['aborted', 2])
  })

  it('leaves the listeners of its signal as they were', async () => {
    const { signal } = new AbortController()
    const add = vi.spyOn(signal, 'addEventListener')
    const remove = vi.spyOn(signal, 'removeEventListener')
    await loadAll(chunked(bundle, 5000), takeMemory, { signal })
    expect(add).toHaveBeenCalled()
    expect(remove.mock.calls).toEqual(add.mock.calls)
  })
})

it('is refused by streamInto when the memory is too small for the header', async () => {
  const source = await openSource(bundle)
  const { header, rest } = await readHeader(source)
  const small: Backend = { memory: { buffer: new ArrayBuffer(POINTER) }, exports: {} }
  const error = await errorOf(streamInto(small, POINTER, header, rest))
  expect([error.code, error.message]).toEqual([
    'out-of-memory',
    expect.stringMatching(/takes 7\d+ bytes at 65536, the memory has 65536/),
  ])
})
