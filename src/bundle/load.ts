import type { Backend } from '../backend.ts'
import { checkSignal, DynedgeError } from '../errors.ts'
import { hex32 } from './checksum.ts'
import { dataStartOf, LENGTH_BYTES, show } from './container.ts'
import { type BundleHeader, type BundleTensor, checkFileSize, parseHeader } from './header.ts'
import type { Fault } from './integrity.ts'
import type { Source } from './source.ts'

/** Small enough that V8 replaces its first compilation of the checksum early. */
const PIECE_BYTES = 64 * 1024

/** How far a load has come. */
export interface Progress {
  /** Bytes of the data section in memory. */
  readonly loaded: number
  /** Bytes of the data section, all in all. */
  readonly total: number
}

/** @internal */
export interface StreamOptions {
  /** Called before the first and after every chunk. */
  readonly onProgress?: (progress: Progress) => void
  /** `sha256-<base64>` of the data section. */
  readonly integrity?: string
  readonly signal?: AbortSignal
}

/**
 * @internal Reads and checks the header. `rest` is the data section, to be read once by `streamInto`, or to be
 * cancelled.
 * @throws DynedgeError; the source is cancelled then
 */
export async function readHeader(
  source: Source,
  options: Pick<StreamOptions, 'integrity'> = {},
): Promise<{ header: BundleHeader; rest: Source }> {
  const chunks = source.stream[Symbol.asyncIterator]()
  try {
    const { head, leftover } = await readHead(chunks, source.size)
    const header = parseHeader(head, source.size)
    await checkPromise(header, options.integrity)
    return { header, rest: { ...source, size: header.dataBytes, stream: withFirst(leftover, chunks) } }
  } catch (error) {
    await source.cancel()
    throw error
  }
}

/**
 * @internal Copies the data section to `pointer` and checks every tensor's CRC32C with the module's `crc32c` on
 * the way. A tensor's weights are then at `pointer + tensor.offset`.
 * @throws DynedgeError `damaged-bundle`, `truncated-bundle`, `oversized-bundle`, `integrity`, `aborted`,
 * `out-of-memory` for a memory that is too small, or what the source throws; `rest` is cancelled then
 */
export async function streamInto(
  backend: Backend,
  pointer: number,
  header: BundleHeader,
  rest: Source,
  options: StreamOptions = {},
): Promise<void> {
  try {
    await checkPromise(header, options.integrity)
    const loaded = await copyAndCheck(backend, pointer, header, rest.stream, options)
    checkFileSize(header.dataStart + loaded, header.dataStart + header.dataBytes)
    if (options.integrity !== undefined) {
      const { dataFault } = await import('./integrity.ts')
      refuse(await dataFault(options.integrity, new Uint8Array(backend.memory.buffer, pointer, header.dataBytes)))
    }
  } catch (error) {
    await rest.cancel()
    throw error
  }
}

async function copyAndCheck(
  backend: Backend,
  pointer: number,
  { tensors, dataStart, dataBytes: total }: BundleHeader,
  chunks: AsyncIterable<Uint8Array>,
  { onProgress, signal }: StreamOptions,
): Promise<number> {
  ASSERT: if (pointer + total > backend.memory.buffer.byteLength) {
    const room = backend.memory.buffer.byteLength
    throw new DynedgeError('out-of-memory', `The bundle takes ${total} bytes at ${pointer}, the memory has ${room}`)
  }
  const checker = new TensorChecker(backend, pointer, tensors.values())
  let loaded = 0
  onProgress?.({ loaded, total })
  for await (const chunk of chunks) {
    checkSignal(signal)
    if (loaded + chunk.length > total) checkFileSize(dataStart + loaded + chunk.length, dataStart + total)
    // The memory may have grown, and thereby moved, while this function waited.
    const place = new Uint8Array(backend.memory.buffer, pointer, total)
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const piece = chunk.subarray(at, at + PIECE_BYTES)
      place.set(piece, loaded)
      loaded += piece.length
      checker.advance(loaded)
    }
    onProgress?.({ loaded, total })
  }
  checkSignal(signal)
  return loaded
}

/** Follows the loaded bytes, tensor by tensor, at most a piece at a time. */
class TensorChecker {
  private tensor: BundleTensor | undefined
  private checked = 0
  private crc = 0

  constructor(
    private readonly backend: Backend,
    private readonly pointer: number,
    private readonly tensors: Iterator<BundleTensor>,
  ) {
    this.tensor = tensors.next().value
  }

  advance(loaded: number): void {
    while (this.tensor) {
      const end = this.tensor.offset + this.tensor.bytes
      const bytes = Math.min(end, loaded) - this.checked
      // Network chunks of a few bytes wait until they are worth a call.
      if (loaded < end && bytes < PIECE_BYTES) return
      const now = Math.min(bytes, PIECE_BYTES)
      this.crc = this.backend.exports.crc32c(this.pointer + this.checked, now, this.crc)
      this.checked += now
      if (this.checked === end) this.finish(this.tensor)
    }
  }

  private finish(tensor: BundleTensor): void {
    const found = this.crc >>> 0
    if (found !== tensor.crc32c) {
      const sums = `CRC32C ${hex32(found)}, expected ${hex32(tensor.crc32c)}`
      throw new DynedgeError(
        'damaged-bundle',
        `Tensor ${show(tensor.name)} is damaged: ${sums}; fetch the bundle again`,
      )
    }
    this.crc = 0
    this.tensor = this.tensors.next().value
  }
}

async function readHead(chunks: AsyncIterator<Uint8Array>, size?: number) {
  const first = new Uint8Array(LENGTH_BYTES)
  let head: Uint8Array | undefined
  let filled = 0
  while (true) {
    const { done, value } = await chunks.next()
    if (done)
      throw new DynedgeError('truncated-bundle', `The bundle ends early: ${filled} bytes, its header is not complete`)
    let used = 0
    if (!head) {
      used = Math.min(value.length, LENGTH_BYTES - filled)
      first.set(value.subarray(0, used), filled)
      filled += used
      if (filled < LENGTH_BYTES) continue
      const dataStart = dataStartOf(first, 'bad-bundle')
      if (size !== undefined && size < dataStart) checkFileSize(size, dataStart)
      head = new Uint8Array(dataStart)
      head.set(first)
    }
    const more = value.subarray(used, used + head.length - filled)
    head.set(more, filled)
    filled += more.length
    if (filled === head.length) return { head, leftover: value.subarray(used + more.length) }
  }
}

async function* withFirst(first: Uint8Array, chunks: AsyncIterator<Uint8Array>) {
  if (first.length) yield first
  while (true) {
    const { done, value } = await chunks.next()
    if (done) return
    yield value
  }
}

/** Refuses from the header what the data could not keep. */
async function checkPromise({ metadata }: BundleHeader, integrity?: string): Promise<void> {
  if (integrity === undefined) return
  const { promiseFault } = await import('./integrity.ts')
  refuse(promiseFault(integrity, metadata.sha256))
}

function refuse(fault: Fault | undefined): void {
  if (fault) throw new DynedgeError(...fault)
}
