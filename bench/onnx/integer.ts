import type { Coefficients, Conv, Graph, Linear, MaxPool, Quantization, Shuffle, Use } from '../../src/graph/graph.ts'
import { roundEven } from '../../src/graph/integer.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import type { FoldedLayer } from '../../src/pack/fold.ts'
import { rowScales } from '../../src/pack/pack.ts'
import { FORMS, GraphWriter } from './write.ts'

/** How the kernels of a dynamic convolution, which exist only when it runs, are multiplied. */
export const INTEGER_FORMS = ['float kernels', 'int8 kernels'] as const
export type IntegerForm = (typeof INTEGER_FORMS)[number]

/**
 * The network as an ONNX model in QDQ form: uint8 activations, int8 weights with a scale per output channel, int32 biases. Activations
 * need no nodes: their bounds are those of the integers. Tensors have the quantizations of `peers`.
 */
export function writeIntegerOnnx(
  graph: Graph,
  state: StateDict,
  peers: ReadonlyMap<string, Quantization>,
  form: IntegerForm,
  size: number,
): Uint8Array {
  return new IntegerWriter(graph, state, peers, form, size).write()
}

/** A tensor `t` is made of `t.integer` wherever it is read; who makes it writes `t.real`. */
class IntegerWriter extends GraphWriter {
  constructor(
    graph: Graph,
    state: StateDict,
    private readonly peers: ReadonlyMap<string, Quantization>,
    private readonly integerForm: IntegerForm,
    size: number,
  ) {
    super(graph, state, 'f32', FORMS['matmul+conv'], size)
  }

  override write(): Uint8Array {
    const { input } = this.graph
    this.quantize(input, `${input}.integer`, input)
    this.dequantize(`${input}.integer`, `${input}.stored`, input)
    return super.write()
  }

  protected override conv(node: Conv): void {
    const { model } = this
    const { name, channels, kernel, stride, padding, groups, output, residual } = node
    const input = this.use(node.input)
    const shape = [channels, node.input.channels / groups, kernel, kernel]
    const [weight, bias] = node.dynamic
      ? this.dynamicWeights(node, shape)
      : this.weights(name, shape, this.folded(node), this.scaleOf(node.input.tensor))
    const pads = [padding, padding, padding, padding]
    const strides = [stride, stride]
    const attributes = { kernel_shape: [kernel, kernel], strides, pads, group: groups }
    const sum = residual ? `${output}.raw` : output
    this.store(model.node('Conv', [input, weight, bias], `${sum}.real`, attributes), sum)
    if (residual) this.store(model.node('Add', [`${sum}.stored`, `${residual}.stored`], `${output}.real`), output)
  }

