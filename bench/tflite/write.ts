import { DynedgeError } from '../../src/errors.ts'
import {
  type Activation,
  type Conv,
  type Graph,
  inferShapes,
  type Linear,
  type MaxPool,
  type Node,
  type Quantization,
  type Shape,
  type Shuffle,
  type Use,
} from '../../src/graph/graph.ts'
import { roundEven } from '../../src/graph/integer.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { foldLayer } from '../../src/pack/fold.ts'
import { rowScales } from '../../src/pack/pack.ts'
import { FlatModel, float32, int8, int32, type Steps } from './schema.ts'

const ACTIVATIONS: Record<Activation, number> = { none: 0, relu: 1, relu6: 3 }
const SAME = 0

/**
 * A network without dynamic layers as a LiteRT model, NHWC, batch 1, shapes fixed, BN folded. With `peers`, the quantizations of its
 * tensors, it computes on int8: int8 weights with a scale per output channel, int32 biases; picture and logits stay float32.
 *
 * LiteRT pads a window of stride 2 on the other side than PyTorch. So the picture goes in turned by 180 degrees and windows are turned
 * too: the same sums without a padding pass. `turned` makes the input.
 * @throws DynedgeError `bad-input` for a dynamic network, or a size at which a layer of stride 2 sees an odd side
 */
export function writeTflite(
  graph: Graph,
  state: StateDict,
  size: number,
  peers?: ReadonlyMap<string, Quantization>,
): Uint8Array {
  return new GraphWriter(graph, state, size, peers).write()
}

/** The picture turned by 180 degrees, height x width x 3. */
export function turned(data: Float32Array): Float32Array {
  const pixels = data.length / 3
  const result = new Float32Array(data.length)
  for (let i = 0; i < pixels; ++i) result.set(data.subarray(i * 3, i * 3 + 3), (pixels - 1 - i) * 3)
  return result
}

class GraphWriter {
  private readonly model = new FlatModel()
  private readonly shapes: Map<string, Shape>
  /** Numbers of tensors by name, and of ranges of their channels. */
  private readonly made = new Map<string, number>()

  constructor(
    private readonly graph: Graph,
    private readonly state: StateDict,
    size: number,
    private readonly peers?: ReadonlyMap<string, Quantization>,
  ) {
    this.shapes = inferShapes(graph, size, size)
  }

  write(): Uint8Array {
    const { graph, model, peers } = this
    const picture = model.tensor(`${graph.input}.float`, this.dims(graph.input))
    if (peers) model.operator('QUANTIZE', [picture], this.make(graph.input))
    else this.made.set(graph.input, picture)
    for (const node of graph.nodes) this.node(node)
    return model.finish(
      [picture],
      Object.values(graph.outputs).map((tensor) => this.made.get(tensor)!),
    )
  }

  private node(node: Node): void {
    if (node.op === 'conv') this.conv(node)
    else if (node.op === 'globalpool') this.globalPool(node.input, node.output)
    else if (node.op === 'linear') this.linear(node)
    else if (node.op === 'softmax')
      this.model.operator('SOFTMAX', [this.use(node.input)], this.makeFloat(node.output), [float32(1)])
    else if (node.op === 'maxpool') this.maxPool(node)
    else if (node.op === 'shuffle') this.shuffle(node)
    else throw new DynedgeError('bad-input', `${node.op} ${node.name} is not written for LiteRT.`)
  }

  private conv(node: Conv): void {
    const { model } = this
    const { name, kernel, stride, groups, channels, output, residual, activation } = node
    if (node.dynamic) throw new DynedgeError('bad-input', `${name} is dynamic; that is not written for LiteRT.`)
    this.checkStride(node)
    const cin = node.input.channels / groups
    const isDepthwise = groups === channels && cin === 1
    const { weight, bias, steps } = this.weights(node)
    const shape = isDepthwise ? [1, kernel, kernel, channels] : [channels, kernel, kernel, cin]
    const ordered = windowsOf(weight, channels, cin, kernel, isDepthwise)
    const input = this.use(node.input)
    const weights = model.constant(`${name}.weight`, shape, ordered, steps && { ...steps, axis: isDepthwise ? 3 : 0 })
    const inputs = [input, weights, this.bias(node, bias, steps)]
    const last = residual ? 'none' : activation
    const target = this.make(residual ? `${output}.raw` : output, output)
    if (isDepthwise)
      model.operator('DEPTHWISE_CONV_2D', inputs, target, [
        int8(SAME),
        int32(stride),
        int32(stride),
        int32(1),
        int8(ACTIVATIONS[last]),
        int32(1),
        int32(1),
      ])
    else
      model.operator('CONV_2D', inputs, target, [
        int8(SAME),
        int32(stride),
        int32(stride),
        int8(ACTIVATIONS[last]),
        int32(1),
        int32(1),
      ])
    if (residual)
      model.operator('ADD', [target, this.made.get(residual)!], this.make(output), [int8(ACTIVATIONS[activation])])
  }

  private linear(node: Linear): void {
    const { model } = this
    const { weight, bias, steps } = this.weights(node)
    const weights = model.constant(`${node.name}.weight`, [node.channels, node.input.channels], weight, steps)
    const inputs = [this.use(node.input), weights, this.bias(node, bias, steps)]
    const options = [int8(ACTIVATIONS.none)]
    if (!this.peers) {
      model.operator('FULLY_CONNECTED', inputs, this.make(node.output), options)
      return
    }
    const integers = model.tensor(`${node.output}.int8`, this.dims(node.output), this.stepsOf(node.output))
    model.operator('FULLY_CONNECTED', inputs, integers, options)
    model.operator('DEQUANTIZE', [integers], this.makeFloat(node.output))
  }

