import { checkSignal, DynedgeError, type ErrorCode } from '../errors.ts'
import type { BundleHeader } from './header.ts'

/** @internal A stream of bytes, read once. */
export interface Source {
  /** For messages: an address, a path, or a word. */
  readonly name: string
  /** Bytes, only where it can be trusted. */
  readonly size?: number
  /** A chunk is valid until the next one is asked for. */
  readonly stream: AsyncIterable<Uint8Array>
  /** Frees the connection or file of a source that is not read to its end. */
  cancel(): Promise<void>
  /** Called with the header of what was read, checked and used. */
  keep?(header: BundleHeader): Promise<void>
  /** Called when it could not be used; loading again may help if it says so. */
  refuse?(error: unknown): Promise<boolean>
}

/**
 * Where a bundle is: an address (in Node and React Native also a path, a `file:` address), or whatever holds its bytes. What can be read only once, a stream or
 * Response, is read to its end.
 */
export type BundleInput =
  | string
  | URL
  | Blob
  | ArrayBufferLike
  | ArrayBufferView
  | ReadableStream<Uint8Array>
  | Response

/** @internal What a platform reads in a way of its own: files in Node, all addresses in React Native. Gives nothing for the rest. */
export type OpenOwn = (input: BundleInput, signal?: AbortSignal) => Promise<Source | undefined>

/** @internal */
export interface SourceOptions {
  readonly signal?: AbortSignal
  readonly openOwn?: OpenOwn
  /** Keeps what an http address has; not where `openOwn` is. */
  readonly cache?: boolean
  /** With `cache`: digests by which a kept bundle is found. */
  readonly integrity?: string
}

/**
 * @internal Opens whatever a caller has. Addresses and paths are asked for here, bytes are not yet read.
 * @throws DynedgeError `not-found`, `network`, `bad-bundle` (an HTML page), `bad-input`, `aborted`
 */
export async function openSource(input: BundleInput, options: SourceOptions = {}): Promise<Source> {
  const { signal, openOwn, cache, integrity } = options
  checkSignal(signal)
  const own = await openOwn?.(input, signal)
  if (own) return own
  if (typeof input === 'string' || input instanceof URL) {
    if (cache && !openOwn) {
      const { openCached } = await import('../cache/open.ts')
      const source = await openCached(input, integrity, signal, transport)
      if (source) return source
    }
    const response = await ask(input, { signal })
    accept(response, nameOf(input))
    // An empty answer has no stream.
    if (response.body) return fromStream(nameOf(input), response.body, sizeOf(response), signal)
    input = await response.arrayBuffer()
  }
  return (await import('./held.ts')).openHeld(input, signal, transport)
}

/** @internal What `openHeld` and `openCached` need of this file: a page loads them as scripts of their own. */
export interface Transport {
  ask: typeof ask
  accept: typeof accept
  sizeOf: typeof sizeOf
  read: typeof fromStream
  Failure: typeof DynedgeError
}

/** The answer of a server, whatever it is. Throws `network` where there is none, `aborted`. */
async function ask(address: string | URL, init: RequestInit): Promise<Response> {
  const { signal } = init
  try {
    return await fetch(address, init)
  } catch (cause) {
    checkSignal(signal)
    // Without a network, that script cannot be had either.
    const fault = await import('./unreachable.ts').then(
      ({ faultOf }) => faultOf(address, signal),
      () => NO_ANSWER,
    )
    checkSignal(signal)
    const reason = (cause as { cause?: { code?: string } }).cause?.code ?? (cause as Error).message
    throw new DynedgeError('network', `${nameOf(address)} cannot be fetched (${reason}): ${fault}`, { cause })
  }
}

const NO_ANSWER = 'no answer; check the address and the network'

const nameOf = (address: string | URL) => `${address}`.slice(0, 200)

/** Throws for an answer that is no bundle: `not-found`, `network`, `bad-bundle`, `usage`; its connection is freed then. */
function accept(response: Response, name: string): void {
  const { status, headers, body, type, bodyUsed } = response
  const refuse = (code: ErrorCode, what: string) => {
    if (!bodyUsed) body?.cancel().catch(() => {})
    return new DynedgeError(code, `${name}: ${what}`)
  }
  if (type === 'opaque') throw refuse('network', 'the response is opaque; fetch it without mode no-cors')
  if (!response.ok) {
    const code = status === 404 || status === 410 ? 'not-found' : 'network'
    throw refuse(code, `the server answered ${status} ${response.statusText}`.trim())
  }
  if (bodyUsed) throw refuse('usage', 'the response has been read already')
  if (/^text\/html/i.test(headers.get('content-type') ?? '')) {
    throw refuse('bad-bundle', 'the server answered with an HTML page instead of a bundle; check the address')
  }
}

/** Bytes of the body, where they are known: the length is that of the coded bytes, and another origin may hide that they are coded. */
function sizeOf({ type, headers }: Response): number | undefined {
  const length = Number(headers.get('content-length') ?? Number.NaN)
  return type !== 'cors' && !headers.get('content-encoding') && Number.isSafeInteger(length) ? length : undefined
}

function fromStream(name: string, stream: ReadableStream<Uint8Array>, size?: number, signal?: AbortSignal): Source {
  if (stream.locked) throw new DynedgeError('usage', `${name} is being read by someone else`)
  const reader = stream.getReader()
  const cancel = () => reader.cancel().catch(() => {})
  async function* read() {
    let received = 0
    signal?.addEventListener('abort', cancel)
    try {
      while (true) {
        const { done, value } = await reader.read()
        checkSignal(signal)
        if (done) return
        if (!(value instanceof Uint8Array))
          throw new DynedgeError('bad-input', `${name} gives ${typeof value}, expected Uint8Array chunks`)
        received += value.length
        yield value
      }
    } catch (cause) {
      if (cause instanceof DynedgeError) throw cause
      checkSignal(signal)
      const broke = `the connection broke after ${received}${size === undefined ? '' : ` of ${size}`} bytes`
      throw new DynedgeError('network', `${name}: ${broke} (${(cause as Error)?.message ?? cause})`, { cause })
    } finally {
      signal?.removeEventListener('abort', cancel)
      await cancel()
    }
  }
  return { name, size, stream: read(), cancel }
}

/** @internal */
export const transport: Transport = { ask, accept, sizeOf, read: fromStream, Failure: DynedgeError }
