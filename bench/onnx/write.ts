import { DynedgeError } from '../../src/errors.ts'
import {
  type Coefficients,
  type Conv,
  type Graph,
  inferShapes,
  type Linear,
  type MaxPool,
  type Node,
  type Shape,
  type Shuffle,
  type Use,
} from '../../src/graph/graph.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { type FoldedLayer, foldLayer } from '../../src/pack/fold.ts'
import { rowScales } from '../../src/pack/pack.ts'
import { dynamicConvs } from '../../src/plan/lanes.ts'
import { ModelWriter } from './schema.ts'

/** How the kernel of a dynamic convolution is computed and applied in the graph. */
export interface Form {
  /** `matmul`: batched [C,1,g] x [C,g,K]; `columns`: batched [C,K,g] x [C,g,1]; `sum`: ReduceSum(Mul) over g. */
  kernel: 'matmul' | 'columns' | 'sum'
  /** 1x1 layers: `conv` with a computed weight, or `matmul` of that weight with the [Cin, H W] picture. */
  pointwise: 'conv' | 'matmul'
}

export const FORMS: Record<string, Form> = {
  'matmul+conv': { kernel: 'matmul', pointwise: 'conv' },
  'columns+conv': { kernel: 'columns', pointwise: 'conv' },
  'sum+conv': { kernel: 'sum', pointwise: 'conv' },
  'matmul+matmul': { kernel: 'matmul', pointwise: 'matmul' },
  'sum+matmul': { kernel: 'sum', pointwise: 'matmul' },
}

/**
 * The network as an ONNX model, NCHW, batch 1, shapes fixed, BN folded. With `w8` the weights are the int8 ones multiplied out to
 * float32 beforehand, so that a peer computes the same numbers at its full f32 speed.
 */
export function writeOnnx(
  graph: Graph,
  state: StateDict,
  precision: 'f32' | 'w8',
  form: Form,
  size: number,
): Uint8Array {
  return new GraphWriter(graph, state, precision, form, size).write()
}

export class GraphWriter {
  protected readonly model = new ModelWriter()
  protected readonly shapes: Map<string, Shape>
  protected readonly views = new Map<string, string>()

  constructor(
    protected readonly graph: Graph,
    protected readonly state: StateDict,
    private readonly precision: 'f32' | 'w8',
    protected readonly form: Form,
    private readonly size: number,
  ) {
    this.shapes = inferShapes(graph, size, size)
  }

  write(): Uint8Array {
    const { graph, size } = this
    for (const node of graph.nodes) this.node(node)
    const outputs = Object.fromEntries(Object.values(graph.outputs).map((tensor) => [tensor, this.dims(tensor)]))
    return this.model.model(graph.network, { [graph.input]: [1, 3, size, size] }, outputs)
  }

  private node(node: Node): void {
    if (node.op === 'conv') this.conv(node)
    else if (node.op === 'coefficients') this.coefficients(node)
    else if (node.op === 'linear') this.linear(node, this.use(node.input), node.output)
    else if (node.op === 'globalpool') this.globalPool(node.input, node.output)
    else if (node.op === 'softmax') this.model.node('Softmax', [this.use(node.input)], node.output, { axis: 1 })
    else if (node.op === 'maxpool') this.maxPool(node)
    else if (node.op === 'shuffle') this.shuffle(node)
    else throw new DynedgeError('bad-input', `${node.name} converts between precisions; a peer gets the float32 graph.`)
  }

  protected globalPool(input: Use, output: string): string {
    return this.model.node(
      'Flatten',
      [this.model.node('GlobalAveragePool', [this.use(input)], `${output}.nchw`)],
      output,
    )
  }

