import type { Coefficients, Conv, Graph, Node, Quantization } from '../../src/graph/graph.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { foldLayer } from '../../src/pack/fold.ts'
import { ACTIVATIONS, filterShape, GraphWriter, isDepthwise, windowsOf } from './fixed.ts'
import { int8 } from './schema.ts'

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
  peers?: ReadonlyMap<string, Quantization>,
): Uint8Array {
  return new DynamicWriter(graph, state, size, peers).write()
}

/** The picture turned by 180 degrees, height x width x 3. */
export function turned(data: Float32Array): Float32Array {
  const pixels = data.length / 3
  const result = new Float32Array(data.length)
  for (let i = 0; i < pixels; ++i) result.set(data.subarray(i * 3, i * 3 + 3), (pixels - 1 - i) * 3)
  return result
}

/** Fused kernels: sum_i eta_i w_i by a batched product, applied by what takes weights that are no constants. */
class DynamicWriter extends GraphWriter {
  private readonly real = new Map<number, number>()

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
    const { name, input, output, channels, kernel, stride, groups, activation, residual } = node
    this.checkStride(node)
    const [weight, bias] = this.fused(node)
    const { height, width } = this.shapes.get(output)!
    const shape = [1, height, width, channels]
    const picture = this.realOf(this.use(input), this.pictureOf(input.tensor, input.channels))
    const raw = model.tensor(`${output}.product`, shape)
    if (kernel === 1 && stride === 1 && groups === 1) {
      // XNNPACK's convolutions want constant weights.
      const rows = model.tensor(`${name}.rows`, [height * width, input.channels])
      this.reshape(picture, rows, [height * width, input.channels])
      const product = model.tensor(`${name}.row_sums`, [height * width, channels])
      model.operator('FULLY_CONNECTED', [rows, weight, -1], product, [int8(ACTIVATIONS.none)])
      this.reshape(product, raw, shape)
    } else {
      const zeros = model.constant(`${name}.zeros`, [channels], new Float32Array(channels))
      this.window(node, [picture, weight, zeros], raw, 'none')
    }
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

  /** Weight, as the operator that applies it wants it, and bias [channels]. */
  private fused(node: Conv): [weight: number, bias: number] {
    const { model } = this
    const { name, channels, kernel, groups, input } = node
    const { coefficients, from, kernels } = node.dynamic!
    const cin = input.channels / groups
    const length = cin * kernel * kernel
    const { weight, bias, constant } = foldLayer(node, this.state)
    const range = [Int32Array.of(0, from), Int32Array.of(1, channels * kernels)]
    const [begin, count] = range.map((values, i) => model.constant(`${name}.range${i}`, [2], values))
    const part = model.tensor(`${name}.part`, [1, channels * kernels])
    model.operator('SLICE', [this.made.get(coefficients)!, begin, count], part)
    const eta = model.tensor(`${name}.eta`, [channels, 1, kernels])
    this.reshape(part, eta, [channels, 1, kernels])
    const rows = windowsOf(Float32Array.from(weight), channels * kernels, cin, kernel, false)
    const fixed = model.constant(`${name}.kernels`, [channels, kernels, length], rows)
    const product = model.tensor(`${name}.kernel`, [channels, 1, length])
    model.operator('BATCH_MATMUL', [eta, fixed], product, [int8(0), int8(0)])
    return [this.filter(node, product, length), this.fusedBias(name, eta, [channels, kernels], bias, constant)]
  }

  private filter(node: Conv, product: number, length: number): number {
    const { model } = this
    const { name, channels, kernel } = node
    const shape = kernel === 1 && node.stride === 1 && node.groups === 1 ? [channels, length] : filterShape(node)
    const filter = model.tensor(`${name}.filter`, shape)
    if (!isDepthwise(node)) {
      this.reshape(product, filter, shape)
      return filter
    }
    const flat = model.tensor(`${name}.flat`, [channels, length])
    this.reshape(product, flat, [channels, length])
    const turnedAround = model.tensor(`${name}.taps`, [length, channels])
    model.operator('TRANSPOSE', [flat, model.constant(`${name}.order`, [2], Int32Array.of(1, 0))], turnedAround)
    this.reshape(turnedAround, filter, shape)
    return filter
  }

  private fusedBias(
    name: string,
    eta: number,
    [channels, kernels]: [number, number],
    bias: Float64Array,
    constant: Float64Array,
  ): number {
    const { model } = this
    const shape = [channels, 1, kernels]
    const scaled = model.tensor(`${name}.scaled_biases`, shape)
    const biases = model.constant(`${name}.biases`, shape, Float32Array.from(bias))
    model.operator('MUL', [eta, biases], scaled, [int8(ACTIVATIONS.none)])
    const sums = model.tensor(`${name}.bias_sums`, [channels])
    model.operator('SUM', [scaled, model.constant(`${name}.bias_axes`, [2], Int32Array.of(1, 2))], sums, [int8(0)])
    const total = model.tensor(`${name}.bias`, [channels])
    const constants = model.constant(`${name}.constant`, [channels], Float32Array.from(constant))
    model.operator('ADD', [sums, constants], total, [int8(ACTIVATIONS.none)])
    return total
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
