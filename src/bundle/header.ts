import { DETAILS, INSPECT } from '../details.ts'
import { DynedgeError } from '../errors.ts'
import type { Precision } from '../interface.ts'
import { crc32c, hex32 } from './checksum.ts'
import { type ContainerTensor, dataStartOf, isObject, LENGTH_BYTES, parseContainer, show } from './container.ts'

/** Version of the container: what the keys below mean. */
export const BUNDLE_FORMAT = 1
/** Version of the weights' order in memory: docs/layouts.md. */
export const WEIGHT_LAYOUT = 1
/** Data and every tensor in it start at multiples of this, in bytes. */
export const ALIGNMENT = 64

/** What every bundle starts with, after the length; eight hex digits and a quote follow. */
export const HEADER_START = '{"__metadata__":{"dynedge_crc32c":"'

export type BundleDtype = 'F32' | 'I32' | 'I16' | 'I8' | 'U8'
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

const BUNDLE_DTYPES = ['F32', 'I32', 'I16', 'I8', 'U8']
const PRECISIONS = ['f32', 'w8', 'int8']

/** What the packer says about a network. */
export interface BundleDescription {
  readonly network: string
  readonly precision: Precision
  readonly graph: Json
  readonly input: JsonObject
  readonly labels: readonly string[] | null
  readonly quantization: JsonObject | null
  readonly provenance: JsonObject
  readonly licence: string | null
}

/** The JSON under the metadata key `dynedge`. */
export interface BundleMetadata extends BundleDescription {
  readonly format: number
  readonly layout: number
  /** Tensor name -> CRC32C of its bytes with padding, 8 hex digits. */
  readonly crc32c: Readonly<Record<string, string>>
  /** Of the data section, hex. */
  readonly sha256: string
  readonly dataBytes: number
  /** Without padding. */
  readonly weightBytes: number
}

export interface BundleTensor extends ContainerTensor {
  readonly dtype: BundleDtype
  readonly crc32c: number
}

export interface BundleHeader {
  readonly metadata: BundleMetadata
  /** By name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, BundleTensor>
  /** Offset of the data section in the file. */
  readonly dataStart: number
  readonly dataBytes: number
}

/**
 * Parses and checks all that a bundle says about itself, before any memory is taken for it.
 * @param head the file up to its data: length and JSON
 * @param fileBytes size of the file, where it is known
 * @throws DynedgeError, whatever the bytes are
 */
export function parseHeader(head: Uint8Array, fileBytes?: number): BundleHeader {
  const dataStart = dataStartOf(head, 'bad-bundle')
  ASSERT: if (dataStart !== head.length) throw bad(`header ends at byte ${dataStart}, got ${head.length} bytes`)
  checkHeaderCrc(head)
  const container = parseContainer(head.subarray(LENGTH_BYTES), 'bad-bundle')
  const metadata = parseMetadata(container.metadata.get('dynedge'))
  const tensors = new Map(container.tensors.map((tensor) => [tensor.name, checkTensor(tensor, metadata)]))
  const { dataBytes } = container
  if (dataStart % ALIGNMENT)
    throw bad(DETAILS && `data starts at byte ${dataStart}, which is not a multiple of ${ALIGNMENT}`)
  if (metadata.dataBytes !== dataBytes)
    throw bad(DETAILS && `metadata says ${metadata.dataBytes} bytes of data, tensors take ${dataBytes}`)
  if (dataBytes > 0xffffffff) throw bad(DETAILS && `${dataBytes} bytes of weights do not fit a 32-bit memory`)
  if (fileBytes !== undefined) checkFileSize(fileBytes, dataStart + dataBytes)
  return { metadata, tensors, dataStart, dataBytes }
}

/** @throws DynedgeError `truncated-bundle` or `oversized-bundle` */
export function checkFileSize(got: number, expected: number): void {
  const difference = Math.abs(got - expected)
  if (got < expected)
    throw new DynedgeError(
      'truncated-bundle',
      `The bundle ends early: got ${got} bytes, expected ${expected} (${difference} missing)`,
    )
  if (got > expected)
    throw new DynedgeError(
      'oversized-bundle',
      `The bundle is too long: got ${got} bytes, expected ${expected} (${difference} extra)`,
    )
}

