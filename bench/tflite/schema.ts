import { Builder } from 'flatbuffers'

// The part of LiteRT's schema.fbs that our models use: a table is its fields in order, `undefined` where the default will do.

type Field = { int8: number } | { int32: number } | { float32: number } | { at: number } | undefined

const FLOAT32 = 0
const INT32 = 2
const INT8 = 9
const SCHEMA_VERSION = 3

/** Operators by their codes, with the version that has all that is used of them, and the number of their options' table in the union. */
const OPERATORS = {
  ADD: { code: 0, version: 2, options: 11 },
  CONCATENATION: { code: 2, version: 2, options: 10 },
  CONV_2D: { code: 3, version: 3, options: 1 },
  DEPTHWISE_CONV_2D: { code: 4, version: 3, options: 2 },
  DEQUANTIZE: { code: 6, version: 2, options: 0 },
  FULLY_CONNECTED: { code: 9, version: 4, options: 8 },
  LOGISTIC: { code: 14, version: 1, options: 0 },
  MAX_POOL_2D: { code: 17, version: 2, options: 5 },
  MUL: { code: 18, version: 1, options: 21 },
  RESHAPE: { code: 22, version: 1, options: 0 },
  SOFTMAX: { code: 25, version: 2, options: 9 },
  TRANSPOSE: { code: 39, version: 5, options: 0 },
  MEAN: { code: 40, version: 2, options: 27 },
  SLICE: { code: 65, version: 2, options: 0 },
  SUM: { code: 74, version: 1, options: 27 },
  QUANTIZE: { code: 114, version: 1, options: 0 },
  BATCH_MATMUL: { code: 126, version: 1, options: 101 },
} as const
export type Operator = keyof typeof OPERATORS

/** Real numbers that integers stand for: scale * (q - zero), along `axis` of the shape where there are several scales. */
export interface Steps {
  scales: readonly number[]
  zero: number
  axis?: number
}

export const int8 = (value: number): Field => ({ int8: value })
export const int32 = (value: number): Field => ({ int32: value })
export const float32 = (value: number): Field => ({ float32: value })

/** Collects tensors and operators of one model; tensors go by their number. */
export class FlatModel {
  private readonly builder = new Builder(1 << 20)
  private readonly tensors: number[] = []
  // The first buffer is empty by convention.
  private readonly buffers: number[] = [this.table([])]
  private readonly operators: number[] = []
  private readonly codes: Operator[] = []

  /** A tensor that an operator makes, of int8 where it has steps. */
  tensor(name: string, shape: readonly number[], steps?: Steps): number {
    return this.addTensor(name, shape, steps ? INT8 : FLOAT32, 0, steps)
  }

  constant(name: string, shape: readonly number[], data: Float32Array | Int32Array | Int8Array, steps?: Steps): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const ALIGNMENT = 16
    this.builder.prep(ALIGNMENT, bytes.length)
    const buffer = this.buffers.push(this.table([at(this.builder.createByteVector(bytes))])) - 1
    const type = data instanceof Float32Array ? FLOAT32 : data instanceof Int32Array ? INT32 : INT8
    return this.addTensor(name, shape, type, buffer, steps)
  }

  operator(name: Operator, inputs: readonly number[], output: number, options: Field[] = []): void {
    if (!this.codes.includes(name)) this.codes.push(name)
    const union = OPERATORS[name].options
    const fields = [
      int32(this.codes.indexOf(name)),
      at(this.ints(inputs)),
      at(this.ints([output])),
      ...(union ? [int8(union), at(this.table(options))] : []),
    ]
    this.operators.push(this.table(fields))
  }

  finish(inputs: readonly number[], outputs: readonly number[]): Uint8Array {
    const { builder } = this
    const codes = this.codes.map((name) => {
      const { code, version } = OPERATORS[name]
      return this.table([int8(code), undefined, int32(version), int32(code)])
    })
    const graph = this.table([
      at(this.offsets(this.tensors)),
      at(this.ints(inputs)),
      at(this.ints(outputs)),
      at(this.offsets(this.operators)),
    ])
    const model = this.table([
      int32(SCHEMA_VERSION),
      at(this.offsets(codes)),
      at(this.offsets([graph])),
      at(builder.createString('dynedge bench')),
      at(this.offsets(this.buffers)),
    ])
    builder.finish(model, 'TFL3')
    return builder.asUint8Array()
  }

  private addTensor(name: string, shape: readonly number[], type: number, buffer: number, steps?: Steps): number {
    const dims = this.ints(shape)
    const label = this.builder.createString(name)
    const quantization = steps && this.steps(steps)
    const fields = [
      at(dims),
      int8(type),
      int32(buffer),
      at(label),
      quantization === undefined ? undefined : at(quantization),
    ]
    return this.tensors.push(this.table(fields)) - 1
  }

  private steps({ scales, zero, axis }: Steps): number {
    const { builder } = this
    builder.startVector(4, scales.length, 4)
    for (const scale of [...scales].reverse()) builder.addFloat32(scale)
    const scale = builder.endVector()
    builder.startVector(8, scales.length, 8)
    for (const _ of scales) builder.addInt64(BigInt(zero))
    const zeros = builder.endVector()
    return this.table([undefined, undefined, at(scale), at(zeros), undefined, undefined, int32(axis ?? 0)])
  }

  private ints(values: readonly number[]): number {
    this.builder.startVector(4, values.length, 4)
    for (const value of [...values].reverse()) this.builder.addInt32(value)
    return this.builder.endVector()
  }

  private offsets(values: readonly number[]): number {
    this.builder.startVector(4, values.length, 4)
    for (const value of [...values].reverse()) this.builder.addOffset(value)
    return this.builder.endVector()
  }

  private table(fields: readonly Field[]): number {
    const { builder } = this
    builder.startObject(fields.length)
    fields.forEach((field, slot) => {
      if (!field) return
      if ('int8' in field) builder.addFieldInt8(slot, field.int8, 0)
      else if ('int32' in field) builder.addFieldInt32(slot, field.int32, 0)
      else if ('float32' in field) builder.addFieldFloat32(slot, field.float32, 0)
      else builder.addFieldOffset(slot, field.at, 0)
    })
    return builder.endObject()
  }
}

const at = (offset: number): Field => ({ at: offset })
