import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ANSWER, type Answer, answerOfNode, wholeBundle } from '../helpers/answers.ts'
import { openBrowser, serve } from './page.ts'

// dynedge/inline in a browser extension: its service worker, its own page, and a script of it in a page of somebody else.
const bundle = wholeBundle()
const folder = mkdtempSync(join(tmpdir(), 'dynedge-extension-'))
const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content)
let expected: Answer
let server: Server
let origin: string
let page: Page
let complaints: string[]
let close: () => Promise<void>

beforeAll(async () => {
  expected = await answerOfNode(bundle)
  write(
    'manifest.json',
    JSON.stringify({
      manifest_version: 3,
      name: 'dynedge',
      version: '1.0',
      background: { service_worker: 'background.js', type: 'module' },
      action: { default_popup: 'popup.html' },
      content_scripts: [{ matches: ['http://127.0.0.1/*'], js: ['inline.global.js', 'content.js'] }],
      web_accessible_resources: [{ resources: ['net.safetensors'], matches: ['http://127.0.0.1/*'] }],
      // WebAssembly has to be asked for.
      content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'" },
    }),
  )
  for (const name of ['inline.js', 'inline.global.js']) copyFileSync(join('dist', name), join(folder, name))
  write('net.safetensors', bundle)
  // It can be asked by the rest of the extension.
  write(
    'background.js',
    `import { load } from './inline.js'
${ANSWER}
chrome.runtime.onMessage.addListener((message, sender, respond) => {
  answer(load, chrome.runtime.getURL('net.safetensors')).then(respond, (error) => respond(String(error)))
  return true
})`,
  )
  write('popup.html', '<!doctype html><title>popup</title><script type="module" src="popup.js"></script>')
  write(
    'popup.js',
    `import { load } from './inline.js'
${ANSWER}
globalThis.found = Promise.all([
  chrome.runtime.sendMessage('answer'),
  answer(load, '/net.safetensors'),
  answer(load, '/net.safetensors', { worker: true }),
])`,
  )
  // Its world is not the page's, which sees the document only.
  write(
    'content.js',
    `${ANSWER}
Promise.all([
  chrome.runtime.sendMessage('answer'),
  answer(dynedge.load, chrome.runtime.getURL('net.safetensors')).catch(({ code, message }) => ({ code, message })),
])
  .then(JSON.stringify, String).then((found) => { document.title = found })`,
  )
  ;({ server, origin } = await serve({}))
  ;({ page, complaints, close } = await openBrowser([], [folder]))
})
afterAll(async () => {
  await close?.()
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the service worker of the extension and its own page classify', async () => {
  const worker = await page.browser().waitForTarget((target) => target.type() === 'service_worker')
  await page.goto(new URL('/popup.html', worker.url()).href)
  const [background, popup, away] = (await page.evaluate('globalThis.found')) as Answer[]
  expect(background).toEqual(expected)
  expect(popup).toEqual(expected)
  expect(away).toEqual(expected)
  expect(complaints).toEqual([])
})

async function titleOf(address: string): Promise<unknown> {
  await page.goto(address)
  await page.waitForFunction("document.title !== 'dynedge'")
  return JSON.parse(await page.title())
}

test('its script in a page of somebody else classifies', async () => {
  expect(await titleOf(`${origin}/`)).toEqual([expected, expected])
  expect(complaints).toEqual([])
})

test('its script in a page whose policy forbids WebAssembly says so, and can ask the service worker', async () => {
  const strict = await serve({}, { 'content-security-policy': "script-src 'none'" })
  try {
    expect(await titleOf(`${strict.origin}/`)).toEqual([
      expected,
      { code: 'unsupported-engine', message: expect.stringMatching(/policy have script-src 'wasm-unsafe-eval'/) },
    ])
  } finally {
    strict.server.close()
  }
})