function checkHeaderCrc(head: Uint8Array): void {
  const digits = LENGTH_BYTES + HEADER_START.length
  if (head.length < digits + 8 || latin1(head.subarray(LENGTH_BYTES, digits)) !== HEADER_START) {
    throw bad('no dynedge metadata at its start; to make a bundle of a plain safetensors file: npx dynedge pack')
  }
  const expected = latin1(head.subarray(digits, digits + 8))
  const found = headerCrc(head)
  if (found !== expected) {
    throw new DynedgeError(
      'damaged-bundle',
      `The bundle's header is damaged: CRC32C ${found}, expected ${show(expected)}; fetch it again`,
    )
  }
}

/** CRC32C of length and JSON, its own eight digits taken as zeros. */
export function headerCrc(head: Uint8Array): string {
  const digits = LENGTH_BYTES + HEADER_START.length
  const before = crc32c(head.subarray(0, digits))
  return hex32(crc32c(head.subarray(digits + 8), crc32c(new Uint8Array(8).fill(0x30), before)))
}

function parseMetadata(text: string | undefined): BundleMetadata {
  let found: unknown
  try {
    found = JSON.parse(text!)
  } catch (cause) {
    throw bad(DETAILS && 'its metadata is not JSON', cause)
  }
  if (!isObject(found)) throw bad(DETAILS && `its metadata is ${show(found)}, expected an object`)
  const { format, layout } = found
  if (format !== BUNDLE_FORMAT) throw unsupported('version', 'format', format, BUNDLE_FORMAT)
  if (layout !== WEIGHT_LAYOUT) throw unsupported('layout', 'weight layout', layout, WEIGHT_LAYOUT)
  const isText = (value: unknown) => typeof value === 'string'
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
  const orNull = (check: (value: unknown) => boolean) => (value: unknown) => value === null || check(value)
  const checks: Record<string, (value: unknown) => boolean> = {
    network: isText,
    precision: (value) => PRECISIONS.includes(value as string),
    graph: (value) => value !== undefined,
    input: isObject,
    labels: orNull((value) => Array.isArray(value) && value.every(isText)),
    quantization: orNull(isObject),
    provenance: isObject,
    licence: orNull(isText),
    crc32c: isObject,
    sha256: (value) => isText(value) && /^[0-9a-f]{64}$/.test(value as string),
    dataBytes: isCount,
    weightBytes: isCount,
  }
  for (const key in checks) {
    if (!checks[key](found[key])) throw bad(DETAILS && `its metadata has ${show(found[key])} as ${key}`)
  }
  return found as unknown as BundleMetadata
}

function checkTensor(tensor: ContainerTensor, metadata: BundleMetadata): BundleTensor {
  const { name, dtype, bytes } = tensor
  if (!BUNDLE_DTYPES.includes(dtype))
    throw bad(DETAILS && `tensor ${show(name)} is ${dtype}, expected ${BUNDLE_DTYPES}`)
  if (!bytes || bytes % ALIGNMENT)
    throw bad(DETAILS && `tensor ${show(name)} has ${bytes} bytes, expected a multiple of ${ALIGNMENT}`)
  const crc: unknown = metadata.crc32c[name]
  if (typeof crc !== 'string' || !/^[0-9a-f]{8}$/.test(crc))
    throw bad(DETAILS && `tensor ${show(name)} has ${show(crc)} as CRC32C`)
  return { ...tensor, dtype: dtype as BundleDtype, crc32c: Number.parseInt(crc, 16) }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

function bad(what: string | false, cause?: unknown): DynedgeError {
  return new DynedgeError('bad-bundle', `Not a valid bundle: ${what || INSPECT}`, { cause })
}

function unsupported(code: 'version' | 'layout', what: string, found: unknown, expected: number): DynedgeError {
  const remedy = `pack it again or install the dynedge that wrote it`
  return new DynedgeError(
    `unsupported-${code}`,
    `The bundle has ${what} ${show(found)}, this dynedge reads ${expected}: ${remedy}`,
  )
}
