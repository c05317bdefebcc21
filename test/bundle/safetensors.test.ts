import { describe, expect, it } from 'vitest'
import { readStateDict, toFloat32, writeStateDict } from '../../src/bundle/safetensors.ts'
import { DynedgeError } from '../../src/errors.ts'
import { randomFrom, seed } from './support.ts'

/** A safetensors file from any JSON and data. */
function file(header: unknown, data: ArrayBufferView = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + data.byteLength)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8 + json.length)
  return bytes
}

function only(dtype: string, data: ArrayBufferView, count: number): Float32Array {
  const dict = readStateDict(file({ t: { dtype, shape: [count], data_offsets: [0, data.byteLength] } }, data))
  return toFloat32(dict.tensors.get('t')!)
}

describe('a float32 state dict', () => {
  const tensors = [
    { name: 'conv.weight', shape: [2, 3], data: new Float32Array([1, -2, 3.5, 0, 1e-40, Number.POSITIVE_INFINITY]) },
    { name: '__proto__', shape: [], data: new Float32Array([7]) },
    { name: '0', shape: [0, 4], data: new Float32Array(0) },
  ]
  const bytes = writeStateDict(tensors, { format: 'pt', note: 'é' })

  it('comes back with shapes and metadata, without a copy', () => {
    const dict = readStateDict(bytes.buffer as ArrayBuffer)
    expect([...dict.metadata]).toEqual([
      ['format', 'pt'],
      ['note', 'é'],
    ])
    expect(dict.tensors.size).toBe(3)
    for (const { name, shape, data } of tensors) {
      const found = dict.tensors.get(name)!
      expect([found.dtype, found.shape]).toEqual(['F32', shape])
      expect(toFloat32(found)).toEqual(data)
      expect(toFloat32(found).buffer).toBe(bytes.buffer)
    }
  })

  it('is read at any alignment', () => {
    const shifted = new Uint8Array([0, ...bytes]).subarray(1)
    expect(toFloat32(readStateDict(shifted).tensors.get('conv.weight')!)).toEqual(tensors[0].data)
  })

  it('is refused by the writer when shape or names are wrong', () => {
    const data = new Float32Array(5)
    expect(() => writeStateDict([{ name: 'a', shape: [2, 3], data }])).toThrow(/5 values, shape \[2,3\] takes 6/)
    expect(() => writeStateDict([0, 1].map(() => ({ name: 'a', shape: [5], data })))).toThrow(/Two tensors/)
  })
})

describe('other dtypes become float32', () => {
  it.each<[string, ArrayBufferView, number[]]>([
    ['F64', new Float64Array([0.5, -1e300]), [0.5, Number.NEGATIVE_INFINITY]],
    ['I64', new BigInt64Array([3n, -4n]), [3, -4]],
    ['U64', new BigUint64Array([2n ** 40n]), [2 ** 40]],
    ['I32', new Int32Array([-5, 6]), [-5, 6]],
    ['U32', new Uint32Array([2 ** 31]), [2 ** 31]],
    ['I16', new Int16Array([-300]), [-300]],
    ['U16', new Uint16Array([65535]), [65535]],
    ['I8', new Int8Array([-128, 127]), [-128, 127]],
    ['U8', new Uint8Array([255]), [255]],
    ['BOOL', new Uint8Array([0, 1]), [0, 1]],
    ['BF16', new Uint16Array([0x3f80, 0xc020, 0x7f80, 0x0001]), [1, -2.5, Number.POSITIVE_INFINITY, 2 ** -133]],
    [
      'F16',
      new Uint16Array([0x3c00, 0xc100, 0x7bff, 0x0400, 0x0001, 0x83ff]),
      [1, -2.5, 65504, 2 ** -14, 2 ** -24, -1023 * 2 ** -24],
    ],
    ['F16', new Uint16Array([0x7c00, 0xfc00, 0x8000]), [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]],
  ])('%s', (dtype, data, expected) => {
    expect(only(dtype, data, expected.length)).toEqual(new Float32Array(expected))
  })

  it('NaN of the small floats', () => {
    expect([...only('F16', new Uint16Array([0x7e01]), 1), ...only('BF16', new Uint16Array([0x7fc1]), 1)]).toEqual([
      Number.NaN,
      Number.NaN,
    ])
  })

  it('tensors without values, wherever the header lists them', () => {
    const entry = (count: number, begin: number) => ({
      dtype: 'U8',
      shape: [count],
      data_offsets: [begin, begin + count],
    })
    const header = {
      full: entry(2, 0),
      before: entry(0, 0),
      last: entry(1, 2),
      between: entry(0, 2),
      after: entry(0, 3),
    }
    const { tensors } = readStateDict(file(header, new Uint8Array([7, 8, 9])))
    expect([...tensors.keys()]).toEqual(['before', 'full', 'between', 'last', 'after'])
    expect(toFloat32(tensors.get('full')!)).toEqual(new Float32Array([7, 8]))
    expect(toFloat32(tensors.get('between')!)).toHaveLength(0)
  })

  it('but not one-byte floats', () => {
    expect(() => only('F8_E4M3', new Uint8Array(4), 4)).toThrow(/F8_E4M3, expected one of F64/)
  })
})

describe('refusals', () => {
  const entry = (begin: number, end: number) => ({ dtype: 'U8', shape: [end - begin], data_offsets: [begin, end] })
  const data = new Uint8Array(8)
  it.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /cut off in its header/],
    ['a cut header', file({}).subarray(0, 9), /cut off in its header/],
    ['cut data', file({ a: entry(0, 9) }, data), /is cut off: got \d+ bytes, expected \d+/],
    ['more data', file({ a: entry(0, 7) }, data), /is too long/],
    ['data without tensors', file({}, data), /is too long/],
    ['overlapping tensors', file({ a: entry(0, 5), b: entry(3, 8) }, data), /overlaps/],
    ['a hole', file({ a: entry(0, 3), b: entry(4, 8) }, data), /hole/],
    [
      'a shape that lies',
      file({ a: { ...entry(0, 8), shape: [3, 3] } }, data),
      /8 bytes, but its U8 shape \[3,3\] takes 9/,
    ],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }), /Metadata "a" is 1/],
    ['a list', file('[1]'), /a list, expected an object/],
    ['text', file('hello'), /not JSON/],
    ['a pickle', new Uint8Array([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46]), /not a safetensors file/],
  ])('%s', (_, bytes, words) => {
    expect(() => readStateDict(bytes)).toThrow(words)
    expect(() => readStateDict(bytes)).toThrow(expect.objectContaining({ code: 'bad-model' }))
  })

  it('of random damage are DynedgeErrors', () => {
    const random = randomFrom(seed)
    const good = file({ __metadata__: { k: 'v' }, a: entry(0, 3), b: entry(3, 8) }, data)
    let refused = 0
    for (let round = 0; round < 3000; round++) {
      const bytes = good.slice(0, random() < 0.1 ? Math.floor(random() * good.length) : good.length)
      for (let flips = random() * 3; flips > 0 && bytes.length; flips--)
        bytes[Math.floor(random() * bytes.length)] ^= 1 << (random() * 8)
      try {
        for (const tensor of readStateDict(bytes).tensors.values()) toFloat32(tensor)
      } catch (error) {
        expect(error, `seed ${seed} round ${round}`).toBeInstanceOf(DynedgeError)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(500)
  })
})
