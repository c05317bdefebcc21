import { readdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { smallBundle } from '../helpers/bundles.ts'
import { BROWSERS, type Session } from './browsers.ts'
import { serve } from './page.ts'

const files = { '/net.safetensors': { type: 'application/octet-stream', bytes: smallBundle('w8') } }
const servers: Server[] = []

async function serving(...what: Parameters<typeof serve>): Promise<string> {
  const { server, origin } = await serve(...what)
  servers.push(server)
  return origin
}

let cdn: string
beforeAll(async () => {
  cdn = await serving({}, { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' })
})

afterAll(() => {
  for (const server of servers) server.close()
})

describe.each(BROWSERS)('policies and origins in $name', ({ name, open, has }) => {
  const variant = has.relaxedSimd ? 'relaxed' : 'simd'
  let session: Session
  beforeAll(async () => {
    session = await open()
  })
  afterEach(() => expect(session.complaints.splice(0)).toEqual([]))
  afterAll(() => session?.close())

  /** The browser says in its console why. */
  const expectWords = (words: RegExp) => {
    const complaints = session.complaints.splice(0).join()
    if (session.hearsBrowser) expect(complaints).toMatch(words)
  }
  const HERE = `script-src 'self' 'wasm-unsafe-eval'`
  /** A page whose script loads into a worker from `sdk`, and says what came of it. */
  const attempt = async (
    headers: Record<string, string>,
    sdk: string,
    more: Parameters<typeof serve>[0] = {},
    does = `load('/net.safetensors', { worker: true })
        .then((net) => net.classify({ data: new Uint8Array(48), width: 4, height: 4 }))
        .then((top) => ({ top: top.length })`,
  ) => {
    const script = `const { load } = await import('${sdk}')
      globalThis.outcome = await ${does}, ({ name, code, message }) => ({ name, code, message }))`
    const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>'
    const own = {
      ...files,
      ...more,
      '/attempt': { type: 'text/html', bytes: html },
      '/main.js': { type: 'text/javascript', bytes: script },
    }
    await session.goto(`${await serving(own, headers)}/attempt`)
    const outcome = await session.evaluate(`new Promise((resolve) => {
      const look = () => (globalThis.outcome ? resolve(globalThis.outcome) : setTimeout(look, 10))
      look()
    })`)
    await session.goto('about:blank')
    return outcome
  }
  const refused = { name: 'DynedgeError', code: 'worker', message: expect.stringMatching(/does not start|refused/) }
  test('the strictest policy that lets WebAssembly run', async () => {
    expect(await attempt({ 'content-security-policy': HERE }, '/dist/browser.js')).toEqual({ top: 5 })
  })

  test('the script from another origin', async () => {
    expect(await attempt({}, `${cdn}/dist/browser.js`)).toEqual({ top: 5 })
  })

  test('the script from another origin, with a policy for workers from blobs', async () => {
    const policy = `script-src 'self' 'wasm-unsafe-eval' ${cdn}; worker-src blob:`
    expect(await attempt({ 'content-security-policy': policy }, `${cdn}/dist/browser.js`)).toEqual({ top: 5 })
  })

  test('the script from another origin, without', async () => {
    const policy = `script-src 'self' 'wasm-unsafe-eval' ${cdn}`
    expect(await attempt({ 'content-security-policy': policy }, `${cdn}/dist/browser.js`)).toEqual(refused)
    expectWords(/Content.Security.Policy/)
  })

  test('no workers allowed', async () => {
    const policy = { 'content-security-policy': `${HERE}; worker-src 'none'` }
    expect(await attempt(policy, '/dist/browser.js')).toEqual(refused)
    expectWords(/Content.Security.Policy/)
  })

  test("the worker's script is missing", async () => {
    expect(await attempt({}, '/dist/browser.js', { '/dist/browser.worker.js': null })).toEqual(refused)
    // Firefox writes of it, Chromium does not.
    session.complaints.splice(0)
  })

  const unsupported = (words: RegExp) => ({
    name: 'DynedgeError',
    code: 'unsupported-engine',
    message: expect.stringMatching(words),
  })

  test.each([false, true])('the kernels are missing or may not run, worker: %s', async (worker) => {
    const does = `load('/net.safetensors', { worker: ${worker} }).then(() => ({})`
    const missing = { [`/dist/dynedge.${variant}.wasm`]: null }
    expect(await attempt({}, '/dist/browser.js', missing, does)).toEqual(
      unsupported(/files dynedge\.\*\.wasm where they should be/),
    )
    session.complaints.splice(0)
    expect(await attempt({ 'content-security-policy': "script-src 'self'" }, '/dist/browser.js', {}, does)).toEqual(
      unsupported(/policy have script-src 'wasm-unsafe-eval'/),
    )
    session.complaints.splice(0)
  })

  test('a chunk is missing', async () => {
    const [chunk] = readdirSync('dist').filter((name) => name.startsWith('browser.page.'))
    expect(await attempt({}, '/dist/browser.js', { [`/dist/${chunk}`]: null })).toMatchObject({
      name: 'DynedgeError',
      code: 'network',
      message: expect.stringMatching(/browser\.\* files belong together/),
    })
    expectWords(/404|Loading module/)
  })

  const ISOLATED = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  }

  /** Two threads beside one: how many there are, why, and whether they give the same bits, size after size. */
  const throughSizes = (
    sides: string,
  ) => `Promise.all([load('/net.safetensors'), load('/net.safetensors', { threads: 2 })])
    .then(async ([one, two]) => {
      let equal = true
      for (const side of [${sides}]) {
        const tensor = { data: Float32Array.from({ length: side * side * 3 }, (_, i) => ((i * i) % 97) / 24 - 2), height: side, width: side }
        const [expected, found] = [await one.run(tensor), await two.run(tensor)]
        equal &&= expected.logits.every((value, i) => value === found.logits[i])
      }
      const { variant, threads, threadsNote } = two
      two.dispose()
      return { variant, threads, threadsNote, equal }
    }`
  const THREADS = throughSizes('64, 96, 65')

  test('two threads in an isolated page, from its own origin and from another one', async () => {
    for (const sdk of ['/dist/browser.js', `${cdn}/dist/browser.js`])
      expect(await attempt(ISOLATED, sdk, {}, THREADS)).toEqual({ variant, threads: 2, equal: true })
  })

  test('two threads go on from size to size, in memory that grows and in other memory', async () => {
    const does = throughSizes('64, 96, 65, 224, 64, 640, 64')
    expect(await attempt(ISOLATED, '/dist/browser.js', {}, does)).toEqual({ variant, threads: 2, equal: true })
  })

  test('two threads under the strictest policy', async () => {
    const headers = { ...ISOLATED, 'content-security-policy': HERE }
    expect(await attempt(headers, '/dist/browser.js', {}, THREADS)).toEqual({ variant, threads: 2, equal: true })
  })

  test('a page that is not isolated gets one thread and hears why', async () => {
    const reason = 'The page is not cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin'
    expect(await attempt({}, '/dist/browser.js', {}, THREADS)).toEqual({
      variant: expect.stringMatching(`^${variant}, threads: 1\\. ${reason}`),
      threads: 1,
      threadsNote: expect.stringMatching(reason),
      equal: true,
    })
  })

  test('a page that is isolated from other origins', async () => {
    const headers = ISOLATED
    expect(await attempt(headers, '/dist/browser.js')).toEqual({ top: 5 })
    expect(await attempt(headers, `${cdn}/dist/browser.js`)).toEqual({ top: 5 })
  })

  if (name === 'WebKit')
    test('an isolated page without shared memory gets one thread and hears why', async () => {
      await session.close()
      session = await open({ sharedMemory: false })
      expect(await attempt(ISOLATED, '/dist/browser.js', {}, THREADS)).toEqual({
        variant: expect.stringMatching(/^simd, threads: 1\. .*no shared memory/),
        threads: 1,
        threadsNote: expect.stringMatching(/no shared memory/),
        equal: true,
      })
    })
})