  /** int8 weights and int32 biases that stand for a layer's. */
  private weights(name: string, shape: number[], folded: FoldedLayer, inputScale: number): [string, string] {
    const { model } = this
    const rows = shape[0]
    const length = folded.weight.length / rows
    const scales = Float32Array.from(rowScales(folded), (scale) => scale || 1)
    const weights = Int8Array.from(folded.weight, (value, i) => roundEven(value / scales[Math.floor(i / length)]))
    const biasScales = scales.map((scale) => scale * inputScale)
    const biases = Int32Array.from(folded.bias, (value, row) =>
      Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, roundEven(value / biasScales[row]))),
    )
    const dequantized = (part: string, integers: string, factors: Float32Array) =>
      model.node(
        'DequantizeLinear',
        [integers, model.floats(`${name}.${part}_scale`, [rows], factors)],
        `${name}.${part}`,
        {
          axis: 0,
        },
      )
    return [
      dequantized('weight', model.integers(`${name}.weight_int8`, shape, weights), scales),
      dequantized('bias', model.integers(`${name}.bias_int32`, [rows], biases), biasScales),
    ]
  }

  private dynamicWeights(node: Conv, shape: number[]): [string, string] {
    const { model } = this
    const { name, channels } = node
    const weight = this.fused(node, this.folded(node), shape)
    const bias = `${name}.fused_bias`
    if (this.integerForm === 'float kernels') return [weight, bias]
    const most = model.node('ReduceMax', [model.node('Abs', [weight], `${name}.sizes`)], `${name}.most`, {
      axes: [1, 2, 3],
      keepdims: 0,
    })
    const steps = model.node('Mul', [most, model.floats('per_step', [], [1 / 127])], `${name}.steps`)
    const scale = model.node('Max', [steps, model.floats('least_scale', [], [1e-12])], `${name}.weight_scale`)
    const zeros = model.integers(`zeros:${channels}`, [channels], new Int8Array(channels))
    const integers = model.node('QuantizeLinear', [weight, scale, zeros], `${name}.weight_int8`, { axis: 0 })
    const inputScale = this.scaleOf(node.input.tensor)
    const biasScale = model.node(
      'Mul',
      [scale, model.floats(`scale:${inputScale}`, [], [inputScale])],
      `${name}.bias_scale`,
    )
    const ratio = model.node(
      'Round',
      [model.node('Div', [bias, biasScale], `${name}.bias_steps`)],
      `${name}.bias_round`,
    )
    const INT32 = 6
    const biases = model.node('Cast', [ratio], `${name}.bias_int32`, { to: INT32 })
    return [
      model.node('DequantizeLinear', [integers, scale, zeros], `${name}.stored_weight`, { axis: 0 }),
      model.node('DequantizeLinear', [biases, biasScale], `${name}.stored_bias`, { axis: 0 }),
    ]
  }

  /** A mean has the quantization of what it is the mean of. */
  protected override globalPool(input: Use, output: string): string {
    const mean = this.model.node('GlobalAveragePool', [this.use(input)], `${output}.real`)
    const integers = this.quantize(mean, `${output}.nchw`, input.tensor)
    return this.dequantize(this.model.node('Flatten', [integers], `${output}.flat`), output, input.tensor)
  }

  protected override linear(node: Linear | Coefficients, input: string, output: string): void {
    const shape = [node.op === 'linear' ? node.channels : node.length, node.input.channels]
    const pool = this.graph.nodes.find((other) => other.output === node.input.tensor)
    const scale = this.scaleOf(pool?.op === 'globalpool' ? pool.input.tensor : node.input.tensor)
    const [weight, bias] = this.weights(node.name, shape, this.folded(node), scale)
    this.model.node('Gemm', [input, weight, bias], output, { transB: 1 })
  }

  protected override maxPool({ input, output, kernel, stride }: MaxPool): void {
    const padding = (kernel - 1) >> 1
    const pads = [padding, padding, padding, padding]
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads }
    this.model.node('MaxPool', [this.integers(input)], `${output}.integer`, attributes)
    this.dequantize(`${output}.integer`, `${output}.stored`, output)
  }

  /** Moves bytes: the parts and the whole have one quantization. */
  protected override shuffle({ left, right, output, groups }: Shuffle): void {
    const { model } = this
    const { height, width, channels } = this.shapes.get(output)!
    const joined = model.node('Concat', [this.integers(left), this.integers(right)], `${output}.joined`, { axis: 1 })
    const grouped = this.reshape(joined, `${output}.grouped`, [1, groups, channels / groups, height, width])
    const woven = model.node('Transpose', [grouped], `${output}.woven`, { perm: [0, 2, 1, 3, 4] })
    this.reshape(woven, `${output}.integer`, [1, channels, height, width])
    this.dequantize(`${output}.integer`, `${output}.stored`, output)
  }

  /** Real numbers again, of a tensor or a range of its channels. */
  protected override use(part: Use): string {
    // Means and logits are made real at once.
    const maker = this.graph.nodes.find(({ output }) => output === part.tensor)
    if (maker && maker.op !== 'conv' && maker.op !== 'shuffle' && maker.op !== 'maxpool') return super.use(part)
    const integers = this.integers(part)
    if (integers === `${part.tensor}.integer`) return `${part.tensor}.stored`
    const name = `${integers}.stored`
    if (!this.views.has(name)) this.views.set(name, this.dequantize(integers, name, part.tensor))
    return name
  }

  private integers(part: Use): string {
    return super.use({ ...part, tensor: `${part.tensor}.integer` })
  }

  private store(real: string, tensor: string): void {
    this.dequantize(this.quantize(real, `${tensor}.integer`, tensor), `${tensor}.stored`, tensor)
  }

  private quantize(from: string, to: string, like: string): string {
    return this.model.node('QuantizeLinear', [from, ...this.stepOf(like)], to)
  }

  private dequantize(from: string, to: string, like: string): string {
    return this.model.node('DequantizeLinear', [from, ...this.stepOf(like)], to)
  }

  private stepOf(tensor: string): string[] {
    const { scale, zero } = this.peers.get(tensor)!
    return [
      this.model.floats(`scale:${scale}`, [], [scale]),
      this.model.integers(`zero:${zero}`, [], Uint8Array.of(zero)),
    ]
  }

  private scaleOf(tensor: string): number {
    return this.peers.get(tensor)!.scale
  }
}
