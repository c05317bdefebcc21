import type { Coefficients, Conv, Graph, Node, Quantization } from '../../src/graph/graph.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { foldLayer } from '../../src/pack/fold.ts'
import { ACTIVATIONS, filterShape, GraphWriter, isDepthwise, windowsOf } from './fixed.ts'
import { int8, int32 } from './schema.ts'

/** How a dynamic convolution is written. */
export interface TfliteForm {
  /** A fused kernel: `sum` of MUL over the fixed kernels, or BATCH_MATMUL [C,1,g] x [C,g,K]. */
  kernel: 'matmul' | 'sum'
  /** A 1x1 layer: FULLY_CONNECTED (`fc`), BATCH_MATMUL (`matmul`) or CONV_2D with a kernel that is no constant, or `maps`. */
  pointwise: 'fc' | 'matmul' | 'conv' | 'maps'
  /**
   * A grouped 3x3 layer: CONV_2D with groups; DEPTHWISE_CONV_2D with a multiplier, its parts added up by a product with ones; or `maps`:
   * a convolution with every fixed kernel, whose results are weighted and added up, as DyNet is trained.
   */
  grouped: 'conv' | 'depthwise' | 'maps'
}

/** By name; the first is the fastest where it was measured: bench/RESULTS.md. */
export const TFLITE_FORMS: Record<string, TfliteForm> = {
  'matmul+matmul, maps': { kernel: 'matmul', pointwise: 'matmul', grouped: 'maps' },
  'matmul+matmul, depthwise': { kernel: 'matmul', pointwise: 'matmul', grouped: 'depthwise' },
  'matmul+matmul, conv': { kernel: 'matmul', pointwise: 'matmul', grouped: 'conv' },
  'matmul+fc, maps': { kernel: 'matmul', pointwise: 'fc', grouped: 'maps' },
  'matmul+conv, maps': { kernel: 'matmul', pointwise: 'conv', grouped: 'maps' },
  'sum+matmul, maps': { kernel: 'sum', pointwise: 'matmul', grouped: 'maps' },
  'maps, maps': { kernel: 'matmul', pointwise: 'maps', grouped: 'maps' },
}

/**
 * The network as a LiteRT model, NHWC, batch 1, shapes fixed, BN folded. With `peers`, the quantizations of its tensors, it computes on
 * int8: int8 weights with a scale per output channel, int32 biases; picture and logits stay float32. Dynamic convolutions stay float32
 * even so: LiteRT's int8 convolutions want the scales of their kernels beforehand.
 *
 * LiteRT pads a window of stride 2 on the other side than PyTorch. So the picture goes in turned by 180 degrees and windows are turned
 * too: the same sums without a padding pass. `turned` makes the input.
 * @throws DynedgeError `bad-input` for a size at which a layer of stride 2 sees an odd side
 */
export function writeTflite(
  graph: Graph,
  state: StateDict,
  size: number,
  form: TfliteForm,
  peers?: ReadonlyMap<string, Quantization>,
): Uint8Array {
  return new DynamicWriter(graph, state, size, form, peers).write()
}

/** Fused kernels: sum_i eta_i w_i by a batched product, applied by what takes weights that are no constants. */
class DynamicWriter extends GraphWriter {
  private readonly real = new Map<number, number>()

  constructor(
    graph: Graph,
    state: StateDict,
    size: number,
    private readonly form: TfliteForm,
    peers?: ReadonlyMap<string, Quantization>,
  ) {
    super(graph, state, size, peers)
  }

  protected override node(node: Node): void {
    if (node.op === 'coefficients') this.coefficients(node)
    else if (node.op === 'conv' && node.dynamic) this.dynamic(node)
    else super.node(node)
  }

