import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openLocal } from '../../src/bundle/file-source.ts'
import { type BundleInput, openSource, type SourceOptions } from '../../src/bundle/source.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { chunked, errorOf, expectRefusedEarly, expectSameBytes, smallBundle } from './support.ts'

const bundle = smallBundle()
const octets = { 'content-type': 'application/octet-stream' }

async function read(input: BundleInput, options?: SourceOptions) {
  const source = await openSource(input, options)
  const parts: Uint8Array[] = []
  for await (const chunk of source.stream) parts.push(chunk.slice())
  const bytes = new Uint8Array(Buffer.concat(parts))
  return { size: source.size, bytes }
}

/** Its bytes must be the bundle's; returns its size. */
async function readBundle(input: BundleInput) {
  const { size, bytes } = await read(input)
  expectSameBytes(bytes, bundle)
  return size
}

describe('bytes at hand', () => {
  it.each<[string, () => BundleInput, number | undefined]>([
    ['ArrayBuffer', () => bundle.slice().buffer, bundle.length],
    ['Uint8Array into a larger buffer', () => new Uint8Array([1, 2, ...bundle, 3]).subarray(2, -1), bundle.length],
    ['DataView', () => new DataView(bundle.slice().buffer), bundle.length],
    ['Buffer', () => Buffer.from(bundle), bundle.length],
    ['Blob', () => new Blob([bundle as BlobPart]), bundle.length],
    ['File', () => new File([bundle as BlobPart], 'a.safetensors'), bundle.length],
    ['stream', () => chunked(bundle, 999), undefined],
    ['Response', () => new Response(bundle as BodyInit), undefined],
    ['data: address', () => `data:;base64,${Buffer.from(bundle).toString('base64')}`, undefined],
    ['blob: address', () => URL.createObjectURL(new Blob([bundle as BlobPart])), bundle.length],
  ])('%s', async (_, input, size) => {
    expect(await readBundle(input())).toBe(size)
  })

  it('SharedArrayBuffer', async () => {
    const shared = new SharedArrayBuffer(bundle.length)
    new Uint8Array(shared).set(bundle)
    await readBundle(shared)
  })

  it('is not copied', async () => {
    const { stream } = await openSource(bundle)
    for await (const chunk of stream) expect(chunk.buffer).toBe(bundle.buffer)
  })

  it('a Response without streams, as in React Native', async () => {
    const response = new Response(bundle as BodyInit)
    Object.defineProperty(response, 'body', { value: undefined })
    expect(await readBundle(response)).toBe(bundle.length)
  })

  it.each([[undefined], [null], [7], [{}], [[1, 2]]])('refuses %j', async (input) => {
    const error = await errorOf(openSource(input as never))
    expect([error.code, error.message]).toEqual(['bad-input', expect.stringContaining('Expected an address, bytes')])
  })

  it('refuses what is in use', async () => {
    const locked = chunked(bundle, 99)
    locked.getReader()
    expect((await errorOf(openSource(locked))).code).toBe('usage')
    const used = new Response(bundle as BodyInit)
    await used.arrayBuffer()
    expect((await errorOf(openSource(used))).message).toContain('read already')
  })

  it('refuses streams of anything but bytes', async () => {
    const words = new ReadableStream({ start: (controller) => controller.enqueue('text') })
    expect((await errorOf(read(words))).message).toContain('gives string, expected Uint8Array')
  })

  it('refuses an opaque Response', async () => {
    const response = new Response(bundle as BodyInit)
    Object.defineProperty(response, 'type', { value: 'opaque' })
    expect((await errorOf(openSource(response))).message).toContain('no-cors')
  })

  it('does not trust the length of a Response from another origin', async () => {
    const headers = { 'content-length': '5' }
    const response = new Response(bundle as BodyInit, { headers })
    expect((await openSource(new Response(bundle as BodyInit, { headers }))).size).toBe(5)
    Object.defineProperty(response, 'type', { value: 'cors' })
    expect((await openSource(response)).size).toBeUndefined()
  })
})

describe('strings and addresses', () => {
  it('go to the platform first, and what it does not take is fetched', async () => {
    const { stream, cancel } = await openSource(bundle)
    const openOwn = vi.fn(async (input: BundleInput) =>
      `${input}`.startsWith('data:') ? undefined : { name: 'file', stream, cancel },
    )
    const { signal } = new AbortController()
    for (const path of ['a.safetensors', new URL('file:///data/x')]) {
      expect((await openSource(path, { openOwn, signal })).name).toBe('file')
      expect(openOwn).toHaveBeenLastCalledWith(path, signal)
    }
    expect((await read('data:,text', { openOwn })).bytes).toEqual(new TextEncoder().encode('text'))
  })

  it('are a path in Node, unless they are for the web', async () => {
    for (const path of ['a.safetensors', 'C:\\models\\a', '/data/x', new URL('file:///data/x')])
      expect((await errorOf(openLocal(path))).code, `${path}`).toBe('not-found')
    for (const other of ['data:,text', 'HTTPS://example.com/a', new URL('blob:x'), bundle, new Blob([])])
      expect(await openLocal(other)).toBeUndefined()
  })
})

