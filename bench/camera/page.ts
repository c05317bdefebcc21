import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import type { CDPSession, Page } from 'puppeteer-core'
import { writeClip } from '../../test/browser/clip.ts'
import { openBrowser } from '../../test/browser/page.ts'

const ROOT = new URL('../../', import.meta.url)
const SAMPLES = new URL('samples/', ROOT)
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' }
/** What a server says of files that have their version in their name. */
const FOREVER = { 'cache-control': 'public, max-age=31536000, immutable' }
const NEVER = { 'cache-control': 'no-store' }
/** Half a second of each photograph. */
const FRAMES_EACH = 15

export interface CameraPage {
  origin: string
  /** How often each path was fetched from the server. */
  fetched: Map<string, number>
  page: Page
  complaints: string[]
  close(): Promise<void>
}

/**
 * The camera page at `origin`, in a headless Chromium whose camera shows the photographs of samples/ in turn. The bundle may be kept by
 * the browser's own cache, or not.
 */
export async function openCameraPage(model: URL, keepable = true): Promise<CameraPage> {
  const folder = mkdtempSync(join(tmpdir(), 'dynedge-camera-'))
  const clip = join(folder, 'samples.mjpeg')
  const photographs = readdirSync(SAMPLES).filter((name) => name.endsWith('.jpg'))
  await writeClip(
    clip,
    photographs.map((name) => new URL(name, SAMPLES)),
    FRAMES_EACH,
  )
  const fetched = new Map<string, number>()
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost')
    const file = fileOf(pathname, model)
    fetched.set(pathname, (fetched.get(pathname) ?? 0) + 1)
    const type = file && (TYPES[extname(file.pathname)] ?? 'application/octet-stream')
    if (!file) return response.writeHead(404).end()
    const kept = type === 'text/html' ? {} : file === model && !keepable ? NEVER : FOREVER
    response.writeHead(200, { 'content-type': type, ...kept }).end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { page, complaints, close } = await openBrowser([`--use-file-for-fake-video-capture=${clip}`])
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetched,
    page,
    complaints,
    async close() {
      await close()
      server.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function fileOf(path: string, model: URL): URL | undefined {
  if (path === '/') return new URL('camera.html', import.meta.url)
  if (path === '/camera.js') return new URL('camera.js', import.meta.url)
  if (path === '/model.safetensors') return model
  return /^\/dist\/[\w.-]+$/.test(path) ? new URL(`.${path}`, ROOT) : undefined
}

/**
 * Bytes of JavaScript that live in the page and in its worker, after a collection of garbage: the least of some looks, for what a call
 * holds that is being answered is no leak.
 */
export async function heaps(page: Page, session: CDPSession): Promise<{ page: number; worker: number }> {
  const used = async (client: CDPSession) => {
    const looks: number[] = []
    while (looks.length < LOOKS) {
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS))
      await client.send('HeapProfiler.collectGarbage')
      looks.push((await client.send('Runtime.getHeapUsage')).usedSize)
    }
    return Math.min(...looks)
  }
  const [worker] = page.workers()
  return { page: await used(session), worker: await used(worker.client) }
}

const LOOKS = 8
/** Milliseconds: other calls are being answered then. */
const BETWEEN_LOOKS = 50

export async function browserVersion(): Promise<string> {
  const { page, close } = await openBrowser()
  const version = await page.browser().version()
  await close()
  return version.replace('/', ' ')
}