  /** sigmoid(FC(pool)), [1, length]; float32. */
  private coefficients(node: Coefficients): void {
    const { model } = this
    const { name, input, output, length } = node
    const pooled = model.tensor(`${name}.pooled`, [1, input.channels], this.stepsOf(input.tensor))
    const axes = model.constant(`${name}.axes`, [2], Int32Array.of(1, 2))
    model.operator('MEAN', [this.use(input), axes], pooled, [int8(0)])
    const { weight, bias } = foldLayer(node, this.state)
    const weights = model.constant(`${name}.weight`, [length, input.channels], Float32Array.from(weight))
    const biases = model.constant(`${name}.bias`, [length], Float32Array.from(bias))
    const sums = model.tensor(`${name}.sums`, [1, length])
    const vector = this.realOf(pooled, [1, input.channels])
    model.operator('FULLY_CONNECTED', [vector, weights, biases], sums, [int8(ACTIVATIONS.none)])
    model.operator('LOGISTIC', [sums], this.makeFloat(output))
  }

  private dynamic(node: Conv): void {
    const { model } = this
    const { input, output, channels, activation, residual } = node
    this.checkStride(node)
    const { height, width } = this.shapes.get(output)!
    const shape = [1, height, width, channels]
    const picture = this.realOf(this.use(input), this.pictureOf(input.tensor, input.channels))
    const { bias: biases, constant, weight } = foldLayer(node, this.state)
    const bias = this.fusedBias(node, biases, constant)
    const raw = this.applied(node, picture, Float32Array.from(weight), shape)
    const stored = this.peers?.has(output)
    const last = stored ? model.tensor(`${output}.real`, shape) : this.makeFloat(output)
    const biased = residual ? model.tensor(`${output}.biased`, shape) : last
    model.operator('ADD', [raw, bias], biased, [int8(ACTIVATIONS[residual ? 'none' : activation])])
    if (residual) {
      const other = this.realOf(this.made.get(residual)!, shape)
      model.operator('ADD', [biased, other], last, [int8(ACTIVATIONS[activation])])
    }
    if (stored) model.operator('QUANTIZE', [last], this.make(output))
  }

  /** The convolution without its bias, of `shape`. */
  private applied(node: Conv, picture: number, weight: Float32Array, shape: number[]): number {
    const { model, form } = this
    const { name, output, channels, kernel, stride, groups, input } = node
    const raw = model.tensor(`${output}.product`, shape)
    const grouped = groups > 1 && !isDepthwise(node)
    if ((grouped ? form.grouped : kernel === 1 && form.pointwise) === 'maps') {
      this.maps(node, picture, weight, raw, shape)
      return raw
    }
    if (grouped && form.grouped === 'depthwise') {
      this.multiplied(node, picture, weight, raw, shape)
      return raw
    }
    const filter = this.filter(node, weight)
    if (kernel > 1 || stride > 1 || groups > 1 || form.pointwise === 'conv') {
      const zeros = model.constant(`${name}.zeros`, [channels], new Float32Array(channels))
      this.window(node, [picture, filter, zeros], raw, 'none')
      return raw
    }
    const pixels = shape[1] * shape[2]
    const rows = this.reshaped(picture, `${name}.rows`, [pixels, input.channels])
    const product = model.tensor(`${name}.row_sums`, [pixels, channels])
    if (form.pointwise === 'fc')
      model.operator('FULLY_CONNECTED', [rows, filter, -1], product, [int8(ACTIVATIONS.none)])
    else model.operator('BATCH_MATMUL', [rows, filter], product, [int8(0), int8(1)])
    this.reshape(product, raw, shape)
    return raw
  }

  /** sum_i eta_i w_i with rows [channel][tap][member], in the shape that the operator wants. */
  private filter(node: Conv, weight: Float32Array): number {
    const { model } = this
    const { name, channels, kernel, groups, input } = node
    const { kernels } = node.dynamic!
    const cin = input.channels / groups
    const length = cin * kernel * kernel
    const fixed = windowsOf(weight, channels * kernels, cin, kernel, false)
    const product = this.sumOfKernels(node, fixed, [channels, length])
    const plain = kernel === 1 && node.stride === 1 && groups === 1 && this.form.pointwise !== 'conv'
    if (!isDepthwise(node))
      return this.reshaped(product, `${name}.filter`, plain ? [channels, length] : filterShape(node))
    const flat = this.reshaped(product, `${name}.flat`, [channels, length])
    const turnedAround = model.tensor(`${name}.taps`, [length, channels])
    model.operator('TRANSPOSE', [flat, model.constant(`${name}.order`, [2], Int32Array.of(1, 0))], turnedAround)
    return this.reshaped(turnedAround, `${name}.filter`, filterShape(node))
  }

