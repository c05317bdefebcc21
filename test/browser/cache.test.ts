import { existsSync, readFileSync } from 'node:fs'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { type BundleServer, bundleServer } from '../helpers/bundle-server.ts'
import { smallBundle } from '../helpers/bundles.ts'
import { openBrowser } from './page.ts'

// docs/loading.md in Chromium: what is kept, what is gone on with, and what happens when that cannot be.

interface Globals {
  sdk: typeof Dynedge
  url: string
  /** Loads, runs, disposes: the sum of the logits, or the error's code and message. */
  result(options: Dynedge.LoadOptions, url?: string): Promise<{ sum?: number; code?: string; message?: string }>
  failing: string[]
}

const first = smallBundle('w8')
const second = smallBundle('f32')
const DIST = new URL('../../dist/', import.meta.url)
const TYPES: Record<string, string> = { js: 'text/javascript', asm: 'application/wasm' }

let server: BundleServer
let elsewhere: BundleServer
let page: Page
let close: () => Promise<void>
let sums: { first: number; second: number }

const PREPARE = (url: string) => `import('/dist/browser.js').then((sdk) => {
  const tensor = { data: Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => ((i * i) % 97) / 24 - 2), height: 32, width: 32 }
  const result = async (options, url = globalThis.url) => {
    try {
      // Once the page has some of it, a connection that shall break does.
      const onProgress = ({ loaded }) => loaded && fetch(new URL('/break', url), { mode: 'no-cors' })
      const net = await sdk.load(url, { variant: 'simd', onProgress, ...options })
      const { logits } = await net.run(tensor)
      net.dispose()
      return { sum: logits.reduce((sum, value) => sum + value) }
    } catch ({ code, message }) {
      return { code, message }
    }
  }
  Object.assign(globalThis, { sdk, result, url: '${url}' })
})`

beforeAll(async () => {
  server = await bundleServer(first, (request, response) => {
    if (request.url === '/break') {
      server.breakOff()
      response.writeHead(204).end()
      return
    }
    const built = /^\/dist\/([\w.-]+)$/.exec(request.url!)
    const file = built && new URL(built[1], DIST)
    if (file && existsSync(file))
      response.writeHead(200, { 'content-type': TYPES[file.href.slice(-3)] ?? TYPES.js }).end(readFileSync(file))
    else if (request.url === '/')
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<link rel="icon" href="data:,"><title>cache</title>')
    else response.writeHead(404).end()
  })
  elsewhere = await bundleServer(first, (_, response) => {
    elsewhere.breakOff()
    response.writeHead(204).end()
  })
  server.breaksOff = elsewhere.breaksOff = true
  const browser = await openBrowser()
  ;({ page, close } = browser)
  await fresh()
  sums = { first: (await load({})).sum!, second: 0 }
  server.file = second
  sums.second = (await load({})).sum!
  expect(sums.first).not.toBe(sums.second)
})
afterAll(async () => {
  await close?.()
  server?.close()
  elsewhere?.close()
})
beforeEach(async () => {
  for (const { it, origin } of [
    { it: server, origin: server.origin },
    { it: elsewhere, origin: elsewhere.origin },
  ])
    Object.assign(it, { origin, file: first, etag: '"1"', turns: [], always: undefined, asked: [] })
  await fresh()
  await inPage(async ({ sdk }) => sdk.bundleCache.delete())
})

/** A page as after a reload. */
async function fresh() {
  await page.goto(`${server.origin}/`)
  await page.evaluate(PREPARE(server.url))
}

const inPage = <A, R>(run: (globals: Globals, argument: A) => Promise<R> | R, argument?: A): Promise<R> =>
  page.evaluate(`(${run})(globalThis, ${JSON.stringify(argument ?? null)})`) as Promise<R>

const load = (options: Dynedge.LoadOptions, url?: string) =>
  inPage(({ result }, [options, url]) => result(options, url ?? undefined), [options, url] as const)
