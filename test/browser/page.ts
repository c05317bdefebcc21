import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'

const DIST = new URL('../../dist/', import.meta.url)
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' }
const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>dynedge</title><canvas></canvas>'

/**
 * Serves dist/, an empty page and whatever `files` has, on 127.0.0.1, each with `headers`; unknown paths under /app/ get the page, as in
 * many apps, and what is null in `files` is not found.
 */
export async function serve(
  files: Record<string, { type: string; bytes: Uint8Array | string } | null>,
  headers: Record<string, string> = {},
): Promise<{ server: Server; origin: string }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://localhost').pathname
    const send = (type: string, body: Uint8Array | string) =>
      response.writeHead(200, { 'content-type': type, ...headers }).end(body)
    const file = files[path]
    if (file) return send(file.type, file.bytes)
    if (path === '/' || path.startsWith('/app/')) return send('text/html', PAGE)
    const built = file === undefined && /^\/dist\/[\w.-]+$/.test(path) && new URL(`.${path.slice(5)}`, DIST)
    if (built && existsSync(built)) return send(TYPES[extname(path)] ?? 'application/octet-stream', readFileSync(built))
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not here')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const FLAGS =
  '--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync --use-fake-device-for-media-stream --use-fake-ui-for-media-stream'
const CANDIDATES = process.env.CHROMIUM
  ? [process.env.CHROMIUM]
  : ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * A headless Chromium with a profile of its own, started with `more` flags and the unpacked extensions in the folders `extensions` too; `close`
 * ends it. Throws, with the way to install one, where there is none.
 */
export async function openBrowser(
  more: string[] = [],
  extensions: string[] = [],
): Promise<{ page: Page; complaints: string[]; close(): Promise<void> }> {
  const executablePath = CANDIDATES.find(existsSync)
  if (!executablePath)
    throw new Error('There is no Chromium here: apt-get update && apt-get install -y chromium (or CHROMIUM=<path>).')
  const userDataDir = mkdtempSync(join(tmpdir(), 'dynedge-chromium-'))
  const browser: Browser = await puppeteer.launch({
    executablePath,
    args: [...FLAGS.split(' '), ...more],
    userDataDir,
    headless: true,
    ...(extensions.length && { enableExtensions: extensions, pipe: true }),
  })
  const page = await browser.newPage()
  const complaints = listen(page)
  const close = async () => {
    await browser.close()
    rmSync(userDataDir, { recursive: true, force: true, maxRetries: 5 })
  }
  return { page, complaints, close }
}

/** What a page writes to the console as errors and warnings, from now on. */
export function listen(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return complaints
}
