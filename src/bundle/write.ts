import { createHash } from 'node:crypto'
import { DynedgeError } from '../errors.ts'
import { HOST_TENSOR } from '../host/format.ts'
import { crc32c, hex32 } from './checksum.ts'
import { DTYPE_BYTES, LENGTH_BYTES, MAX_HEADER_BYTES, show } from './container.ts'
import {
  ALIGNMENT,
  BUNDLE_FORMAT,
  type BundleDescription,
  type BundleDtype,
  HEADER_START,
  headerCrc,
  parseHeader,
  WEIGHT_LAYOUT,
} from './header.ts'

export interface TensorToWrite {
  readonly name: string
  readonly dtype: BundleDtype
  readonly data: ArrayBufferView
}

export interface BundleToWrite {
  /** Written in this order; zeros fill each up to a multiple of 64 bytes. */
  readonly tensors: readonly TensorToWrite[]
  readonly metadata: BundleDescription
  /** Bytes of weights without padding, where they are not those of all tensors' data. */
  readonly weightBytes?: number
}

/**
 * Writes a bundle; equal input gives equal bytes.
 * @throws DynedgeError `usage` for tensors that cannot be written, `bad-bundle` for a bad description
 */
export function writeBundle({ tensors, metadata, weightBytes: said }: BundleToWrite): Uint8Array {
  const entries: string[] = []
  const sums: Record<string, string> = Object.create(null)
  const places = placeTensors(tensors)
  const last = places[places.length - 1]
  const data = new Uint8Array(last ? last.offset + last.bytes : 0)
  let weightBytes = 0
  for (const { tensor, offset, bytes } of places) {
    const { name, dtype, data: view } = tensor
    data.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), offset)
    const shape = [bytes / DTYPE_BYTES.get(dtype)!]
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, offset + bytes] })}`)
    sums[name] = hex32(crc32c(data.subarray(offset, offset + bytes)))
    weightBytes += view.byteLength
  }
  const sha256 = createHash('sha256').update(data).digest('hex')
  const { network, precision, graph, input, labels, quantization, provenance, licence } = metadata
  const about = { network, precision, graph, input, labels, quantization, provenance, licence }
  const counted = { crc32c: sums, sha256, dataBytes: data.length, weightBytes: said ?? weightBytes }
  const text = JSON.stringify({ format: BUNDLE_FORMAT, layout: WEIGHT_LAYOUT, ...about, ...counted })
  const host =
    last?.tensor.name === HOST_TENSOR ? [last.offset, last.bytes, Number.parseInt(sums[HOST_TENSOR], 16)] : []
  const head = writeHead(text, entries, host.map(hex32).join(''))
  parseHeader(head, head.length + data.length)
  const file = new Uint8Array(head.length + data.length)
  file.set(head)
  file.set(data, head.length)
  return file
}

function placeTensors(tensors: readonly TensorToWrite[]) {
  const names = new Set<string>(['__metadata__'])
  let end = 0
  return tensors.map((tensor) => {
    const { name, dtype, data } = tensor
    if (names.has(name)) throw new DynedgeError('usage', `Two tensors are named ${show(name)}; names must differ`)
    names.add(name)
    const size = DTYPE_BYTES.get(dtype)
    if (!size || !data.byteLength || data.byteLength % size) {
      throw new DynedgeError('usage', `Tensor ${show(name)} has ${data.byteLength} bytes, which are no ${dtype} values`)
    }
    const offset = end
    const bytes = Math.ceil(data.byteLength / ALIGNMENT) * ALIGNMENT
    end += bytes
    return { tensor, offset, bytes }
  })
}

function writeHead(metadata: string, entries: readonly string[], host: string): Uint8Array {
  // Where a host finds its record without reading JSON.
  const record = host && `"dynedge_host":"${host}",`
  const json = `${HEADER_START}00000000",${record}"dynedge":${JSON.stringify(metadata)}}${entries.map((entry) => `,${entry}`).join('')}}`
  const bytes = new TextEncoder().encode(json)
  const length = Math.ceil((LENGTH_BYTES + bytes.length) / ALIGNMENT) * ALIGNMENT - LENGTH_BYTES
  if (length > MAX_HEADER_BYTES)
    throw new DynedgeError('usage', `The header takes ${length} bytes, at most ${MAX_HEADER_BYTES} are allowed`)
  const head = new Uint8Array(LENGTH_BYTES + length).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true)
  head.set(bytes, LENGTH_BYTES)
  head.set(new TextEncoder().encode(headerCrc(head)), LENGTH_BYTES + HEADER_START.length)
  return head
}
