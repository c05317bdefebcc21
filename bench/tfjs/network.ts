import type * as Tfjs from '@tensorflow/tfjs-core'
import { readStateDict, toFloat32 } from '../../src/bundle/safetensors.ts'
import { type Coefficients, type Conv, type Graph, type Node, nodeInputs, type Use } from '../../src/graph/graph.ts'
import { byGroup, type TfjsForm } from './write.ts'

type Tf = typeof Tfjs
type Tensor = Tfjs.Tensor
type Picture = Tfjs.Tensor4D

const ACTIVATIONS = { none: 'linear', relu: 'relu', relu6: 'relu6' } as const

/** A network whose weights are tensors of TensorFlow.js. */
export interface TfjsNetwork {
  /** The logits of a picture [1, height, width, 3]; the caller disposes of both. */
  predict(picture: Picture): Tensor
  dispose(): void
}

/** What `writeTfjs` wrote, as calls of the library's operations, fused ones where it has them; tensors go when nobody reads them any more. */
export function compile(tf: Tf, file: Uint8Array): TfjsNetwork {
  const { tensors, metadata } = readStateDict(file)
  const graph: Graph = JSON.parse(metadata.get('graph')!)
  const form: TfjsForm = JSON.parse(metadata.get('form')!)
  const weights = new Map<string, Tensor>()
  for (const [name, tensor] of tensors) weights.set(name, tf.tensor(toFloat32(tensor), [...tensor.shape]))
  const layers = new Layers(tf, form, weights)
  const nodes = graph.nodes.filter((node) => node.op !== 'softmax')
  const lastReader = new Map<string, Node>()
  for (const node of nodes) for (const tensor of readsOf(node)) lastReader.set(tensor, node)
  const { logits } = graph.outputs
  return {
    predict: (picture) =>
      tf.tidy(() => {
        const made = new Map<string, Tensor>([[graph.input, picture]])
        for (const node of nodes) {
          made.set(
            node.output,
            tf.tidy(() => layers.run(node, made)),
          )
          for (const tensor of readsOf(node))
            if (lastReader.get(tensor) === node && tensor !== graph.input && tensor !== logits)
              made.get(tensor)!.dispose()
        }
        return made.get(logits)!
      }),
    dispose: () => {
      for (const tensor of [...weights.values(), ...layers.constants.values()]) tensor.dispose()
    },
  }
}

function readsOf(node: Node): Set<string> {
  const dynamic = node.op === 'conv' && node.dynamic ? [node.dynamic.coefficients] : []
  return new Set([...nodeInputs(node).map(({ tensor }) => tensor), ...dynamic])
}

class Layers {
  /** Made when first needed, kept for the next run. */
  readonly constants = new Map<string, Tensor>()

  constructor(
    private readonly tf: Tf,
    private readonly form: TfjsForm,
    private readonly weights: ReadonlyMap<string, Tensor>,
  ) {}

  run(node: Node, made: ReadonlyMap<string, Tensor>): Tensor {
    const { tf } = this
    if (node.op === 'conv') return this.conv(node, made)
    if (node.op === 'coefficients') return this.coefficients(node, made)
    if (node.op === 'linear') {
      const a = this.use(node.input, made) as Tfjs.Tensor2D
      return tf.fused.matMul({ a, b: this.weight(node), bias: this.weight(node, 'bias') })
    }
    if (node.op === 'globalpool') return tf.mean(this.use(node.input, made), [1, 2])
    const [left] = nodeInputs(node)
    const picture = this.use(left, made) as Picture
    if (node.op === 'maxpool') return tf.maxPool(picture, node.kernel, node.stride, (node.kernel - 1) >> 1)
    if (node.op !== 'shuffle') throw new Error(`${node.name}: TensorFlow.js gets the float32 graph, not ${node.op}.`)
    const joined = tf.concat([picture, this.use(node.right, made) as Picture], 3)
    const [, height, width, channels] = joined.shape
    const grouped = tf.reshape(joined, [height * width, node.groups, channels / node.groups])
    return tf.reshape(tf.transpose(grouped, [0, 2, 1]), joined.shape)
  }

  /** sigmoid(FC(pool)), [1, length] */
  private coefficients(node: Coefficients, made: ReadonlyMap<string, Tensor>): Tensor {
    const a = this.tf.mean(this.use(node.input, made), [1, 2]) as Tfjs.Tensor2D
    return this.tf.fused.matMul({ a, b: this.weight(node), bias: this.weight(node, 'bias'), activation: 'sigmoid' })
  }

  private conv(node: Conv, made: ReadonlyMap<string, Tensor>): Tensor {
    const { tf } = this
    const picture = this.use(node.input, made) as Picture
    const { channels, kernel, stride, dynamic, residual } = node
    const [filter, bias] = dynamic ? this.fused(node, made) : [this.weight(node), this.weight(node, 'bias')]
    const pointwise = kernel === 1 && stride === 1 && node.groups === 1
    const last = residual ? 'linear' : ACTIVATIONS[node.activation]
    let result: Tensor
    if (dynamic && pointwise && this.form.pointwise === 'matmul') {
      const [, height, width, cin] = picture.shape
      const a = tf.reshape(picture, [height * width, cin]) as Tfjs.Tensor2D
      const product = tf.fused.matMul({ a, b: tf.reshape(filter, [cin, channels]), bias, activation: last })
      result = tf.reshape(product, [1, height, width, channels])
    } else result = this.window(node, picture, filter, bias as Tfjs.Tensor1D, last)
    if (!residual) return result
    const sum = tf.add(result, made.get(residual)!)
    return node.activation === 'none' ? sum : tf[node.activation](sum)
  }

