import protobuf from 'protobufjs/minimal.js'

type Field = [number: number, type: 'int64' | 'int32' | 'string' | 'bytes' | Message]
type Message = Record<string, Field>

// The part of onnx.proto that our models use, with its field numbers. Written out and not compiled by protobufjs, whose compiler makes
// functions of text, which a page's Content-Security-Policy may forbid. Fields are in the order of their numbers.
const Dimension: Message = { dim_value: [1, 'int64'] }
const Shape: Message = { dim: [1, Dimension] }
const TensorType: Message = { elem_type: [1, 'int32'], shape: [2, Shape] }
const ValueInfo: Message = { name: [1, 'string'], type: [2, { tensor_type: [1, TensorType] }] }
const Tensor: Message = { dims: [1, 'int64'], data_type: [2, 'int32'], name: [8, 'string'], raw_data: [9, 'bytes'] }
const Attribute: Message = { name: [1, 'string'], i: [3, 'int64'], ints: [8, 'int64'], type: [20, 'int32'] }
const Node: Message = {
  input: [1, 'string'],
  output: [2, 'string'],
  name: [3, 'string'],
  op_type: [4, 'string'],
  attribute: [5, Attribute],
}
const Graph: Message = {
  node: [1, Node],
  name: [2, 'string'],
  initializer: [5, Tensor],
  input: [11, ValueInfo],
  output: [12, ValueInfo],
}
const OperatorSet: Message = { domain: [1, 'string'], version: [2, 'int64'] }
const Model: Message = {
  ir_version: [1, 'int64'],
  producer_name: [2, 'string'],
  graph: [7, Graph],
  opset_import: [8, OperatorSet],
}

const VARINT = 0
const DELIMITED = 2

/** Fields that are there, in the order of their numbers; several values of one field one after the other, as in proto2. */
function encode(message: Message, values: Record<string, unknown>, to: protobuf.Writer): protobuf.Writer {
  for (const [name, [number, type]] of Object.entries(message)) {
    const value = values[name] ?? []
    for (const each of Array.isArray(value) ? value : [value]) {
      to.uint32((number << 3) | (type === 'int64' || type === 'int32' ? VARINT : DELIMITED))
      if (typeof type === 'object') encode(type, each, to.fork()).ldelim()
      else (to[type] as (value: never) => protobuf.Writer).call(to, each as never)
    }
  }
  return to
}

const FLOAT = 1
const INT64 = 7
/** Types of integer constants by their arrays. */
const INTEGERS = { Uint8Array: 2, Int8Array: 3, Int32Array: 6 }
const ATTRIBUTE = { i: 2, ints: 7 }
const OPSET = 17
const IR_VERSION = 8

export type Attributes = Record<string, number | number[]>

/** Collects nodes and constants of one model; `node` returns the name of its output. */
export class ModelWriter {
  private readonly nodes: object[] = []
  private readonly initializers = new Map<string, object>()

  node(op: string, inputs: string[], output: string, attributes: Attributes = {}): string {
    this.add(op, inputs, [output], attributes)
    return output
  }

  split(input: string, outputs: string[], lengths: number[], axis: number): void {
    this.add('Split', [input, this.ints(lengths)], outputs, { axis })
  }

  floats(name: string, dims: number[], data: ArrayLike<number>): string {
    const values = data instanceof Float32Array ? data : Float32Array.from(data)
    this.initializers.set(name, {
      name,
      dims,
      data_type: FLOAT,
      raw_data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    })
    return name
  }

  integers(name: string, dims: number[], values: Uint8Array | Int8Array | Int32Array): string {
    this.initializers.set(name, {
      name,
      dims,
      data_type: INTEGERS[values.constructor.name as keyof typeof INTEGERS],
      raw_data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    })
    return name
  }

  ints(values: number[]): string {
    const name = `ints:${values}`
    const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    this.initializers.set(name, { name, dims: [values.length], data_type: INT64, raw_data: data })
    return name
  }

  model(name: string, inputs: Record<string, number[]>, outputs: Record<string, number[]>): Uint8Array {
    const values = (shapes: Record<string, number[]>) =>
      Object.entries(shapes).map(([value, dims]) => ({
        name: value,
        type: { tensor_type: { elem_type: FLOAT, shape: { dim: dims.map((dim_value) => ({ dim_value })) } } },
      }))
    const graph = {
      name,
      node: this.nodes,
      initializer: [...this.initializers.values()],
      input: values(inputs),
      output: values(outputs),
    }
    const model = {
      ir_version: IR_VERSION,
      producer_name: 'dynedge bench',
      opset_import: [{ domain: '', version: OPSET }],
      graph,
    }
    return encode(Model, model, protobuf.Writer.create()).finish()
  }

  private add(op_type: string, input: string[], output: string[], attributes: Attributes): void {
    const attribute = Object.entries(attributes).map(([name, value]) => {
      const field = Array.isArray(value) ? 'ints' : 'i'
      return { name, [field]: value, type: ATTRIBUTE[field] }
    })
    this.nodes.push({ op_type, input, output, name: output[0], attribute })
  }
}
