import protobuf from 'protobufjs'

// The part of onnx.proto that our models use, with its field numbers.
const SCHEMA = `
syntax = "proto3";
message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated OperatorSet opset_import = 8; }
message OperatorSet { string domain = 1; int64 version = 2; }
message Graph {
  repeated Node node = 1;
  string name = 2;
  repeated Tensor initializer = 5;
  repeated ValueInfo input = 11;
  repeated ValueInfo output = 12;
}
message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5; }
message Attribute { string name = 1; int64 i = 3; repeated int64 ints = 8; int32 type = 20; }
message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message ValueInfo { string name = 1; Type type = 2; }
message Type { TensorType tensor_type = 1; }
message TensorType { int32 elem_type = 1; Shape shape = 2; }
message Shape { repeated Dimension dim = 1; }
message Dimension { int64 dim_value = 1; }
`

const Model = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('Model')

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
    return Model.encode(Model.fromObject(model)).finish()
  }

  private add(op_type: string, input: string[], output: string[], attributes: Attributes): void {
    const attribute = Object.entries(attributes).map(([name, value]) => {
      const field = Array.isArray(value) ? 'ints' : 'i'
      return { name, [field]: value, type: ATTRIBUTE[field] }
    })
    this.nodes.push({ op_type, input, output, name: output[0], attribute })
  }
}