  /** Kernel, in the order of `writeTfjs`, and bias [channels] of the moment. */
  private fused(node: Conv, made: ReadonlyMap<string, Tensor>): [filter: Tensor, bias: Tensor] {
    const { tf } = this
    const { channels, groups, kernel, input } = node
    const { coefficients, from, kernels } = node.dynamic!
    const part = tf.slice(made.get(coefficients)!, [0, from], [1, channels * kernels])
    const [fixed, biases, constant] = ['weight', 'bias', 'constant'].map((name) => this.weight(node, name))
    const bias = tf.add(tf.sum(tf.mul(biases, tf.reshape(part, [channels, kernels])), 1), constant)
    const cin = input.channels / groups
    const out = channels / groups
    const taps = kernel * kernel
    const split = byGroup(node, this.form)
    if (this.form.kernel === 'matmul') {
      const rows = tf.matMul(tf.reshape(part, [channels, 1, kernels]), fixed as Tfjs.Tensor3D)
      if (split) return [tf.transpose(tf.reshape(rows, [groups, out, taps, cin]), [2, 0, 3, 1]), bias]
      return [tf.transpose(tf.reshape(rows, [channels, taps * cin])), bias]
    }
    const shape = split ? [taps, groups, cin, out * kernels] : [taps * cin, channels * kernels]
    const scaled = tf.mul(
      tf.reshape(fixed, shape),
      tf.reshape(part, split ? [1, groups, 1, out * kernels] : [1, channels * kernels]),
    )
    return [tf.sum(tf.reshape(scaled, [taps * cin * channels, kernels]), 1), bias]
  }

  private window(node: Conv, x: Picture, weight: Tensor, bias: Tfjs.Tensor1D, activation: 'linear' | 'relu' | 'relu6') {
    const { tf } = this
    const { kernel, channels, stride, padding, groups, input } = node
    const options = { strides: stride, pad: padding, bias, activation }
    if (byGroup(node, this.form)) return this.byGroup(node, x, weight, bias, activation)
    const filter = tf.reshape(weight, [kernel, kernel, input.channels / groups, channels]) as Tfjs.Tensor4D
    if (groups === 1) return tf.fused.conv2d({ x, filter, ...options })
    if (groups === channels && groups === input.channels) {
      const windows = tf.reshape(filter, [kernel, kernel, channels, 1]) as Tfjs.Tensor4D
      return tf.fused.depthwiseConv2d({ x, filter: windows, ...options })
    }
    const cin = input.channels / groups
    const out = channels / groups
    if (this.form.grouped === 'dense') {
      const spread = tf.tile(tf.reshape(filter, [kernel * kernel, 1, cin * channels]), [1, groups, 1])
      const masked = tf.mul(spread, this.mask(groups, cin, out))
      return tf.fused.conv2d({ x, filter: tf.reshape(masked, [kernel, kernel, input.channels, channels]), ...options })
    }
    const pictures: Picture[] = tf.split(x, groups, 3)
    const filters: Picture[] = tf.split(filter, groups, 3)
    const biases = tf.split(bias, groups)
    const parts = pictures.map((part, group) =>
      tf.fused.conv2d({ ...options, x: part, filter: filters[group], bias: biases[group] }),
    )
    return tf.concat(parts, 3)
  }

  /** Every channel through all kernels of its group; a product with ones adds up the members. */
  private byGroup(
    node: Conv,
    x: Picture,
    weight: Tensor,
    bias: Tensor,
    activation: 'linear' | 'relu' | 'relu6',
  ): Tensor {
    const { tf } = this
    const { kernel, channels, stride, padding, groups, input } = node
    const [cin, out] = [input.channels / groups, channels / groups]
    const windows = tf.reshape(weight, [kernel, kernel, input.channels, out]) as Tfjs.Tensor4D
    const parts = tf.depthwiseConv2d(x, windows, stride, padding)
    const [, height, width] = parts.shape
    const pixels = tf.reshape(parts, [height * width * groups, cin * out]) as Tfjs.Tensor2D
    const sums = tf.reshape(tf.matMul(pixels, this.adder(cin, out)), [1, height, width, channels])
    const biased = tf.add(sums, bias)
    return activation === 'linear' ? biased : tf[activation](biased)
  }

  /** [1][group][member * out]: which of a row's outputs belong to the group; 1 or 0. */
  private mask(groups: number, cin: number, out: number): Tensor {
    return this.constant(`mask ${groups} ${cin} ${out}`, () => {
      const channels = groups * out
      const values = new Float32Array(groups * cin * channels)
      for (let group = 0; group < groups; ++group)
        for (let member = 0; member < cin; ++member)
          values.fill(
            1,
            (group * cin + member) * channels + group * out,
            (group * cin + member) * channels + (group + 1) * out,
          )
      return this.tf.tensor(values, [1, groups, cin * channels])
    })
  }

  /** [member * out][out] */
  private adder(cin: number, out: number): Tfjs.Tensor2D {
    const of = () => {
      const values = new Float32Array(cin * out * out)
      for (let i = 0; i < cin * out; ++i) values[i * out + (i % out)] = 1
      return this.tf.tensor(values, [cin * out, out])
    }
    return this.constant(`adder ${cin} ${out}`, of) as Tfjs.Tensor2D
  }

  private constant(name: string, make: () => Tensor): Tensor {
    const known = this.constants.get(name) ?? this.tf.keep(make())
    this.constants.set(name, known)
    return known
  }

  private use({ tensor, from, channels }: Use, made: ReadonlyMap<string, Tensor>): Tensor {
    const whole = made.get(tensor)!
    if (from === undefined) return whole
    const [, height, width] = whole.shape
    return this.tf.slice(whole, [0, 0, 0, from], [1, height, width, channels])
  }

  private weight(node: Node, part = 'weight'): Tensor {
    return this.weights.get(`${node.name}.${part}`)!
  }
}
