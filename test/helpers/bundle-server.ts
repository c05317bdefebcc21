import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** What the server does with one request: serves the file, breaks off after some bytes, or answers otherwise. */
export interface Turn {
  /** Ends the connection after so many bytes of the body: soon, or when `breakOff` is called. */
  breakAfter?: number
  /** Ends it before an answer. */
  down?: boolean
  /** Answers with this status, and these words. */
  status?: number
  /** Knows nothing of ranges. */
  noRanges?: boolean
  gzip?: boolean
  headers?: Record<string, string>
  body?: string
}

export interface Asked {
  range?: string
  ifRange?: string
  status: number
  /** Bytes of the body that were sent. */
  sent: number
}

/** A server of one file that knows ranges and If-Range, has the faults of `turns` in order, and notes what it was asked and sent. */
export interface BundleServer {
  origin: string
  /** Address of the file. */
  url: string
  file: Uint8Array
  etag: string
  /** For the next requests; after them it has no fault, unless `always` is set. */
  turns: Turn[]
  always?: Turn
  asked: Asked[]
  /** Set: connections that have sent all they shall end at this call only, so that a reader surely has some of it. */
  breaksOff?: boolean
  breakOff(): void
  close(): void
}

/** `other` answers whatever is not the file. */
export async function bundleServer(
  file: Uint8Array,
  other: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.writeHead(404).end(),
): Promise<BundleServer> {
  const breaking: ServerResponse[] = []
  const http = createServer((request, response) => {
    if (!request.url!.startsWith('/net.safetensors')) return other(request, response)
    const turn = state.turns.shift() ?? state.always ?? {}
    const { range, 'if-range': ifRange } = request.headers as Record<string, string>
    const entry: Asked = { range, ifRange, status: 0, sent: 0 }
    state.asked.push(entry)
    if (turn.down) return request.socket.destroy()
    const begin = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const ranged = begin > 0 && !turn.noRanges && (!ifRange || ifRange === state.etag)
    const type = { 'content-type': 'application/octet-stream', 'cache-control': 'no-store', ...turn.headers }
    const answer = (status: number, headers: Record<string, string | number>, body: Uint8Array | string) => {
      const bytes = Buffer.from(body)
      entry.status = status
      response.writeHead(status, { ...type, 'content-length': bytes.length, ...headers, ...turn.headers })
      entry.sent = Math.min(turn.breakAfter ?? bytes.length, bytes.length)
      if (entry.sent === bytes.length) response.end(bytes)
      else {
        response.write(bytes.subarray(0, entry.sent), () => {
          if (!state.breaksOff) setTimeout(() => response.destroy(), 50)
        })
        breaking.push(response)
      }
    }
    if (turn.status) return answer(turn.status, {}, turn.body ?? '')
    const etag: Record<string, string> = state.etag ? { etag: state.etag } : {}
    if (ranged && begin >= state.file.length)
      return answer(416, { ...etag, 'content-range': `bytes */${state.file.length}` }, '')
    if (ranged)
      return answer(
        206,
        { ...etag, 'content-range': `bytes ${begin}-${state.file.length - 1}/${state.file.length}` },
        state.file.subarray(begin),
      )
    if (turn.gzip) return answer(200, { ...etag, 'content-encoding': 'gzip' }, gzipSync(state.file))
    answer(200, etag, turn.body ?? state.file)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const state: BundleServer = {
    origin,
    url: `${origin}/net.safetensors`,
    file,
    etag: '"1"',
    turns: [],
    asked: [],
    breakOff() {
      for (const response of breaking.splice(0)) response.destroy()
    },
    close() {
      http.closeAllConnections()
      http.close()
    },
  }
  return state
}