const kept = () => inPage(({ sdk }) => sdk.bundleCache.list())
/** Files of interrupted downloads, and their bytes. */
const left = () =>
  inPage(async () => {
    const sizes: [string, number][] = []
    const root = await navigator.storage.getDirectory()
    for await (const shelf of root.values())
      for await (const folder of (shelf as FileSystemDirectoryHandle).values())
        for await (const file of (folder as FileSystemDirectoryHandle).values())
          sizes.push([file.name, (await (file as FileSystemFileHandle).getFile()).size])
    return sizes
  })

describe.each([
  ['in the page', false],
  ['in a worker', true],
])('%s', (_, worker) => {
  const cached = { cache: true, worker }

  test('the first load fills the cache, the next needs no server', async () => {
    expect(await kept()).toEqual([])
    expect(await load(cached)).toEqual({ sum: sums.first })
    expect(await kept()).toEqual([
      {
        url: server.url,
        integrity: expect.stringMatching(/^sha256-.{43}=$/),
        network: expect.any(String),
        bytes: first.length,
        date: expect.anything(),
      },
    ])
    expect(await left()).toEqual([])
    await fresh()
    server.always = { down: true }
    expect(await load(cached)).toEqual({ sum: sums.first })
    expect((await load({ worker })).code).toBe('network')
    server.always = { status: 503 }
    expect(await load(cached)).toEqual({ sum: sums.first })
    server.always = { headers: { 'content-type': 'text/html' }, body: '<p>Sign in to the network of this hotel.' }
    expect(await load(cached)).toEqual({ sum: sums.first })
    // What is gone is gone.
    server.always = { status: 404 }
    expect((await load(cached)).code).toBe('not-found')
  })

  test('the server is asked, and another version takes the place of the first', async () => {
    await load(cached)
    expect(await load(cached)).toEqual({ sum: sums.first })
    expect(server.asked).toHaveLength(2)
    const [{ integrity }] = await kept()
    server.file = second
    server.etag = '"2"'
    expect(await load(cached)).toEqual({ sum: sums.second })
    const now = await kept()
    expect(now).toHaveLength(1)
    expect(now[0].integrity).not.toBe(integrity)
    server.always = { down: true }
    expect(await load(cached)).toEqual({ sum: sums.second })
  })

  test('an interrupted download goes on where it ended, in the next page too', async () => {
    server.turns = [{ breakAfter: 1_200_000 }]
    // Not waited for, as a server that is down is.
    server.always = { status: 404 }
    expect((await load(cached)).code).toBe('not-found')
    const bytes = (await left()).reduce((sum, [name, size]) => sum + (name === 'about' ? 0 : size), 0)
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThanOrEqual(1_200_000)
    expect(await kept()).toEqual([])
    await fresh()
    Object.assign(server, { always: undefined, asked: [] })
    expect(await load(cached)).toEqual({ sum: sums.first })
    expect(server.asked).toEqual([
      { range: `bytes=${bytes}-`, ifRange: '"1"', status: 206, sent: first.length - bytes },
    ])
    expect(await left()).toEqual([])
    expect(await kept()).toHaveLength(1)
  })

  test('one that the server has changed since begins again', async () => {
    server.turns = [{ breakAfter: 1_200_000 }]
    server.always = { status: 404 }
    await load(cached)
    Object.assign(server, { always: undefined, asked: [], file: second, etag: '"2"' })
    expect(await load(cached)).toEqual({ sum: sums.second })
    expect(server.asked).toEqual([
      { range: expect.stringMatching(/^bytes=[1-9]\d+-$/), ifRange: '"1"', status: 200, sent: second.length },
    ])
    expect(await left()).toEqual([])
  })

  test('within one load it goes on by itself', async () => {
    server.turns = [{ breakAfter: 1_200_000 }, { breakAfter: 300_000 }]
    expect(await load(cached)).toEqual({ sum: sums.first })
    const begins = server.asked.map(({ range }) => Number(/\d+/.exec(range ?? '0')![0]))
    expect(begins).toHaveLength(3)
    expect(begins).toEqual([0, expect.any(Number), expect.any(Number)])
    expect(begins).toEqual([...new Set(begins)].sort((a, b) => a - b))
    // Every byte from where the download had come to, and none before.
    expect(server.asked.map(({ status }) => status)).toEqual([200, 206, 206])
    expect(server.asked[2].sent).toBe(first.length - begins[2])
    expect(await kept()).toHaveLength(1)
  })

  test('integrity: no server is asked for what is kept, and nothing else is taken for it', async () => {
    await load(cached)
    const [{ integrity }] = await kept()
    server.asked = []
    expect(await load({ ...cached, integrity: `sha256-${'A'.repeat(43)}= ${integrity}` })).toEqual({ sum: sums.first })
    expect(server.asked).toEqual([])
    // From any address: its digest is what counts.
    expect(await load({ ...cached, integrity }, `${server.url}?moved`)).toEqual({ sum: sums.first })
    expect(server.asked).toEqual([])
    server.file = second
    server.etag = '"2"'
    expect((await load({ ...cached, integrity: `sha256-${'A'.repeat(43)}=` })).code).toBe('integrity')
    expect((await kept()).map((entry) => entry.integrity)).toEqual([integrity])
  })

  test.each(['cut', 'changed', 'replaced by a page'])('a kept bundle that is %s is fetched again', async (how) => {
    await load(cached)
    await inPage(async (_, how) => {
      const store = await caches.open('dynedge')
      for (const key of await store.keys()) {
        const bytes = new Uint8Array(await (await store.match(key))!.arrayBuffer())
        bytes[bytes.length - 100] ^= 1
        const body = { cut: bytes.slice(0, 30_000), changed: bytes }[how] ?? '<!doctype html>'
        await store.put(key, new Response(body))
      }
    }, how)
    server.asked = []
    expect(await load(cached)).toEqual({ sum: sums.first })
    expect(server.asked.map(({ status, sent }) => [status, sent])).toContainEqual([200, first.length])
    server.always = { down: true }
    expect(await load(cached)).toEqual({ sum: sums.first })
  })

  test('a damaged part of an interrupted download is not used again', async () => {
    server.turns = [{ breakAfter: first.length - 64 }]
    server.always = { status: 404 }
    await load(cached)
    await inPage(async () => {
      const root = await navigator.storage.getDirectory()
      for await (const shelf of root.values())
        for await (const folder of (shelf as FileSystemDirectoryHandle).values()) {
          const file = await (folder as FileSystemDirectoryHandle).getFileHandle('0')
          const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer())
          bytes[bytes.length - 100] ^= 1
          const stream = await file.createWritable()
          await stream.write(bytes)
          await stream.close()
        }
    })
    Object.assign(server, { always: undefined, asked: [] })
    expect(await load(cached)).toEqual({ sum: sums.first })
    expect(server.asked.map(({ status }) => status)).toEqual([206, 200])
    expect(await left()).toEqual([])
  })

  test('from another origin: without its ETag, and without a question before the request', async () => {
    const headers = { 'access-control-allow-origin': '*', 'last-modified': 'Sat, 21 Nov 2026 10:00:00 GMT' }
    elsewhere.turns = [{ headers, breakAfter: 1_200_000 }]
    elsewhere.always = { headers, status: 404 }
    expect((await load(cached, elsewhere.url)).code).toBe('not-found')
    Object.assign(elsewhere, { always: { headers }, asked: [] })
    expect(await load(cached, elsewhere.url)).toEqual({ sum: sums.first })
    const [{ range, ifRange, status, sent }] = elsewhere.asked
    const begin = Number(/^bytes=(\d+)-$/.exec(range!)![1])
    expect(begin).toBeGreaterThan(0)
    expect([ifRange, status, sent]).toEqual([undefined, 206, first.length - begin])
    elsewhere.always = { down: true }
    expect(await load(cached, elsewhere.url)).toEqual({ sum: sums.first })
  })

  test('a server without names for its versions is believed to have a new one; offline the kept one does', async () => {
    server.etag = ''
    await load(cached)
    await load(cached)
    expect(server.asked.map(({ sent }) => sent)).toEqual([first.length, first.length])
    expect(await kept()).toHaveLength(1)
    server.always = { down: true }
    expect(await load(cached)).toEqual({ sum: sums.first })
  })

  test('progress counts the bytes of the weights, compressed on the way or not', async () => {
    server.always = { gzip: true }
    const seen = await inPage(async ({ sdk, url }, cached) => {
      const seen: Dynedge.Progress[] = []
      const net = await sdk.load(url, { ...cached, onProgress: ({ loaded, total }) => seen.push({ loaded, total }) })
      net.dispose()
      return seen
    }, cached)
    expect(seen.at(-1)!.loaded).toBe(seen[0].total)
    expect(new Set(seen.map(({ total }) => total)).size).toBe(1)
    expect(seen[0].loaded).toBe(0)
    expect(await kept()).toMatchObject([{ bytes: first.length }])
  })

  test.each([
    ['404', { status: 404 }, 'not-found', /the server answered 404 Not Found$/],
    [
      'a page',
      { headers: { 'content-type': 'text/html' }, body: '<p>' },
      'bad-bundle',
      /HTML page instead of a bundle/,
    ],
    ['a wrong length', { body: 'x'.repeat(9000) }, 'bad-bundle', /not a safetensors file/],
    ['no answer', { down: true }, 'network', /cannot be fetched .*: no answer; check the address/],
  ] as const)('%s has a message of its own', async (_, turn, code, words) => {
    server.always = turn
    for (const cache of [true, false])
      expect(await load({ worker, cache })).toEqual({ code, message: expect.stringMatching(words) })
    expect(await kept()).toEqual([])
  })

  test('so have a bundle that is cut, one that breaks off, and one that another origin does not give', async () => {
    const cut = first.slice(0, -64)
    server.file = cut
    expect(await load(cached)).toEqual({
      code: 'truncated-bundle',
      message: expect.stringContaining(`got ${cut.length} bytes, expected ${first.length}`),
    })
    server.file = first
    server.always = { breakAfter: 1_200_000 }
    expect(await load({ worker })).toEqual({
      code: 'network',
      message: expect.stringMatching(/the connection broke after \d+ of \d+ bytes/),
    })
    expect(await load(cached, elsewhere.url)).toEqual({
      code: 'network',
      message: expect.stringMatching(/its server answers, but sends no CORS header/),
    })
  })
})

