import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ANSWER, type Answer, answerOfNode, wholeBundle } from '../helpers/answers.ts'
import { BROWSERS, type Session } from './browsers.ts'
import { serve } from './page.ts'

// dynedge/inline where nothing can be served beside a script.
const bundle = wholeBundle()
const TELL = `.then(
  (found) => { globalThis.found = found },
  (error) => { globalThis.found = { code: error.code, message: error.message } },
)`
const SCRIPT = readFileSync('dist/inline.global.js', 'utf8')
const APP = `const bundle = 'data:application/octet-stream;base64,${Buffer.from(bundle).toString('base64')}'
${ANSWER}
Promise.all([answer(load, bundle), answer(load, bundle, { worker: true })])${TELL}`
/** As a bundler makes one file of an app. */
const [{ text: BUNDLED }] = buildSync({
  stdin: { contents: `import { load } from './dist/inline.js'\n${APP}`, resolveDir: '.' },
  bundle: true,
  minify: true,
  keepNames: true,
  format: 'esm',
  write: false,
}).outputFiles

/** All of an app in one document: the engine, the network, and who uses them. */
const documentOf = (...scripts: string[]) =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>one file</title>${scripts.join('\n')}`
const AS_MODULE = documentOf(`<script type="module">${BUNDLED}</script>`)
const AS_SCRIPT = documentOf(`<script>${SCRIPT}</script>`, `<script>const { load } = dynedge\n${APP}</script>`)

const folder = mkdtempSync(join(tmpdir(), 'dynedge-inline-'))
const servers: Server[] = []
let expected: Answer

beforeAll(async () => {
  expected = await answerOfNode(bundle)
})
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function serving(files: Parameters<typeof serve>[0], headers?: Record<string, string>): Promise<string> {
  const { server, origin } = await serve(files, headers)
  servers.push(server)
  return origin
}

/** What the worker of `register` answers to a message. */
const ask = (register: string) => `navigator.serviceWorker.register(${register}).then(async (registration) => {
  const worker = registration.installing ?? registration.waiting ?? registration.active
  const heard = new Promise((resolve) => navigator.serviceWorker.addEventListener('message', ({ data }) => resolve(data)))
  navigator.serviceWorker.startMessages()
  worker.postMessage('answer')
  const data = await heard
  await registration.unregister()
  return data
})`
/** The network is loaded while the worker is installed, and asked when somebody does. */
const SERVICE = `${ANSWER}
const bytes = fetch('/net.safetensors').then((response) => response.arrayBuffer())
addEventListener('message', (event) => event.waitUntil((async () => {
  try {
    const fails = (options) => load('/net.safetensors', options).then(() => 'no error', ({ code, message }) => ({ code, message }))
    event.source.postMessage({
      fetched: await answer(load, '/net.safetensors'),
      given: await answer(load, await bytes),
      worker: await fails({ worker: true }),
      again: await answer(load, '/net.safetensors', { threads: 2 }),
    })
  } catch (error) {
    event.source.postMessage(String(error))
  }
})()))`

describe.each(BROWSERS)('dynedge/inline in $name', ({ open }) => {
  let session: Session
  beforeAll(async () => {
    session = await open()
  })
  afterEach(() => {
    expect(session.complaints.splice(0)).toEqual([])
  })
  afterAll(() => session?.close())

  const found = () =>
    session.evaluate(`new Promise((resolve) => {
      const look = () => (globalThis.found ? resolve(globalThis.found) : setTimeout(look, 10))
      look()
    })`)

  describe('one document with everything in it', () => {
    test.each([
      ['module', AS_MODULE],
      ['script', AS_SCRIPT],
    ])('opened from a disk, as %s', async (name, text) => {
      const file = join(folder, `${name}.html`)
      writeFileSync(file, text)
      await session.goto(pathToFileURL(file).href)
      expect(await found()).toEqual([expected, expected])
    })

    test.each([
      ['module', AS_MODULE],
      ['script', AS_SCRIPT],
    ])('put into a page that comes from nowhere, as %s', async (_, text) => {
      await session.goto('about:blank')
      const write = `document.open(); document.write(${JSON.stringify(text)}); document.close()`
      await session.evaluate(`setTimeout(() => { ${write} }) && null`)
      expect(await found()).toEqual([expected, expected])
    })

    test('in a document without an origin', async () => {
      const origin = await serving(
        { '/app.html': { type: 'text/html', bytes: AS_SCRIPT } },
        { 'content-security-policy': 'sandbox allow-scripts' },
      )
      await session.goto(`${origin}/app.html`)
      expect(await session.evaluate('origin')).toBe('null')
      expect(await found()).toEqual([expected, expected])
    })
  })

  describe('a service worker', () => {
    test.each([
      ['a module', `import { load } from '/dist/inline.js'\n${SERVICE}`, "'/sw.js', { type: 'module' }"],
      ['a classic script', `importScripts('/dist/inline.global.js')\nconst { load } = dynedge\n${SERVICE}`, "'/sw.js'"],
    ])('%s classifies', async (_, script, register) => {
      const origin = await serving({
        '/sw.js': { type: 'text/javascript', bytes: script },
        '/net.safetensors': { type: 'application/octet-stream', bytes: bundle },
      })
      await session.goto(`${origin}/`)
      const seen = (await session.evaluate(ask(register))) as Record<string, Answer>
      expect(seen).toEqual({
        fetched: expected,
        given: expected,
        worker: { code: 'worker', message: expect.stringMatching(/cannot start a worker.*without worker/) },
        again: {
          ...expected,
          variant: expect.stringMatching(/^simd, threads: 1\. dynedge\/inline carries no binary for threads/),
        },
      })
    })
  })

  describe('a page that is served', () => {
    const HERE = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:"
    const at = async (policy: string, options: object) => {
      const script = `import { load } from '/dist/inline.js'\n${ANSWER}
