import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.jpg': 'image/jpeg',
  '.md': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}
const ISOLATION = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/**
 * Serves the files of `folder` below `base`, on this machine alone; `port` 0 takes any that is free. `isolated`: with the headers that
 * threads want.
 */
export async function serveSite(folder, { port = 0, base = '/', isolated = true } = {}) {
  const headers = { ...(isolated && ISOLATION), 'cache-control': 'no-cache' }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname)
    const inside = path.startsWith(base) ? normalize(`/${path.slice(base.length)}`) : undefined
    const file = inside && join(folder, inside.endsWith('/') ? `${inside}index.html` : inside)
    const found = file && statSync(file, { throwIfNoEntry: false })
    if (!found?.isFile()) return response.writeHead(404, { 'content-type': 'text/plain' }).end('not here')
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    response.writeHead(200, { ...headers, 'content-type': type, 'content-length': found.size })
    createReadStream(file).pipe(response)
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return { address: `http://localhost:${server.address().port}${base}`, close: () => server.close() }
}
