import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ANSWER, type Answer, answerOfNode, wholeBundle } from '../helpers/answers.ts'
import { BROWSERS, type Session } from './browsers.ts'
import { serve } from './page.ts'

// Pages without a bundler: from a folder of files, from a CDN by the addresses that those have, by import maps.
const bundle = wholeBundle()
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' }
const servers: Server[] = []
let cdn: string
let expected: Answer

/** What belongs into a folder, as docs/browser.md says. */
const FOLDER = Object.fromEntries(
  readdirSync('dist')
    .filter((name) => /^(browser\.|dynedge\..*wasm$)/.test(name))
    .map((name) => [`/vendor/dynedge/${name}`, { type: TYPES[extname(name)], bytes: readFileSync(`dist/${name}`) }]),
)

beforeAll(async () => {
  expected = await answerOfNode(bundle)
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost')
    const headers = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }
    // A short address, sent on to the whole one, as unpkg does by the field `unpkg` of package.json.
    if (pathname === '/dynedge@0.1.0') {
      const { unpkg } = JSON.parse(readFileSync('package.json', 'utf8'))
      return response.writeHead(302, { ...headers, location: new URL(unpkg, 'http://x/dynedge@0.1.0/').pathname }).end()
    }
    const [, name] = /^(?:\/npm)?\/dynedge@0\.1\.0\/dist\/([\w.-]+)$/.exec(pathname) ?? []
    if (!name || !readdirSync('dist').includes(name)) return response.writeHead(404, headers).end()
    response.writeHead(200, { ...headers, 'content-type': TYPES[extname(name)] }).end(readFileSync(`dist/${name}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  cdn = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  for (const server of servers) server.close()
})

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
const WAYS = `{ here: await answer(load, bundle), worker: await answer(load, bundle, { worker: true }), threads: await answer(load, bundle, { threads: 2 }) }`

describe.each(BROWSERS)('a page without a bundler in $name', ({ open, has }) => {
  const variant = has.relaxedSimd ? 'relaxed' : 'simd'
  let session: Session
  beforeAll(async () => {
    session = await open()
  })
  afterEach(() => expect(session.complaints.splice(0)).toEqual([]))
  afterAll(() => session?.close())

  /** What a page with `scripts` finds, served with `headers`. */
  async function found(scripts: string, headers: Record<string, string>, more = {}): Promise<unknown> {
    const html = `<!doctype html><link rel="icon" href="data:,"><title>plain</title>${scripts}`
    const { server, origin } = await serve(
      {
        '/page.html': { type: 'text/html', bytes: html },
        '/net.safetensors': { type: 'application/octet-stream', bytes: bundle },
        ...more,
      },
      headers,
    )
    servers.push(server)
    await session.goto(`${origin}/page.html`)
    return session.evaluate(`new Promise((resolve) => {
      const look = () => (globalThis.found ? resolve(globalThis.found) : setTimeout(look, 10))
      look()
    })`)
  }
  const app = (from: string, ways = WAYS) => `import { load } from '${from}'
${ANSWER}
const bundle = new URL('/net.safetensors', location.href)
try { globalThis.found = ${ways} } catch (error) { globalThis.found = String(error) }`
  const inPage = (from: string) => `<script type="module">${app(from)}</script>`
  const all = () => {
    // Probabilities are of floats, which round otherwise in another variant than Node's.
    const top = expected.top.map((one) => ({ ...one, probability: expect.closeTo(one.probability, 6) }))
    const one = { ...expected, top, variant, threads: 1 }
    return { here: one, worker: one, threads: { ...one, threads: 2 } }
  }

  test('from a folder of files, under the strictest policy', async () => {
    const headers = { ...ISOLATED, 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'" }
    const script = { '/app.js': { type: 'text/javascript', bytes: app('./vendor/dynedge/browser.js') } }
    expect(await found('<script type="module" src="/app.js"></script>', headers, { ...FOLDER, ...script })).toEqual(
      all(),
    )
  })

  test.each([
    ['whole, as of unpkg', '/dynedge@0.1.0/dist/browser.js'],
    ['whole, as of jsDelivr', '/npm/dynedge@0.1.0/dist/browser.js'],
    ['short, and sent on', '/dynedge@0.1.0'],
  ])('from a CDN, by an address that is %s', async (_, path) => {
    expect(await found(inPage(`${cdn}${path}`), ISOLATED)).toEqual(all())
  })

  test('by an import map', async () => {
    const imports = {
      dynedge: `${cdn}/npm/dynedge@0.1.0/dist/browser.js`,
      'dynedge/inline': `${cdn}/npm/dynedge@0.1.0/dist/inline.js`,
    }
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`
    expect(await found(`${map}${inPage('dynedge')}`, ISOLATED)).toEqual(all())
    const inline = app('dynedge/inline', '{ here: await answer(load, bundle) }')
    expect(await found(`${map}<script type="module">${inline}</script>`, {})).toEqual({
      here: { ...all().here, variant: 'simd' },
    })
  })

  test('by a script from a CDN that sets a global', async () => {
    const script = `<script src="${cdn}/npm/dynedge@0.1.0/dist/inline.global.js"></script>`
    const use = `<script>${ANSWER}
answer(dynedge.load, '/net.safetensors').then((found) => { globalThis.found = found })</script>`
    expect(await found(`${script}${use}`, {})).toEqual({ ...all().here, variant: 'simd' })
  })
})