answer(load, '/net.safetensors', ${JSON.stringify(options)})${TELL}`
      const headers: Record<string, string> = policy ? { 'content-security-policy': policy } : {}
      const origin = await serving(
        {
          '/page.html': { type: 'text/html', bytes: documentOf('<script type="module" src="/app.js"></script>') },
          '/app.js': { type: 'text/javascript', bytes: script },
          '/net.safetensors': { type: 'application/octet-stream', bytes: bundle },
        },
        headers,
      )
      await session.goto(`${origin}/page.html`)
      return found()
    }

    test('fetches nothing but the bundle, under the strictest policy', async () => {
      expect(await at(HERE, {})).toEqual(expected)
      const asked = await session.evaluate<string[]>("performance.getEntriesByType('resource').map(({ name }) => name)")
      const paths = asked.filter((address) => address.startsWith('http')).map((address) => new URL(address).pathname)
      expect(paths).toEqual(['/app.js', '/dist/inline.js', '/net.safetensors'])
    })

    test('has a worker where the policy lets blobs start one, else says what it lacks', async () => {
      expect(await at(`${HERE}; worker-src blob:`, { worker: true })).toEqual(expected)
      expect(await at(HERE, { worker: true })).toEqual({
        code: 'worker',
        message: expect.stringMatching(/worker-src blob:/),
      })
      const complaints = session.complaints.splice(0).join()
      if (session.hearsBrowser) expect(complaints).toMatch(/Content.Security.Policy/)
    })

    test('has one binary and one thread, and says so', async () => {
      expect(await at('', { variant: 'relaxed' })).toEqual({
        code: 'unsupported-engine',
        message: expect.stringMatching(/carries the binary simd only, got variant relaxed/),
      })
      for (const worker of [false, true])
        expect(await at('', { threads: 2, worker })).toEqual({
          ...expected,
          variant: expect.stringMatching(/^simd, threads: 1\. dynedge\/inline carries no binary for threads/),
        })
    })
  })
})
