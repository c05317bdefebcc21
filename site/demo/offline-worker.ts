// The service worker of the site: serves it without a network, and isolates it from other origins where its server does not, so that
// it may have threads.

/** Written by the build: addresses of what every visit needs, and a digest of all files. */
declare const KEPT: string[]
declare const VERSION: string

/** Of the interface of service workers, which the DOM's types leave out. */
interface Waiting extends Event {
  waitUntil(end: Promise<unknown>): void
}
interface Fetching extends Waiting {
  request: Request
  respondWith(response: Promise<Response>): void
}
interface Scope {
  addEventListener(type: 'install' | 'activate', hear: (event: Waiting) => void): void
  addEventListener(type: 'fetch', hear: (event: Fetching) => void): void
  skipWaiting(): Promise<void>
  clients: { claim(): Promise<void> }
}

const worker = globalThis as unknown as Scope
const CACHE = `dynedge site ${VERSION}`
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

worker.addEventListener('install', (event) => {
  event.waitUntil(keepAll())
})
worker.addEventListener('activate', (event) => {
  event.waitUntil(forgetOthers())
})
worker.addEventListener('fetch', (event) => {
  const { request } = event
  const ours = new URL(request.url).origin === location.origin
  if (ours && request.method === 'GET' && !request.headers.has('range')) event.respondWith(answer(request))
})

async function keepAll(): Promise<void> {
  const cache = await caches.open(CACHE)
  // Not what the browser has kept of an older version.
  await cache.addAll(KEPT.map((address) => new Request(address, { cache: 'no-cache' })))
  await worker.skipWaiting()
}

async function forgetOthers(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith('dynedge site ') && name !== CACHE)
  await Promise.all(others.map((name) => caches.delete(name)))
  await worker.clients.claim()
}

/** Files never change within a version: what is kept is right. Networks and samples are kept when they are first asked for. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  const kept = await cache.match(request, { ignoreSearch: true, ignoreVary: true })
  if (kept) return isolated(kept)
  const response = await fetch(request)
  if (response.status === 200 && response.type === 'basic') await cache.put(request, response.clone()).catch(() => {})
  return isolated(response)
}

function isolated(response: Response): Response {
  if (response.type === 'opaque' || response.type === 'error' || response.redirected) return response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value)
  const { status, statusText } = response
  return new Response(status === 304 || status === 204 ? null : response.body, { status, statusText, headers })
}
