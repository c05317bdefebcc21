import type { BundleHeader } from '../bundle/header.ts'
import type { Source, Transport } from '../bundle/source.ts'
import type { ErrorCode } from '../errors.ts'
import { Parts } from './parts.ts'
import { type Kept, keepBundle, keptBundles, openStore } from './store.ts'

// `load(url, { cache: true })` in a page, a worker or a service worker: docs/loading.md. A page fetches this file when it asks for it; it
// is given what it needs of the rest, and imports only types from there.

/** How often a broken download is gone on with while no byte comes. */
const RETRIES = 3
/** Milliseconds before the first of them; each of the next waits twice as long. */
const PAUSE = 300

const codeOf = (error: unknown) => (error as { code?: ErrorCode }).code ?? ''
/** Has the bundle itself a fault, so that other bytes could be better? */
const isFault = (error: unknown) => /bundle|program|integrity|unsupported-[vlo]/.test(codeOf(error))

/**
 * The bundle at an address: kept, or fetched and then kept, from where an interrupted download ended. Undefined where nothing can be
 * kept: blob: and data:.
 * @throws DynedgeError as `openSource`; never for want of a place to keep it
 */
export async function openCached(
  address: string | URL,
  integrity: string | undefined,
  signal: AbortSignal | undefined,
  transport: Transport,
): Promise<Source | undefined> {
  let url = ''
  try {
    url = new Request(address).url.split('#')[0]
  } catch {}
  if (!/^http/.test(url)) return undefined
  const kept = (await keptBundles()).find((kept) => (integrity ? integrity.includes(kept.integrity) : kept.url === url))
  // With its digest known, the server need not be asked.
  if (!kept || !integrity) {
    const parts = new Parts(url)
    await parts.find()
    const ask = () => request(url, parts, signal, transport)
    try {
      const response = await ask()
      if (!kept?.tag || tagOf(response) !== kept.tag) return fromServer(url, response, parts, ask, signal, transport)
      drop(response)
    } catch (error) {
      if (!kept || /found|aborted/.test(codeOf(error))) throw error
    }
  }
  return fromKept(kept, signal, transport)
}

async function fromKept({ url, key, bytes }: Kept, signal: AbortSignal | undefined, { read }: Transport) {
  const store = await openStore()
  const { body } = (await store.match(key))!
  return {
    ...read(`The kept copy of ${url}`, body!, Number(bytes), signal),
    async refuse(error: unknown) {
      // Damaged on this machine, or of a version that this dynedge does not read: the server may have a better one.
      return (isFault(error) || codeOf(error) === 'network') && store.delete(key)
    },
  }
}

function fromServer(
  url: string,
  first: Response,
  parts: Parts,
  ask: () => Promise<Response>,
  signal: AbortSignal | undefined,
  { read, sizeOf }: Transport,
): Source {
  const resumed = first.status === 206
  let changed = false
  const rest = sizeOf(first)
  const size = rest && rest + (resumed ? parts.bytes : 0)
  let current: Source | undefined = read(url, first.body!, size, signal)

  async function* stream(): AsyncGenerator<Uint8Array, void, undefined> {
    if (resumed) for (const part of [...parts.blobs]) yield* read(url, part.stream(), undefined, signal).stream
    else await parts.begin(tagOf(first))
    let broken: unknown
    for (let failures = 0, skipped = 0; ; )
      try {
        if (!current) {
          const response = await ask()
          changed = tagOf(response) !== parts.tag
          if (changed) throw broken
          skipped = response.status === 206 ? 0 : parts.bytes
          current = read(url, response.body!, size, signal)
        }
        for await (const chunk of current.stream) {
          failures = 0
          const bytes = chunk.subarray(skipped)
          skipped -= chunk.length - bytes.length
          if (!bytes.length) continue
          await parts.add(bytes)
          yield bytes
        }
        return
      } catch (error) {
        current = undefined
        broken = error
        if (changed || codeOf(error) !== 'network' || failures++ === RETRIES) throw error
        await pause(PAUSE * 2 ** failures, signal)
      } finally {
        await parts.flush()
      }
  }

  return {
    name: url,
    size,
    stream: stream(),
    cancel: async () => current?.cancel(),
    async keep(header: BundleHeader) {
      await keepBundle(url, parts.tag, header, new Blob(parts.blobs))
      await parts.remove()
    },
    async refuse(error) {
      if (!changed && !isFault(error)) return false
      await parts.remove()
      // What there is is of two versions, or was damaged on this machine.
      return changed || resumed
    },
  }
}

/** Asks for what `parts` lack; gets all of the file where the server has another version, or gives no ranges. */
async function request(
  url: string,
  parts: Pick<Parts, 'bytes' | 'tag'>,
  signal: AbortSignal | undefined,
  transport: Transport,
): Promise<Response> {
  const { bytes, tag } = parts
  const headers: Record<string, string> = {}
  if (bytes) {
    headers.range = `bytes=${bytes}-`
    // Another origin's server would first be asked whether a page may send this.
    if (/^"|GMT$/.test(tag) && new URL(url).origin === globalThis.location?.origin) headers['if-range'] = tag
  }
  const response = await transport.ask(url, { headers, signal })
  const { status } = response
  const range = response.headers.get('content-range')
  const fits = tagOf(response) === tag && (!range || range.startsWith(`bytes ${bytes}-`))
  if (bytes && (status === 416 || (status === 206 && !fits))) {
    drop(response)
    return request(url, { bytes: 0, tag }, signal, transport)
  }
  transport.accept(response, url)
  return response
}

/** The server's name for this version of the file: '' where it gives none, or hides it from another origin. */
function tagOf({ headers }: Response): string {
  return headers.get('etag')?.replace('W/', '') ?? headers.get('last-modified') ?? ''
}

const drop = ({ body }: Response) => void body?.cancel().catch(() => {})

const pause = (milliseconds: number, signal?: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    setTimeout(resolve, milliseconds)
    signal?.addEventListener('abort', resolve)
  })
