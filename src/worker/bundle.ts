import type { BundleInput } from '../bundle/source.ts'
import { DynedgeError } from '../errors.ts'
import type { Host, Sendable } from './protocol.ts'

/** Each call opens the bundle once more and gives what is to be sent to a worker. */
export type OpenBundle = () => Promise<Sendable>

/**
 * Addresses, Blobs and bytes can be sent to one worker after the other; bytes are copied, and the caller must leave them as they are.
 * Streams, responses and bytes that are given away (`transfer`) can be sent once.
 */
export function openBundle(host: Host, bundle: BundleInput, transfer: boolean): OpenBundle {
  if (typeof bundle === 'string' || bundle instanceof URL) {
    const message = host.address(bundle)
    return async () => ({ message, transfer: [] })
  }
  const kind = Object.prototype.toString.call(bundle).slice(8, -1)
  if (kind === 'Response' || kind === 'ReadableStream')
    return once(kind, async () =>
      (await import('./sent-stream.ts')).sentStream(bundle as Response, sentBytes, DynedgeError),
    )
  const isBytes = ArrayBuffer.isView(bundle)
  if (!isBytes && kind !== 'ArrayBuffer' && kind !== 'SharedArrayBuffer')
    return async () => ({ message: bundle, transfer: [] })
  const bytes = isBytes
    ? new Uint8Array(bundle.buffer, bundle.byteOffset, bundle.byteLength)
    : new Uint8Array(bundle as ArrayBufferLike)
  return transfer ? once(kind, async () => sentBytes(bytes, true)) : async () => sentBytes(bytes, false)
}

function once(kind: string, send: () => Promise<Sendable>): OpenBundle {
  let sent = false
  return async () => {
    if (sent)
      throw new DynedgeError(
        'worker',
        `The worker ended, and the bundle came as ${kind}, which cannot be read again: load the network again.`,
      )
    sent = true
    return send()
  }
}

/** Numbers as they can be sent: given away if all of a buffer is asked for and `transfer` allows it, else copied. */
export function sentBytes<T extends ArrayBufferView & { slice(): T }>(view: T, transfer?: boolean): Sendable {
  const { buffer, byteLength } = view
  const own = transfer && buffer instanceof ArrayBuffer && byteLength === buffer.byteLength
  const message = own ? view : view.slice()
  return { message, transfer: [message.buffer as ArrayBuffer] }
}
