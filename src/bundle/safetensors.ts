import { DynedgeError } from '../errors.ts'
import { type Container, dataStartOf, LENGTH_BYTES, parseContainer, show } from './container.ts'

export interface StateTensor {
  readonly name: string
  /** As safetensors writes it: F32, BF16, I64 ... */
  readonly dtype: string
  readonly shape: readonly number[]
  /** A view of the file, little-endian, not aligned. */
  readonly data: Uint8Array
}

export interface StateDict {
  /** By name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, StateTensor>
  readonly metadata: ReadonlyMap<string, string>
}

/**
 * Reads any safetensors file, without copying its data.
 * @throws DynedgeError `bad-model` for a file that is not safetensors, is cut off or too long
 */
export function readStateDict(file: ArrayBufferLike | ArrayBufferView): StateDict {
  const bytes = ArrayBuffer.isView(file)
    ? new Uint8Array(file.buffer, file.byteOffset, file.byteLength)
    : new Uint8Array(file)
  const { container, dataStart } = readContainer(bytes)
  const end = dataStart + container.dataBytes
  if (bytes.length !== end) {
    const fault = bytes.length < end ? 'is cut off' : 'is too long'
    throw new DynedgeError('bad-model', `The safetensors file ${fault}: got ${bytes.length} bytes, expected ${end}`)
  }
  const tensors = new Map<string, StateTensor>()
  for (const { name, dtype, shape, offset, bytes: size } of container.tensors) {
    tensors.set(name, { name, dtype, shape, data: bytes.subarray(dataStart + offset, dataStart + offset + size) })
  }
  return { tensors, metadata: container.metadata }
}

function readContainer(bytes: Uint8Array): { container: Container; dataStart: number } {
  const dataStart = bytes.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : dataStartOf(bytes, 'bad-model')
  if (bytes.length < dataStart) {
    throw new DynedgeError('bad-model', `The safetensors file is cut off in its header: got ${bytes.length} bytes`)
  }
  return { container: parseContainer(bytes.subarray(LENGTH_BYTES, dataStart), 'bad-model'), dataStart }
}

/** How to read one value, by dtype; one-byte floats are refused. */
const READERS: Record<string, (view: DataView, index: number) => number> = {
  F64: (view, i) => view.getFloat64(i * 8, true),
  F32: (view, i) => view.getFloat32(i * 4, true),
  F16: (view, i) => halfToNumber(view.getUint16(i * 2, true)),
  BF16: (view, i) => brainToNumber(view.getUint16(i * 2, true)),
  I64: (view, i) => Number(view.getBigInt64(i * 8, true)),
  U64: (view, i) => Number(view.getBigUint64(i * 8, true)),
  I32: (view, i) => view.getInt32(i * 4, true),
  U32: (view, i) => view.getUint32(i * 4, true),
  I16: (view, i) => view.getInt16(i * 2, true),
  U16: (view, i) => view.getUint16(i * 2, true),
  I8: (view, i) => view.getInt8(i),
  U8: (view, i) => view.getUint8(i),
  BOOL: (view, i) => view.getUint8(i),
}

/**
 * A tensor's values as float32: a view of the file where it is aligned F32, otherwise a copy. F64 and
 * integers above 2^24 are rounded.
 * @throws DynedgeError `bad-model` for dtypes without a reader
 */
export function toFloat32({ name, dtype, shape, data }: StateTensor): Float32Array {
  const count = shape.reduce((product, dimension) => product * dimension, 1)
  if (dtype === 'F32' && data.byteOffset % 4 === 0) return new Float32Array(data.buffer, data.byteOffset, count)
  const read = READERS[dtype]
  if (!read)
    throw new DynedgeError('bad-model', `Tensor ${show(name)} is ${dtype}, expected one of ${Object.keys(READERS)}`)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) values[i] = read(view, i)
  return values
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction)
}

const word = new DataView(new ArrayBuffer(4))

function brainToNumber(bits: number): number {
  word.setUint32(0, bits << 16)
  return word.getFloat32(0)
}

export interface Float32ToWrite {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/**
 * Writes a float32 state dict; data starts 8-aligned.
 * @throws DynedgeError `usage` for a shape that does not fit its data, or a name used twice
 */
export function writeStateDict(tensors: readonly Float32ToWrite[], metadata: Record<string, string> = {}): Uint8Array {
  const names = new Set(['__metadata__'])
  const entries = [`"__metadata__":${JSON.stringify(metadata)}`]
  let end = 0
  for (const { name, shape, data } of tensors) {
    const count = shape.reduce((product, dimension) => product * dimension, 1)
    if (count !== data.length) {
      throw new DynedgeError('usage', `Tensor ${show(name)} has ${data.length} values, shape [${shape}] takes ${count}`)
    }
    if (names.has(name)) throw new DynedgeError('usage', `Two tensors are named ${show(name)}; names must differ`)
    names.add(name)
    const range = [end, end + data.byteLength]
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype: 'F32', shape, data_offsets: range })}`)
    end = range[1]
  }
  const json = new TextEncoder().encode(`{${entries.join()}}`)
  const dataStart = Math.ceil((LENGTH_BYTES + json.length) / 8) * 8
  const file = new Uint8Array(dataStart + end).fill(0x20, LENGTH_BYTES, dataStart)
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - LENGTH_BYTES), true)
  file.set(json, LENGTH_BYTES)
  let at = dataStart
  for (const { data } of tensors) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}