  /** Fixed kernels [rows][kernel][length] times [rows] coefficients. */
  private sumOfKernels(node: Conv, fixed: Float32Array, [rows, length]: [number, number]): number {
    const { model } = this
    const { name } = node
    const { kernels } = node.dynamic!
    if (this.form.kernel === 'matmul') {
      const eta = this.eta(node, [rows, 1, kernels])
      const product = model.tensor(`${name}.kernel`, [rows, 1, length])
      const weights = model.constant(`${name}.kernels`, [rows, kernels, length], fixed)
      model.operator('BATCH_MATMUL', [eta, weights], product, [int8(0), int8(0)])
      return product
    }
    const last = Float32Array.from(fixed, (_, i) => {
      const [row, place] = [Math.floor(i / (length * kernels)), i % (length * kernels)]
      return fixed[(row * kernels + (place % kernels)) * length + Math.floor(place / kernels)]
    })
    const scaled = model.tensor(`${name}.scaled`, [rows, length, kernels])
    const weights = model.constant(`${name}.kernels`, [rows, length, kernels], last)
    model.operator('MUL', [weights, this.eta(node, [rows, 1, kernels])], scaled, [int8(ACTIVATIONS.none)])
    const sums = model.tensor(`${name}.kernel`, [rows, length])
    model.operator('SUM', [scaled, model.constant(`${name}.last`, [1], Int32Array.of(2))], sums, [int8(0)])
    return sums
  }

  /** Every channel through all kernels of its group; a product with ones adds up the members. */
  private multiplied(node: Conv, picture: number, weight: Float32Array, raw: number, shape: number[]): void {
    const { model } = this
    const { name, channels, kernel, groups, input, stride } = node
    const [cin, out, taps] = [input.channels / groups, channels / groups, kernel * kernel]
    const fixed = windowsOf(weight, channels * node.dynamic!.kernels, cin, kernel, false)
    const rows = this.reshaped(this.sumOfKernels(node, fixed, [channels, taps * cin]), `${name}.by_group`, [
      groups,
      out,
      taps,
      cin,
    ])
    const members = model.tensor(`${name}.members`, [taps, groups, cin, out])
    model.operator('TRANSPOSE', [rows, model.constant('by_tap', [4], Int32Array.of(2, 0, 3, 1))], members)
    const filter = this.reshaped(members, `${name}.filter`, [1, kernel, kernel, input.channels * out])
    const zeros = model.constant(`${name}.zeros`, [input.channels * out], new Float32Array(input.channels * out))
    const parts = model.tensor(`${name}.parts`, [1, shape[1], shape[2], input.channels * out])
    const SAME = 0
    const strides = [int32(stride), int32(stride)]
    const options = [int8(SAME), ...strides, int32(out), int8(ACTIVATIONS.none), int32(1), int32(1)]
    model.operator('DEPTHWISE_CONV_2D', [picture, filter, zeros], parts, options)
    const pixels = shape[1] * shape[2] * groups
    const ones = Float32Array.from({ length: out * cin * out }, (_, i) =>
      i % out === Math.floor(i / (cin * out)) ? 1 : 0,
    )
    this.addedUp(node, parts, [pixels, cin * out], ones, out, raw, shape)
  }