  protected maxPool({ input, output, kernel, stride }: MaxPool): void {
    const padding = (kernel - 1) >> 1
    const pads = [padding, padding, padding, padding]
    this.model.node('MaxPool', [this.use(input)], output, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads,
    })
  }

  protected shuffle(node: Shuffle): void {
    const { model } = this
    const { output } = node
    const { height, width, channels } = this.shapes.get(output)!
    const joined = model.node('Concat', [this.use(node.left), this.use(node.right)], `${output}.joined`, { axis: 1 })
    const grouped = this.reshape(joined, `${output}.grouped`, [1, node.groups, channels / node.groups, height, width])
    const woven = model.node('Transpose', [grouped], `${output}.woven`, { perm: [0, 2, 1, 3, 4] })
    this.reshape(woven, output, [1, channels, height, width])
  }

  protected conv(node: Conv): void {
    const { model, form } = this
    const { name, channels, kernel, stride, padding, groups, output, dynamic } = node
    const { height, width } = this.shapes.get(output)!
    const cin = node.input.channels / groups
    const folded = this.folded(node)
    const input = this.use(node.input)
    const raw = node.residual || node.activation !== 'none' ? `${output}.raw` : output
    if (dynamic && form.pointwise === 'matmul' && kernel === 1 && stride === 1 && groups === 1) {
      const weight = this.fused(node, folded, [channels, cin])
      const pixels = this.reshape(input, `${name}.pixels`, [cin, height * width])
      const product = model.node('MatMul', [weight, pixels], `${name}.product`)
      const bias = this.reshape(`${name}.fused_bias`, `${name}.bias_column`, [channels, 1])
      this.reshape(model.node('Add', [product, bias], `${name}.biased`), raw, [1, channels, height, width])
    } else {
      const shape = [channels, cin, kernel, kernel]
      const weight = dynamic ? this.fused(node, folded, shape) : model.floats(`${name}.weight`, shape, folded.weight)
      const bias = dynamic ? `${name}.fused_bias` : model.floats(`${name}.bias`, [channels], folded.bias)
      const pads = [padding, padding, padding, padding]
      model.node('Conv', [input, weight, bias], raw, {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads,
        group: groups,
      })
    }
    let last = raw
    if (node.residual)
      last = model.node('Add', [raw, node.residual], node.activation === 'none' ? output : `${output}.sum`)
    if (node.activation === 'relu') model.node('Relu', [last], output)
    if (node.activation === 'relu6')
      model.node('Clip', [last, model.floats('zero', [], [0]), model.floats('six', [], [6])], output)
  }

  /** sum_i eta_i w_i in the form asked for; rows of the fixed kernels are [channel][kernel]. */
  protected fused(node: Conv, { weight }: FoldedLayer, shape: number[]): string {
    const { model, form } = this
    const { name, channels } = node
    const kernels = node.dynamic!.kernels
    const length = weight.length / channels / kernels
    if (form.kernel === 'columns') {
      const columns = model.floats(
        `${name}.kernels`,
        [channels, length, kernels],
        transposed(weight, channels, kernels, length),
      )
      const column = this.reshape(`${name}.eta`, `${name}.eta_column`, [channels, kernels, 1])
      return this.reshape(model.node('MatMul', [columns, column], `${name}.sum_kernel`), `${name}.weight`, shape)
    }
    const fixed = model.floats(`${name}.kernels`, [channels, kernels, length], weight)
    if (form.kernel === 'matmul')
      return this.reshape(model.node('MatMul', [`${name}.eta`, fixed], `${name}.sum_kernel`), `${name}.weight`, shape)
    const column = this.reshape(`${name}.eta`, `${name}.eta_column`, [channels, kernels, 1])
    const scaled = model.node('Mul', [fixed, column], `${name}.scaled`)
    return this.reshape(
      model.node('ReduceSum', [scaled, model.ints([1])], `${name}.sum_kernel`, { keepdims: 0 }),
      `${name}.weight`,
      shape,
    )
  }

  /** sigmoid(FC(pool)), cut into each convolution's [C,1,g]; the biases of all of a block's convolutions are fused together. */
  protected coefficients(node: Coefficients): void {
    const { model } = this
    const { output } = node
    const pooled = this.globalPool(node.input, `${output}.pooled`)
    this.linear(node, pooled, `${output}.linear`)
    model.node('Sigmoid', [`${output}.linear`], output)
    const convs = dynamicConvs(this.graph, output)
    const kernels = convs[0].dynamic!.kernels
    const channels = convs.map((conv) => conv.channels)
    const rows = node.length / kernels
    const eta = this.reshape(output, `${output}.eta`, [rows, 1, kernels])
    model.split(
      eta,
      convs.map((conv) => `${conv.name}.eta`),
      channels,
      0,
    )
    const folded = convs.map((conv) => this.folded(conv))
    const biases = model.floats(
      `${output}.biases`,
      [rows, 1, kernels],
      folded.flatMap((layer) => [...layer.bias]),
    )
    const constants = model.floats(
      `${output}.constants`,
      [rows],
      folded.flatMap((layer) => [...layer.constant]),
    )
    const sums = model.node(
      'ReduceSum',
      [model.node('Mul', [eta, biases], `${output}.scaled_biases`), model.ints([1, 2])],
      `${output}.sum_biases`,
      { keepdims: 0 },
    )
    model.split(
      model.node('Add', [sums, constants], `${output}.fused_biases`),
      convs.map((conv) => `${conv.name}.fused_bias`),
      channels,
      0,
    )
  }

  protected linear(node: Linear | Coefficients, input: string, output: string): void {
    const { weight, bias, rows } = this.folded(node)
    const inputs = [
      input,
      this.model.floats(`${node.name}.weight`, [rows, node.input.channels], weight),
      this.model.floats(`${node.name}.bias`, [rows], bias),
    ]
    this.model.node('Gemm', inputs, output, { transB: 1 })
  }

  /** A layer's weights as this precision has them. */
  protected folded(node: Conv | Linear | Coefficients): FoldedLayer {
    const folded = foldLayer(node, this.state)
    if (this.precision === 'f32') return folded
    const scales = rowScales(folded)
    const length = folded.weight.length / folded.rows
    const weight = folded.weight.map((value, index) => {
      const scale = scales[Math.floor(index / length)]
      return scale ? Math.round(value / scale) * scale : 0
    })
    return { ...folded, weight }
  }

  /** Name of a tensor or of a range of its channels. */
  protected use({ tensor, from, channels }: Use): string {
    if (from === undefined) return tensor
    const view = `${tensor}[${from}:${from + channels}]`
    if (!this.views.has(view)) {
      const { model } = this
      const range = [model.ints([from]), model.ints([from + channels]), model.ints([1])]
      this.views.set(view, model.node('Slice', [tensor, ...range], view))
    }
    return view
  }

  protected reshape(input: string, output: string, dims: number[]): string {
    return this.model.node('Reshape', [input, this.model.ints(dims)], output)
  }

  private dims(tensor: string): number[] {
    const { height, width, channels } = this.shapes.get(tensor)!
    return height * width === 1 ? [1, channels] : [1, channels, height, width]
  }
}

/** [batch][rows][columns] to [batch][columns][rows]. */
function transposed(data: Float64Array, batch: number, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length)
  for (let b = 0, from = 0; b < batch; ++b)
    for (let row = 0; row < rows; ++row)
      for (let column = 0; column < columns; ++column) result[(b * columns + column) * rows + row] = data[from++]
  return result
}
