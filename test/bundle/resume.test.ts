import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readHeader } from '../../src/bundle/load.ts'
import { openSource, type Source } from '../../src/bundle/source.ts'
import { type BundleServer, bundleServer } from '../helpers/bundle-server.ts'
import { errorOf, expectSameBytes, smallBundle } from './support.ts'

// `load(url, { cache: true })` where nothing can be kept: within one load, a broken download goes on. Node has neither Cache API nor OPFS.

const bundle = smallBundle()
const other = bundle.map((byte, at) => (at === bundle.length - 1 ? byte ^ 1 : byte))
let server: BundleServer

beforeAll(async () => {
  server = await bundleServer(bundle)
})
afterAll(() => server.close())
beforeEach(() => {
  Object.assign(server, { file: bundle, etag: '"1"', turns: [], always: undefined, asked: [] })
  // Pauses between tries are over soon; others are not ours.
  const wait = setTimeout
  vi.stubGlobal('setTimeout', (run: () => void, ms: number, ...more: unknown[]) =>
    wait(run, [600, 1200, 2400].includes(ms) ? 5 : ms, ...more),
  )
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const open = (signal?: AbortSignal) => openSource(server.url, { cache: true, signal })

async function all(source: Source): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const chunk of source.stream) parts.push(chunk.slice())
  return new Uint8Array(Buffer.concat(parts))
}

describe('a download that breaks', () => {
  it('goes on where it broke, as often as it takes while bytes come', async () => {
    server.turns = [10_000, 5_000, 1, 7_000, 3_000, 2_000].map((breakAfter) => ({ breakAfter }))
    const source = await open()
    expect(source.size).toBe(bundle.length)
    expectSameBytes(await all(source), bundle)
    expect(server.asked.map(({ range, status }) => [range, status])).toEqual([
      [undefined, 200],
      ['bytes=10000-', 206],
      ['bytes=15000-', 206],
      ['bytes=15001-', 206],
      ['bytes=22001-', 206],
      ['bytes=25001-', 206],
      ['bytes=27001-', 206],
    ])
    expect(server.asked.reduce((sum, { sent }) => sum + sent, 0)).toBe(bundle.length)
  })

  it('waits for a server that is down or busy for a while', async () => {
    server.turns = [{ breakAfter: 10_000 }, { down: true }, { status: 503 }]
    expectSameBytes(await all(await open()), bundle)
    expect(server.asked.map(({ status }) => status)).toEqual([200, 0, 503, 206])
  })

  it('is given up when no byte comes any more, and says why', async () => {
    server.turns = [{ breakAfter: 10_000 }]
    server.always = { status: 503 }
    const source = await open()
    const error = await errorOf(all(source))
    expect([error.code, error.message]).toEqual(['network', expect.stringMatching(/answered 503 Service Unavailable$/)])
    expect(server.asked).toHaveLength(4)
    expect(await source.refuse!(error)).toBe(false)
  })

  it('passes over what it has when the server knows no ranges', async () => {
    server.turns = [{ breakAfter: 10_000 }, { noRanges: true, breakAfter: 15_000 }, { noRanges: true }]
    expectSameBytes(await all(await open()), bundle)
    expect(server.asked.map(({ range, status }) => [range, status])).toEqual([
      [undefined, 200],
      ['bytes=10000-', 200],
      ['bytes=15000-', 200],
    ])
  })

  it.each([
    ['a range of another file', {}],
    ['another file', { noRanges: true }],
  ])('is not mixed with %s', async (_, turn) => {
    server.turns = [{ breakAfter: 10_000 }, turn]
    const source = await open()
    const chunks = source.stream[Symbol.asyncIterator]()
    await chunks.next()
    server.file = other
    server.etag = '"2"'
    const error = await errorOf(
      (async () => {
        while (!(await chunks.next()).done);
      })(),
    )
    expect(error.code).toBe('network')
    // Loading again helps.
    expect(await source.refuse!(error)).toBe(true)
    expectSameBytes(await all(await open()), other)
  })

  it('begins again after 416', async () => {
    server.turns = [{ breakAfter: 10_000 }, { status: 416 }]
    expectSameBytes(await all(await open()), bundle)
    expect(server.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=10000-', undefined])
  })

  it('goes on in a file that came compressed: ranges count its own bytes', async () => {
    server.turns = [{ gzip: true, breakAfter: Math.floor(bundle.length * 0.7) }]
    const source = await open()
    expect(source.size).toBeUndefined()
    expectSameBytes(await all(source), bundle)
    expect(server.asked[1].status).toBe(206)
    expect(Number(/\d+/.exec(server.asked[1].range!)![0])).toBeGreaterThan(0)
  })

  it('ends when it is aborted', async () => {
    server.turns = [{ breakAfter: 10_000 }]
    server.always = { down: true }
    const controller = new AbortController()
    const source = await open(controller.signal)
    const chunks = source.stream[Symbol.asyncIterator]()
    await chunks.next()
    controller.abort()
    expect((await errorOf(Promise.resolve(chunks.next()))).code).toBe('aborted')
  })
})

it.each([
  [404, 'not-found', /answered 404 Not Found$/],
  [500, 'network', /answered 500 Internal Server Error$/],
  [416, 'network', /answered 416 Range Not Satisfiable$/],
])('says what the server answered: %s', async (status, code, words) => {
  server.always = { status }
  const error = await errorOf(open())
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(words)])
})

it('keeps nothing here, and says nothing of it', async () => {
  const source = await open()
  const { header, rest } = await readHeader(source)
  for await (const _ of rest.stream);
  await source.keep!(header)
  expect(await source.refuse!(new Error('of the caller'))).toBe(false)
})

it('leaves what is at no http address as it is', async () => {
  const data = `data:application/octet-stream;base64,${Buffer.from(bundle).toString('base64')}`
  const source = await openSource(data, { cache: true })
  expect(source.keep).toBeUndefined()
  expectSameBytes(await all(source), bundle)
  expect((await errorOf(openSource('no address', { cache: true }))).code).toBe('network')
})
