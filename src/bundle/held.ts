import type { BundleInput, Source, Transport } from './source.ts'

// Bundles that are at hand, not at an address. A page fetches this file for them; it imports types only.

/** Opens bytes, a Blob, a stream or a Response. Throws `bad-input` for anything else, and as `openSource` for what a server answered. */
export async function openHeld(
  input: Exclude<BundleInput, string | URL>,
  signal: AbortSignal | undefined,
  { accept, sizeOf, read, Failure }: Transport,
): Promise<Source> {
  if (ArrayBuffer.isView(input)) return fromBytes(new Uint8Array(input.buffer, input.byteOffset, input.byteLength))
  const kind = Object.prototype.toString.call(input).slice(8, -1)
  if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer') return fromBytes(new Uint8Array(input as ArrayBufferLike))
  if (kind === 'Blob' || kind === 'File')
    return read('The blob', (input as Blob).stream(), (input as Blob).size, signal)
  if (kind === 'ReadableStream') return read('The stream', input as ReadableStream<Uint8Array>, undefined, signal)
  if (kind === 'Response') {
    const response = input as Response
    const name = response.url || 'The response'
    accept(response, name)
    // An empty one has no stream.
    if (!response.body) return fromBytes(new Uint8Array(await response.arrayBuffer()))
    return read(name, response.body, sizeOf(response), signal)
  }
  throw new Failure('bad-input', `Expected an address, bytes, a Blob, a stream or a Response as bundle, got ${kind}`)
}

function fromBytes(bytes: Uint8Array): Source {
  async function* once() {
    yield bytes
  }
  return { name: 'The bundle', size: bytes.length, stream: once(), cancel: async () => {} }
}
