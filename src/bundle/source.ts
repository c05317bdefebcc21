import { DynedgeError } from '../errors.ts'

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
}

/**
 * Where a bundle is: an address (in Node also a path, a `file:` address), or whatever holds its bytes. What can be read only once, a stream or
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

/** @internal */
export interface SourceOptions {
  readonly signal?: AbortSignal
  /** Opens paths and file: addresses; without it, every string is fetched. */
  readonly readFile?: (path: string | URL) => Promise<Source>
}

/**
 * @internal Opens whatever a caller has. Addresses and paths are asked for here, bytes are not yet read.
 * @throws DynedgeError `not-found`, `network`, `bad-bundle` (an HTML page), `bad-input`, `aborted`
 */
export async function openSource(input: BundleInput, options: SourceOptions = {}): Promise<Source> {
  const { signal, readFile } = options
  if (signal?.aborted) throw aborted(signal)
  if (typeof input === 'string' || input instanceof URL) {
    const isWeb = /^(https?|blob|data):/i.test(`${input}`)
    return readFile && !isWeb ? readFile(input) : fetchSource(input, signal)
  }
  if (ArrayBuffer.isView(input)) return fromBytes(new Uint8Array(input.buffer, input.byteOffset, input.byteLength))
  const kind = Object.prototype.toString.call(input).slice(8, -1)
  if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer') return fromBytes(new Uint8Array(input as ArrayBufferLike))
  if (kind === 'Response') return fromResponse(input as Response, (input as Response).url || 'The response', signal)
  if (kind === 'Blob' || kind === 'File')
    return fromStream('The blob', (input as Blob).stream(), (input as Blob).size, signal)
  if (kind === 'ReadableStream') return fromStream('The stream', input as ReadableStream<Uint8Array>, undefined, signal)
  throw new DynedgeError(
    'bad-input',
    `Expected an address, bytes, a Blob, a stream or a Response as bundle, got ${kind}`,
  )
}

function fromBytes(bytes: Uint8Array): Source {
  async function* once() {
    yield bytes
  }
  return { name: 'The bundle', size: bytes.length, stream: once(), cancel: async () => {} }
}

async function fetchSource(address: string | URL, signal?: AbortSignal): Promise<Source> {
  const name = `${address}`.slice(0, 200)
  let response: Response
  try {
    response = await fetch(address, { signal })
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal)
    const reason = (cause as { cause?: { code?: string } }).cause?.code ?? (cause as Error).message
    const hint = 'check the address and the network; another origin must allow this page by CORS'
    throw new DynedgeError('network', `${name} cannot be fetched (${reason}): ${hint}`, { cause })
  }
  return fromResponse(response, name, signal)
}

async function fromResponse(response: Response, name: string, signal?: AbortSignal): Promise<Source> {
  const { status, headers, body, type } = response
  const refuse = (code: 'not-found' | 'network' | 'bad-bundle' | 'usage', what: string) => {
    if (!response.bodyUsed) body?.cancel().catch(() => {})
    return new DynedgeError(code, `${name}: ${what}`)
  }
  if (type === 'opaque') throw refuse('network', 'the response is opaque; fetch it without mode no-cors')
  if (!response.ok) {
    const code = status === 404 || status === 410 ? 'not-found' : 'network'
    throw refuse(code, `the server answered ${status} ${response.statusText}`.trim())
  }
  if (response.bodyUsed) throw refuse('usage', 'the response has been read already')
  if (/^text\/html/i.test(headers.get('content-type') ?? '')) {
    throw refuse('bad-bundle', 'the server answered with an HTML page instead of a bundle; check the address')
  }
  // React Native's fetch has no streams.
  if (!body) return fromBytes(new Uint8Array(await response.arrayBuffer()))
  // The length is that of the coded bytes, and another origin may hide that they are coded.
  const isPlain = type !== 'cors' && !headers.get('content-encoding')
  const length = Number(headers.get('content-length') ?? Number.NaN)
  return fromStream(name, body, isPlain && Number.isSafeInteger(length) ? length : undefined, signal)
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
        if (signal?.aborted) throw aborted(signal)
        if (done) return
        if (!(value instanceof Uint8Array))
          throw new DynedgeError('bad-input', `${name} gives ${typeof value}, expected Uint8Array chunks`)
        received += value.length
        yield value
      }
    } catch (cause) {
      if (cause instanceof DynedgeError) throw cause
      if (signal?.aborted) throw aborted(signal)
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
export function aborted(signal: AbortSignal): DynedgeError {
  return new DynedgeError('aborted', 'Loading was aborted by its caller', { cause: signal.reason })
}
