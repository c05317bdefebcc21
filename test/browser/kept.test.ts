import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { type BundleServer, bundleServer } from '../helpers/bundle-server.ts'
import { smallBundle } from '../helpers/bundles.ts'
import { BROWSERS, runnerIn, type Session } from './browsers.ts'

// What test/browser/cache.test.ts takes apart in Chromium, from end to end in every browser.

interface Globals {
  sdk: typeof Dynedge
  url: string
}

const bundle = smallBundle('w8')
const DIST = new URL('../../dist/', import.meta.url)
const TYPES: Record<string, string> = { js: 'text/javascript', asm: 'application/wasm' }

describe.each(BROWSERS)('$name', ({ name, open }) => {
  // WebKit under its driver is a private window: no file system, and a Cache API that ends with the page. The bundle is loaded all the same.
  const lasts = name !== 'WebKit'

  let server: BundleServer
  let session: Session
  const inPage = runnerIn<Globals>(() => session)

  beforeAll(async () => {
    server = await bundleServer(bundle, (request, response) => {
      const built = /^\/dist\/([\w.-]+)$/.exec(request.url!)
      const file = built && new URL(built[1], DIST)
      if (request.url === '/break') server.breakOff()
      if (file && existsSync(file))
        response.writeHead(200, { 'content-type': TYPES[file.href.slice(-3)] ?? TYPES.js }).end(readFileSync(file))
      else response.writeHead(200, { 'content-type': 'text/html' }).end('<link rel="icon" href="data:,">')
    })
    server.breaksOff = true
    session = await open()
    await fresh()
  })
  afterAll(async () => {
    await session?.close()
    server?.close()
  })

  async function fresh() {
    await session.goto(`${server.origin}/`)
    await session.evaluate(
      `import('/dist/browser.js').then((sdk) => { Object.assign(globalThis, { sdk, url: '${server.url}' }) })`,
    )
  }

  const load = (worker: boolean) =>
    inPage(
      ({ sdk, url }, worker) =>
        sdk
          .load(url, {
            worker,
            cache: true,
            onProgress: ({ loaded }) => {
              if (loaded) void fetch('/break')
            },
          })
          .then(
            (net) => net.dispose() ?? 'loaded',
            ({ code, message }) => `${code}: ${message}`,
          ),
      worker,
    )

  test.each([
    ['in a worker', true],
    ['in the page', false],
  ])('%s: an interrupted download goes on in the next page, and is kept', async (_, worker) => {
    await inPage(async ({ sdk }) => sdk.bundleCache.delete())
    server.turns = [{ breakAfter: 1_200_000 }]
    server.always = { status: 404 }
    expect(await load(worker)).toMatch(/^not-found/)
    await fresh()
    Object.assign(server, { always: undefined, asked: [] })
    expect(await load(worker)).toBe('loaded')
    const [{ status, sent, range }] = server.asked
    const begin = Number(/\d+/.exec(range ?? '0')![0])
    expect([status, sent]).toEqual([lasts ? 206 : 200, bundle.length - begin])
    expect(begin > 0).toBe(lasts)
    await fresh()
    expect(await inPage(async ({ sdk }) => (await sdk.bundleCache.list()).map(({ bytes }) => bytes))).toEqual(
      lasts ? [bundle.length] : [],
    )
    server.always = { down: true }
    expect(await load(worker)).toMatch(lasts ? /^loaded$/ : /^network: .* no answer/)
  })
})