  /** As rows in PyTorch's order; int8 with its scales. */
  private weights(node: Conv | Linear): { weight: Float32Array | Int8Array; bias: Float64Array; steps?: Steps } {
    const folded = foldLayer(node, this.state)
    const { weight, bias } = folded
    if (!this.peers) return { weight: Float32Array.from(weight), bias }
    const scales = Array.from(rowScales(folded), (scale) => scale || 1)
    const length = weight.length / folded.rows
    const integers = Int8Array.from(weight, (value, i) => roundEven(value / scales[Math.floor(i / length)]))
    return { weight: integers, bias, steps: { scales, zero: 0 } }
  }

  private bias({ name, input }: Conv | Linear, bias: Float64Array, steps?: Steps): number {
    const label = `${name}.bias`
    if (!steps) return this.model.constant(label, [bias.length], Float32Array.from(bias))
    const scales = steps.scales.map((scale) => scale * this.stepsOf(input.tensor)!.scales[0])
    const limit = 2 ** 31 - 1
    const integers = Int32Array.from(bias, (value, row) =>
      Math.max(-limit, Math.min(limit, roundEven(value / scales[row]))),
    )
    return this.model.constant(label, [bias.length], integers, { scales, zero: 0 })
  }

  private globalPool(input: Use, output: string): void {
    const axes = this.model.constant(`${output}.axes`, [2], Int32Array.of(1, 2))
    const KEEP_DIMS = 0
    this.model.operator('MEAN', [this.use(input), axes], this.make(output), [int8(KEEP_DIMS)])
  }

  private maxPool(node: MaxPool): void {
    const { input, output, kernel, stride } = node
    this.checkStride(node)
    const options = [int8(SAME), int32(stride), int32(stride), int32(kernel), int32(kernel), int8(ACTIVATIONS.none)]
    this.model.operator('MAX_POOL_2D', [this.use(input)], this.make(output), options)
  }

  private shuffle({ left, right, output, groups }: Shuffle): void {
    const { model } = this
    const { height, width, channels } = this.shapes.get(output)!
    const steps = this.stepsOf(output)
    const joined = model.tensor(`${output}.joined`, this.dims(output), steps)
    model.operator('CONCATENATION', [this.use(left), this.use(right)], joined, [int32(3)])
    const per = channels / groups
    const grouped = model.tensor(`${output}.grouped`, [height, width, groups, per], steps)
    this.reshape(joined, grouped, [height, width, groups, per])
    const woven = model.tensor(`${output}.woven`, [height, width, per, groups], steps)
    model.operator('TRANSPOSE', [grouped, model.constant(`${output}.order`, [4], Int32Array.of(0, 1, 3, 2))], woven)
    this.reshape(woven, this.make(output), this.dims(output))
  }

  private reshape(input: number, output: number, dims: number[]): void {
    const shape = this.model.constant(`shape:${dims}`, [dims.length], Int32Array.from(dims))
    this.model.operator('RESHAPE', [input, shape], output)
  }

  private use({ tensor, from, channels }: Use): number {
    if (from === undefined) return this.made.get(tensor)!
    const view = `${tensor}[${from}:${from + channels}]`
    const known = this.made.get(view)
    if (known !== undefined) return known
    const { model } = this
    const { height, width } = this.shapes.get(tensor)!
    const output = model.tensor(view, [1, height, width, channels], this.stepsOf(tensor))
    const range = [
      model.constant(`${view}.begin`, [4], Int32Array.of(0, 0, 0, from)),
      model.constant(`${view}.size`, [4], Int32Array.of(1, height, width, channels)),
    ]
    model.operator('SLICE', [this.made.get(tensor)!, ...range], output)
    this.made.set(view, output)
    return output
  }

  private make(name: string, like = name): number {
    const tensor = this.model.tensor(name, this.dims(like), this.stepsOf(name))
    this.made.set(name, tensor)
    return tensor
  }

  private makeFloat(name: string): number {
    const tensor = this.model.tensor(name, this.dims(name))
    this.made.set(name, tensor)
    return tensor
  }

  private stepsOf(tensor: string): Steps | undefined {
    const stored = this.peers?.get(tensor)
    // Their integers are signed.
    return stored && { scales: [stored.scale], zero: stored.zero - 128 }
  }

  private dims(tensor: string): number[] {
    const { height, width, channels } = this.shapes.get(tensor)!
    return height * width === 1 ? [1, channels] : [1, height, width, channels]
  }

  private checkStride({ name, input, kernel, stride }: Conv | MaxPool): void {
    const { height } = this.shapes.get(input.tensor)!
    if (kernel > 1 && stride > 1 && height % stride)
      throw new DynedgeError(
        'bad-input',
        `${name} sees ${height} rows, expected a multiple of ${stride} for LiteRT; use a size that 32 divides.`,
      )
  }
}

/** [channel][member][y][x] to [channel][y][x][member], or of a depthwise layer [y][x][channel]; windows turned by 180 degrees. */
function windowsOf<T extends Float32Array | Int8Array>(
  weight: T,
  channels: number,
  cin: number,
  kernel: number,
  isDepthwise: boolean,
): T {
  const result = weight.slice() as T
  const taps = kernel * kernel
  for (let channel = 0, from = 0; channel < channels; ++channel)
    for (let member = 0; member < cin; ++member)
      for (let tap = taps - 1; tap >= 0; --tap)
        result[isDepthwise ? tap * channels + channel : (channel * taps + tap) * cin + member] = weight[from++]
  return result
}
