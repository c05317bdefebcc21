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

export const ACTIVATIONS: Record<Activation, number> = { none: 0, relu: 1, relu6: 3 }
const SAME = 0

/** Networks without dynamic layers. LiteRT's windows of stride 2 and how they are met: `writeTflite`. */
export class GraphWriter {
  protected readonly model = new FlatModel()
  protected readonly shapes: Map<string, Shape>
  /** Numbers of tensors by name, and of ranges of their channels. */
  protected readonly made = new Map<string, number>()

  constructor(
    protected readonly graph: Graph,
    protected readonly state: StateDict,
    size: number,
    protected readonly peers?: ReadonlyMap<string, Quantization>,
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

  protected node(node: Node): void {
    if (node.op === 'conv') this.conv(node)
    else if (node.op === 'globalpool') this.globalPool(node.input, node.output)
    else if (node.op === 'linear') this.linear(node)
    else if (node.op === 'softmax')
      this.model.operator('SOFTMAX', [this.use(node.input)], this.makeFloat(node.output), [float32(1)])
    else if (node.op === 'maxpool') this.maxPool(node)
    else if (node.op === 'shuffle') this.shuffle(node)
    else throw new DynedgeError('bad-input', `${node.op} ${node.name} is not written for LiteRT.`)
  }

  protected conv(given: Conv): void {
    const { model } = this
    const { name, groups, channels, output, residual, activation } = given
    const cin = given.input.channels / groups
    const { weight: exact, bias, steps } = this.weights(given)
    // Of a turned picture every other pixel is one of the others.
    const skips = given.kernel === 1 && given.stride === 2
    const node = skips ? { ...given, kernel: 2 } : given
    const weight = skips ? atFirstTap(exact) : exact
    const { kernel } = node
    this.checkStride(node)
    const shape = filterShape(node)
    const ordered = windowsOf(weight, channels, cin, kernel, isDepthwise(node))
    const input = this.use(node.input)
    const weights = model.constant(
      `${name}.weight`,
      shape,
      ordered,
      steps && { ...steps, axis: isDepthwise(node) ? 3 : 0 },
    )
    const inputs = [input, weights, this.bias(node, bias, steps)]
    const target = this.make(residual ? `${output}.raw` : output, output)
    this.window(node, inputs, target, residual ? 'none' : activation)
    if (residual)
      model.operator('ADD', [target, this.made.get(residual)!], this.make(output), [int8(ACTIVATIONS[activation])])
  }

  protected window(node: Conv, inputs: number[], target: number, activation: Activation): void {
    const strides = [int32(node.stride), int32(node.stride)]
    const [last, dilations] = [int8(ACTIVATIONS[activation]), [int32(1), int32(1)]]
    if (isDepthwise(node))
      this.model.operator('DEPTHWISE_CONV_2D', inputs, target, [int8(SAME), ...strides, int32(1), last, ...dilations])
    else this.model.operator('CONV_2D', inputs, target, [int8(SAME), ...strides, last, ...dilations])
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

  protected reshape(input: number, output: number, dims: number[]): void {
    const shape = this.model.constant(`shape:${dims}`, [dims.length], Int32Array.from(dims))
    this.model.operator('RESHAPE', [input, shape], output)
  }

  protected use({ tensor, from, channels }: Use): number {
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

  protected make(name: string, like = name): number {
    const tensor = this.model.tensor(name, this.dims(like), this.stepsOf(name))
    this.made.set(name, tensor)
    return tensor
  }

  protected makeFloat(name: string): number {
    const tensor = this.model.tensor(name, this.dims(name))
    this.made.set(name, tensor)
    return tensor
  }

  protected stepsOf(tensor: string): Steps | undefined {
    const stored = this.peers?.get(tensor)
    // Their integers are signed.
    return stored && { scales: [stored.scale], zero: stored.zero - 128 }
  }

  private dims(tensor: string): number[] {
    const { height, width, channels } = this.shapes.get(tensor)!
    return height * width === 1 ? [1, channels] : [1, height, width, channels]
  }

  protected checkStride({ name, input, kernel, stride }: Conv | MaxPool): void {
    const { height } = this.shapes.get(input.tensor)!
    if (kernel > 1 && stride > 1 && height % stride)
      throw new DynedgeError(
        'bad-input',
        `${name} sees ${height} rows, expected a multiple of ${stride} for LiteRT; use a size that 32 divides.`,
      )
  }
}

/** A window of 2 x 2 that sees what one of 1 x 1 saw. */
function atFirstTap<T extends Float32Array | Int8Array>(weight: T): T {
  const result = (
    weight instanceof Int8Array ? new Int8Array(weight.length * 4) : new Float32Array(weight.length * 4)
  ) as T
  for (const [i, value] of weight.entries()) result[i * 4] = value
  return result
}

export const isDepthwise = ({ groups, channels, input }: Conv) => groups === channels && groups === input.channels

export function filterShape(node: Conv): number[] {
  const { kernel, channels, groups, input } = node
  return isDepthwise(node) ? [1, kernel, kernel, channels] : [channels, kernel, kernel, input.channels / groups]
}

/** [channel][member][y][x] to [channel][y][x][member], or of a depthwise layer [y][x][channel]; windows turned by 180 degrees. */
export function windowsOf<T extends Float32Array | Int8Array>(
  weight: T,
  channels: number,
  cin: number,
  kernel: number,
  channelsLast: boolean,
): T {
  const result = weight.slice() as T
  const taps = kernel * kernel
  for (let channel = 0, from = 0; channel < channels; ++channel)
    for (let member = 0; member < cin; ++member)
      for (let tap = taps - 1; tap >= 0; --tap)
        result[channelsLast ? tap * channels + channel : (channel * taps + tap) * cin + member] = weight[from++]
  return result
}