  /** All fixed kernels as one convolution; its results are weighted and added up. */
  private maps(node: Conv, picture: number, weight: Float32Array, raw: number, shape: number[]): void {
    const { model } = this
    const { name, channels, kernel, groups, input } = node
    const { kernels } = node.dynamic!
    const many = channels * kernels
    const cin = input.channels / groups
    const fixed = windowsOf(weight, many, cin, kernel, false)
    const filter = model.constant(`${name}.kernels`, [many, kernel, kernel, cin], fixed)
    const zeros = model.constant(`${name}.zeros`, [many], new Float32Array(many))
    const maps = model.tensor(`${name}.maps`, [1, shape[1], shape[2], many])
    this.window({ ...node, channels: many }, [picture, filter, zeros], maps, 'none')
    const weighted = model.tensor(`${name}.weighted`, [1, shape[1], shape[2], many])
    model.operator('MUL', [maps, this.eta(node, [1, 1, 1, many])], weighted, [int8(ACTIVATIONS.none)])
    const ones = new Float32Array(kernels).fill(1)
    this.addedUp(node, weighted, [shape[1] * shape[2] * channels, kernels], ones, 1, raw, shape)
  }

  /** `parts` as rows, times constant columns [out][row length]. */
  private addedUp(
    { name }: Conv,
    parts: number,
    rows: [number, number],
    columns: Float32Array,
    out: number,
    raw: number,
    shape: number[],
  ): void {
    const { model } = this
    const flat = this.reshaped(parts, `${name}.part_rows`, rows)
    const adder = model.constant(`${name}.ones`, [out, rows[1]], columns)
    const sums = model.tensor(`${name}.sums`, [rows[0], out])
    model.operator('FULLY_CONNECTED', [flat, adder, -1], sums, [int8(ACTIVATIONS.none)])
    this.reshape(sums, raw, shape)
  }

  private fusedBias(node: Conv, bias: Float64Array, constant: Float64Array): number {
    const { model } = this
    const { name, channels } = node
    const shape = [channels, 1, node.dynamic!.kernels]
    const scaled = model.tensor(`${name}.scaled_biases`, shape)
    const biases = model.constant(`${name}.biases`, shape, Float32Array.from(bias))
    model.operator('MUL', [this.eta(node, shape), biases], scaled, [int8(ACTIVATIONS.none)])
    const sums = model.tensor(`${name}.bias_sums`, [channels])
    model.operator('SUM', [scaled, model.constant(`${name}.bias_axes`, [2], Int32Array.of(1, 2))], sums, [int8(0)])
    const total = model.tensor(`${name}.bias`, [channels])
    const constants = model.constant(`${name}.constant`, [channels], Float32Array.from(constant))
    model.operator('ADD', [sums, constants], total, [int8(ACTIVATIONS.none)])
    return total
  }

  /** The coefficients of this convolution, [channel][kernel], in a shape. */
  private eta({ name, channels, dynamic }: Conv, shape: number[]): number {
    const { model } = this
    const { coefficients, from, kernels } = dynamic!
    const range = [Int32Array.of(0, from), Int32Array.of(1, channels * kernels)]
    const known = this.made.get(`${name}.part`)
    const part = known ?? model.tensor(`${name}.part`, [1, channels * kernels])
    if (known === undefined) {
      const [begin, count] = range.map((values, i) => model.constant(`${name}.range${i}`, [2], values))
      model.operator('SLICE', [this.made.get(coefficients)!, begin, count], part)
      this.made.set(`${name}.part`, part)
    }
    return this.reshaped(part, `${name}.eta ${shape}`, shape)
  }

  private reshaped(input: number, name: string, shape: number[]): number {
    const output = this.model.tensor(name, shape)
    this.reshape(input, output, shape)
    return output
  }

  /** The same tensor in float32. */
  private realOf(tensor: number, shape: number[]): number {
    if (!this.peers) return tensor
    const known = this.real.get(tensor)
    if (known !== undefined) return known
    const real = this.model.tensor(`real:${tensor}`, shape)
    this.model.operator('DEQUANTIZE', [tensor], real)
    this.real.set(tensor, real)
    return real
  }

  private pictureOf(tensor: string, channels: number): number[] {
    const { height, width } = this.shapes.get(tensor)!
    return [1, height, width, channels]
  }
}