describe('from a server', () => {
  type Answer = (response: ServerResponse, request: IncomingMessage) => void
  const answers: Record<string, Answer> = {
    '/good': (response) => response.writeHead(200, { ...octets, 'content-length': bundle.length }).end(bundle),
    '/moved': (response) => response.writeHead(302, { location: '/good' }).end(),
    '/chunked': (response) => {
      response.writeHead(200, octets)
      for (let at = 0; at < bundle.length; at += 9999) response.write(bundle.subarray(at, at + 9999))
      response.end()
    },
    '/gzip': (response) => {
      const coded = gzipSync(bundle)
      response.writeHead(200, { ...octets, 'content-encoding': 'gzip', 'content-length': coded.length }).end(coded)
    },
    '/html': (response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>'),
    '/html-unnamed': (response) => response.writeHead(200, octets).end('<!doctype html><title>Sign in</title>'),
    '/gone': (response) => response.writeHead(410).end(),
    '/failing': (response) => response.writeHead(503).end('busy'),
    '/short': (response) =>
      response.writeHead(200, { ...octets, 'content-length': 9000 }).end(bundle.subarray(0, 9000)),
    '/long': (response) => response.writeHead(200, octets).end(Buffer.concat([bundle, bundle])),
    '/long-known': (response) =>
      response.writeHead(200, { 'content-length': 2 * bundle.length }).end(Buffer.concat([bundle, bundle])),
    '/broken': (response) => {
      response.writeHead(200, { ...octets, 'content-length': bundle.length })
      response.write(bundle.subarray(0, 20000), () => setTimeout(() => response.socket?.destroy(), 30))
    },
    '/hanging': (response) => void response.writeHead(200, octets).write(bundle.subarray(0, 20000)),
    '/silent': () => {},
  }
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? '']
    if (answer) answer(response, request)
    else response.writeHead(404).end('no')
  })
  let origin = ''

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('reads a bundle, by string or URL, moved, in chunks, or compressed on the way', async () => {
    expect(await readBundle(`${origin}/good`)).toBe(bundle.length)
    expect(await readBundle(new URL('/moved', origin))).toBe(bundle.length)
    expect(await readBundle(`${origin}/chunked`)).toBe(undefined)
    expect(await readBundle(`${origin}/gzip`)).toBe(undefined)
  })

  it.each<[string, ErrorCode, RegExp]>([
    ['/missing', 'not-found', /\/missing: the server answered 404 Not Found$/],
    ['/gone', 'not-found', /answered 410 Gone$/],
    ['/failing', 'network', /answered 503 Service Unavailable$/],
    ['/html', 'bad-bundle', /answered with an HTML page instead of a bundle/],
    ['/html-unnamed', 'bad-bundle', /This is an HTML page/],
    ['/short', 'truncated-bundle', /got 9000 bytes/],
    ['/long-known', 'oversized-bundle', /The bundle is too long/],
  ])('refuses %s before memory is taken', async (path, code, words) => {
    await expectRefusedEarly(origin + path, code, words)
  })

  it('says how far a broken connection came', async () => {
    const error = await errorOf(read(`${origin}/broken`))
    expect([error.code, error.message]).toEqual(['network', expect.stringMatching(/broke after 20000 of \d+ bytes/)])
  })

  it('says that nobody answers', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await new Promise((resolve) => other.close(resolve))
    const error = await errorOf(openSource(`http://127.0.0.1:${port}/a`))
    expect([error.code, error.message]).toEqual([
      'network',
      expect.stringMatching(/cannot be fetched \(ECONNREFUSED\): no answer; check the address/),
    ])
  })

  it.each([
    ['does not allow it', true, /\(Failed to fetch\): its server answers, but sends no CORS header/],
    ['does not answer', false, /\(Failed to fetch\): no answer; check the address, the network, and connect-src/],
  ])('says what a page is not told: that another origin %s', async (_, answers, words) => {
    vi.stubGlobal('location', new URL('https://page.test/'))
    vi.stubGlobal('fetch', async (_: string, { mode }: RequestInit) => {
      if (mode !== 'no-cors' || !answers) throw new TypeError('Failed to fetch')
      return Response.error()
    })
    const error = await errorOf(openSource('https://models.test/a.safetensors'))
    expect([error.code, error.message]).toEqual(['network', expect.stringMatching(words)])
  })

  it('stops when aborted: before the answer, and within it', async () => {
    for (const path of ['/silent', '/hanging']) {
      const error = await errorOf(read(origin + path, { signal: AbortSignal.timeout(60) }), path)
      expect([path, error.code, (error.cause as Error).name]).toEqual([path, 'aborted', 'TimeoutError'])
    }
  })

  it('closes the connection of a refused bundle', async () => {
    const closed = new Promise<void>((resolve) => {
      answers['/endless'] = (response) => {
        const timer = setInterval(() => response.write('<p>'.repeat(1000)), 5)
        response.on('close', () => {
          clearInterval(timer)
          resolve()
        })
      }
    })
    await expectRefusedEarly(`${origin}/endless`, 'bad-bundle', /HTML page/)
    await closed
  })
})
