import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
}

export interface Served {
  readonly origin: string
  close(): void
}

/** Serves the files of a folder on 127.0.0.1, to any origin, with `headers`; `/` is index.html. */
export async function serveFolder(folder: string, headers: Record<string, string> = {}): Promise<Served> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname))
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end('not here')
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    response
      .writeHead(200, { 'content-type': type, 'access-control-allow-origin': '*', ...headers })
      .end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() }
}
