import type { DynedgeError } from '../errors.ts'
import type { sentBytes } from './bundle.ts'
import type { Sendable, SentResponse } from './protocol.ts'

// Bundles that come as a Response or a stream, which few do. A page fetches this file for them; it imports types only.

/** A response or stream as it can be sent to a worker, once. Throws `usage` for one that cannot be read. */
export async function sentStream(
  bundle: Response | ReadableStream<Uint8Array>,
  asBytes: typeof sentBytes,
  Failure: typeof DynedgeError,
): Promise<Sendable> {
  if ('getReader' in bundle) return sent(bundle)
  const { status, statusText, headers, body, bodyUsed, type } = bundle
  if (!status || bodyUsed) throw new Failure('usage', 'The response cannot be read: it is opaque, or was read already.')
  // Another origin may hide that the bytes are coded, and then this is not their length.
  const known = [...headers].filter(([name]) => type !== 'cors' || name !== 'content-length')
  const { message, transfer } = body ? await sent(body) : { message: null, transfer: [] }
  return { message: { body: message, init: { status, statusText, headers: known } } as SentResponse, transfer }

  async function sent(stream: ReadableStream<Uint8Array>): Promise<Sendable> {
    if (stream.locked) throw new Failure('usage', 'The stream is being read by someone else.')
    try {
      const probe = new ReadableStream()
      structuredClone(probe, { transfer: [probe] })
    } catch {
      // Safari gives no streams away.
      return asBytes(new Uint8Array(await new Response(stream).arrayBuffer()), true)
    }
    return { message: stream, transfer: [stream] }
  }
}