test.each(['no Cache API', 'no private files', 'no room'])('%s: the bundle is loaded all the same', async (lack) => {
  await inPage((_, lack) => {
    if (lack === 'no Cache API') Object.defineProperty(globalThis, 'caches', { value: undefined })
    if (lack === 'no private files')
      navigator.storage.getDirectory = () => Promise.reject(new DOMException('not here', 'SecurityError'))
    if (lack === 'no room') {
      const full = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
      Cache.prototype.put = full
      FileSystemFileHandle.prototype.createWritable = full
    }
  }, lack)
  server.turns = [{ breakAfter: 1_200_000 }]
  expect(await load({ cache: true })).toEqual({ sum: sums.first })
  expect(server.asked.map(({ status }) => status)).toEqual([200, 206])
  expect(await kept()).toHaveLength(lack === 'no private files' ? 1 : 0)
})

test('what is kept can be removed: one by its address or digest, or all, with what was interrupted', async () => {
  await load({ cache: true })
  await load({ cache: true }, `${server.url}?other`)
  const [newest, oldest] = await kept()
  expect([newest.url, oldest.url]).toEqual([`${server.url}?other`, server.url])
  const remove = (which?: string) => inPage(({ sdk }, which) => sdk.bundleCache.delete(which ?? undefined), which)
  expect(await remove('nothing')).toBe(0)
  expect(await remove(server.url)).toBe(1)
  expect(await remove(newest.integrity)).toBe(1)
  server.turns = [{ breakAfter: 1_200_000 }]
  server.always = { status: 404 }
  await load({ cache: true })
  expect(await left()).not.toEqual([])
  expect(await remove()).toBe(0)
  expect(await left()).toEqual([])
})
