import { DETAILS, INSPECT } from '../details.ts'
import { DynedgeError, type ErrorCode } from '../errors.ts'

/** A safetensors file starts with the header's length: 8 bytes, little-endian. */
export const LENGTH_BYTES = 8
/** Ours are a few hundred KB; the bound keeps a lying length from taking memory. */
export const MAX_HEADER_BYTES = 16 << 20

/** Bytes per element. */
export const DTYPE_BYTES: ReadonlyMap<string, number> = new Map(
  ['BOOL U8 I8 F8_E4M3 F8_E5M2', 'U16 I16 F16 BF16', 'U32 I32 F32', 'U64 I64 F64'].flatMap((names, power) =>
    names.split(' ').map((name): [string, number] => [name, 2 ** power]),
  ),
)

export interface ContainerTensor {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** First byte, counted from the start of the data section. */
  readonly offset: number
  readonly bytes: number
}

export interface Container {
  /** In the order of their data, whatever the order in the header. */
  readonly tensors: ContainerTensor[]
  readonly metadata: ReadonlyMap<string, string>
  readonly dataBytes: number
}

/**
 * Where the header ends and data starts, from the first 8 bytes. `code` is what errors carry.
 * @throws DynedgeError for a length no header can have.
 */
export function dataStartOf(first: Uint8Array, code: ErrorCode): number {
  const view = new DataView(first.buffer, first.byteOffset, LENGTH_BYTES)
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  if (length >= 2 && length <= MAX_HEADER_BYTES) return LENGTH_BYTES + length
  const text = String.fromCharCode(...first.subarray(0, LENGTH_BYTES))
  const what = first[0] === 0x3c ? 'This is an HTML page' : `Header length ${length}, expected 2 to ${MAX_HEADER_BYTES}`
  throw new DynedgeError(code, `${what}: not a safetensors file (it starts with ${JSON.stringify(text)})`)
}

/**
 * Parses and checks a safetensors header (the JSON without its length).
 * @throws DynedgeError with `code`, whatever the bytes are.
 */
export function parseContainer(json: Uint8Array, code: ErrorCode): Container {
  const root = parseObject(json, code)
  const metadata = new Map<string, string>()
  const tensors: ContainerTensor[] = []
  for (const [name, value] of Object.entries(root)) {
    if (name !== '__metadata__') tensors.push(checkTensor(name, value, code))
    else if (!isObject(value)) throw new DynedgeError(code, `__metadata__ is ${show(value)}, expected an object`)
    else for (const [key, text] of Object.entries(value)) metadata.set(key, checkString(key, text, code))
  }
  tensors.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)
  let end = 0
  for (const { name, offset, bytes } of tensors) {
    if (offset !== end) {
      const fault = offset < end ? 'overlaps the tensor before it' : 'leaves a hole before it'
      throw new DynedgeError(
        code,
        `Tensor ${show(name)} starts at byte ${offset} of the data, expected ${end}: it ${fault}`,
      )
    }
    end += bytes
  }
  return { tensors, metadata, dataBytes: end }
}

function parseObject(json: Uint8Array, code: ErrorCode): Record<string, unknown> {
  let root: unknown
  try {
    root = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json))
  } catch (cause) {
    throw new DynedgeError(code, 'The safetensors header is not JSON: this is another kind of file, or a damaged one', {
      cause,
    })
  }
  if (!isObject(root)) throw new DynedgeError(code, `The safetensors header is ${show(root)}, expected an object`)
  return root
}

function checkString(key: string, value: unknown, code: ErrorCode): string {
  if (typeof value === 'string') return value
  throw new DynedgeError(code, `Metadata ${show(key)} is ${show(value)}, expected a string`)
}

function checkTensor(name: string, value: unknown, code: ErrorCode): ContainerTensor {
  const refuse = (got: string | false) => new DynedgeError(code, `Tensor ${show(name)}: ${got || INSPECT}`)
  if (!isObject(value)) throw refuse(DETAILS && `its entry is ${show(value)}, expected an object`)
  const { dtype, shape, data_offsets: range } = value
  const size = DTYPE_BYTES.get(dtype as string)
  if (!size) throw refuse(DETAILS && `unknown dtype ${show(dtype)}`)
  if (!areCounts(shape)) throw refuse(DETAILS && 'shape is not a list of whole numbers')
  if (!areCounts(range) || range.length !== 2 || range[1] < range[0])
    throw refuse(DETAILS && 'data_offsets is not [begin, end]')
  const bytes = range[1] - range[0]
  const expected = shape.reduce((product, dimension) => product * dimension, size)
  if (bytes !== expected) throw refuse(DETAILS && `${bytes} bytes, but its ${dtype} shape [${shape}] takes ${expected}`)
  return { name, dtype: dtype as string, shape, offset: range[0], bytes }
}

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 16 && value.every((n) => Number.isSafeInteger(n) && n >= 0)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A hostile value for a message: short, and never by recursion. */
export function show(value: unknown): string {
  if (typeof value === 'object' && value) return Array.isArray(value) ? 'a list' : 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
