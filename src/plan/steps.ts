import { Axis, Activation as LinearFunction, Side } from '../../assembly/program/format.ts'
import { DynedgeError } from '../errors.ts'
import {
  type Conv,
  type Dequantize,
  type Graph,
  inferShapes,
  type Node,
  type Quantization,
  type Quantize,
  type Shape,
  type Shuffle,
  type Use,
} from '../graph/graph.ts'
import { type Kernel, kernelFor } from '../kernels.ts'
import { assignLanes, consumers, convKind, dynamicConvs, type Lanes, zipOf } from './lanes.ts'
import type { Operand, PlannedStep, Word } from './program.ts'
import { bounds, meanRatio } from './steps-int8.ts'
import { integerDepth, type Precision, usedLanes, type WeightLayout, weightLayouts, wholeLanes } from './weights.ts'

/** An activation in the arena: NHWC, `border` pixels of padding around it, every pixel `lanes` values long. */
export interface Picture {
  shape: Shape
  lanes: Lanes
  border: number
  /** Of a value: 4 float32, 1 an integer of `quantization`, 2 a pooled mean of integers. */
  bytes: 1 | 2 | 4
  quantization?: Quantization
}

/** Scratch and pictures the steps need, by name. */
export interface Draft {
  steps: PlannedStep[]
  pictures: Map<string, Picture>
  /** Bytes of arena tensors that are no pictures: fused and expanded weights. */
  scratch: Map<string, number>
}

/** Vectors read up to their end, and a pass-through up to 12 bytes past its channels. */
export const OVER_READ = 16
/** Weights of the panels that stay in L1 while the pixels of a pointwise convolution pass. */
const BLOCK_BYTES = 16 * 1024

export const pixelBytes = (picture: Picture) => picture.lanes.length * picture.bytes
export const rowBytes = (picture: Picture) => (picture.shape.width + 2 * picture.border) * pixelBytes(picture)
export const pictureBytes = (picture: Picture) =>
  (picture.shape.height + 2 * picture.border) * rowBytes(picture) + OVER_READ
/** Byte offset of pixel (-reach, -reach). */
export const pixelAt = (picture: Picture, reach: number) =>
  (picture.border - reach) * (rowBytes(picture) + pixelBytes(picture))

/** Turns a graph into steps for one input size; pure. Throws `bad-input` for an input too small, `unsupported-op`. */
export function draftSteps(graph: Graph, precision: Precision, height: number, width: number): Draft {
  return new Drafter(graph, precision, height, width).draft()
}

class Drafter {
  private readonly steps: PlannedStep[] = []
  private readonly scratch = new Map<string, number>()
  private readonly pictures = new Map<string, Picture>()
  private readonly layouts = new Map<Node, WeightLayout>()
  /** Right half of a shuffle -> the shuffle that its convolution writes. */
  private readonly woven = new Map<string, Shuffle>()
  /** Byte offset of a convolution's coefficients in the vector of its block. */
  private readonly coefficientsAt = new Map<Conv, number>()
  private node = 0

  constructor(
    private readonly graph: Graph,
    private readonly precision: Precision,
    height: number,
    width: number,
  ) {
    const lanes = assignLanes(graph)
    for (const layout of weightLayouts(graph)) this.layouts.set(layout.node, layout)
    for (const node of graph.nodes) if (node.op === 'shuffle') this.woven.set(this.weavable(node), node)
    const borders = new Map<string, number>()
    for (const node of graph.nodes) {
      if (node.op === 'conv')
        borders.set(node.input.tensor, Math.max(node.padding, borders.get(node.input.tensor) ?? 0))
      if (node.op === 'coefficients') this.placeCoefficients(node.output)
    }
    for (const [tensor, shape] of inferShapes(graph, height, width)) {
      if (this.woven.has(tensor)) continue
      const quantization = graph.quantization?.[tensor]
      this.pictures.set(tensor, {
        shape,
        lanes: lanes.get(tensor)!,
        border: borders.get(tensor) ?? 0,
        bytes: quantization ? 1 : 4,
        quantization,
      })
    }
  }

  draft(): Draft {
    this.border(this.graph.input)
    this.graph.nodes.forEach((node, index) => {
      this.node = index
      if (node.op === 'conv') this.convolution(node)
      else if (node.op === 'coefficients') this.coefficients(node.input, node.output)
      else if (node.op === 'linear') this.linear(node, node.name, node.input.tensor, node.output, LinearFunction.None)
      else if (node.op === 'globalpool') this.globalPool(node.name, node.input, node.output)
      else if (node.op === 'maxpool') this.maxPool(node.input, node.output, node.kernel, node.stride)
      else if (node.op === 'quantize' || node.op === 'dequantize') this.convert(node)
      else if (node.op === 'softmax') this.softmax(node.input.tensor, node.output)
    })
    return { steps: this.steps, pictures: this.pictures, scratch: this.scratch }
  }

  private add(
    kernel: Kernel,
    label: string,
    operands: Partial<Record<Operand, string>>,
    words: Partial<Record<Word, number>>,
    multiplyAdds = 0,
    more: Pick<PlannedStep, 'low' | 'high' | 'floats'> = {},
  ): void {
    this.steps.push({ kernel, node: this.node, label, operands, words, multiplyAdds, ...more })
  }

  private weavable(node: Shuffle): string {
    const made = this.graph.nodes.find((other) => other.output === node.right.tensor)
    const alone =
      consumers(this.graph, node.right.tensor).length === 1 &&
      !Object.values(this.graph.outputs).includes(node.right.tensor)
    if (
      made?.op === 'conv' &&
      alone &&
      node.right.from === undefined &&
      !made.residual &&
      convKind(made) === 'pointwise'
    )
      return node.right.tensor
    throw new DynedgeError(
      'unsupported-op',
      `${node.name}: the right half of a shuffle must come straight from a 1x1 convolution.`,
    )
  }

  /** Fills the frame of `tensor`, if it has one, before its pixels are written: with what stands for zero. */
  private border(tensor: string): void {
    const picture = this.pictures.get(tensor)!
    if (!picture.border) return
    const rows = picture.shape.height + 2 * picture.border
    const words = {
      Units: rows,
      Axis: Axis.Rows,
      Rows: rows,
      OutRow: rowBytes(picture),
      OutPixel: pixelBytes(picture),
      Kernel: picture.border,
      InZero: picture.quantization?.zero,
    }
    this.add(kernelFor('border', dtypeOf(picture)), `${tensor}.border`, { Out: tensor }, words)
  }

  private convolution(node: Conv): void {
    const layout = this.layouts.get(node)!
    const weights = layout.integer ? this.integerWeights(node, layout) : this.weightsOf(node, layout)
    const shuffle = this.woven.get(node.output)
    const target = shuffle ? shuffle.output : node.output
    this.border(target)
    const output = this.pictures.get(target)!
    const input = this.pictures.get(node.input.tensor)!
    const { height, width } = output.shape
    const operands: Partial<Record<Operand, string>> = {
      In: node.input.tensor,
      Out: target,
      ...weights,
    }
    const side = shuffle
      ? this.passThrough(shuffle, operands)
      : node.residual
        ? this.residual(node.residual, operands)
        : {}
    const words: Partial<Record<Word, number>> = {
      InAt: pixelAt(input, node.padding) + (node.input.from ?? 0) * input.bytes,
      InRow: rowBytes(input),
      InPixel: pixelBytes(input),
      OutAt: pixelAt(output, 0),
      OutRow: rowBytes(output),
      OutPixel: pixelBytes(output),
      Rows: height,
      Columns: width,
      Depth: layout.taps.length,
      // Zipped, only real channels may be stored: the next pixel begins right behind them.
      Lanes: shuffle ? node.channels : layout.lanes.length,
      Stride: node.stride,
      Kernel: node.kernel,
      ...(output.quantization && { OutZero: output.quantization.zero, Top: topOf(input.quantization!) }),
      ...side,
    }
    if (layout.kind === 'pointwise') this.pointwise(node, layout, words)
    else Object.assign(words, { Units: height, Axis: Axis.Rows })
    const residual = node.residual && this.pictures.get(node.residual)?.quantization
    this.add(
      kernelFor(layout.kind as Exclude<typeof layout.kind, 'linear'>, layout.integer ? 'i8' : 'f32'),
      node.name,
      operands,
      words,
      height * width * kernelSize(node),
      {
        ...bounds(node.activation, output.quantization),
        ...(residual && { floats: { Ratio: residual.scale / output.quantization!.scale } }),
      },
    )
  }

  /** A stride is a wider pixel; a picture without gaps is one long row. */
  private pointwise(node: Conv, layout: WeightLayout, words: Partial<Record<Word, number>>): void {
    words.InRow! *= node.stride
    words.InPixel! *= node.stride
    words.Stride = 1
    const flat = (row: Word, pixel: Word) => words[row] === words.Columns! * words[pixel]!
    if (flat('InRow', 'InPixel') && flat('OutRow', 'OutPixel') && (!words.SideMode || flat('SideRow', 'SidePixel'))) {
      words.Columns = words.Rows! * words.Columns!
      words.Rows = 1
    }
    const panels = Math.ceil(layout.lanes.length / 8)
    const units = Math.ceil((words.Rows! * words.Columns!) / 8)
    words.Block = Math.max(1, Math.floor(BLOCK_BYTES / (layout.taps.length * (layout.integer ? 8 : 32))))
    // Few pixels and many panels (the last layers): threads share panels.
    Object.assign(
      words,
      units < 8 && panels > units ? { Units: panels, Axis: Axis.Panels } : { Units: units, Axis: Axis.Pixels },
    )
  }

  /** Names of the f32 weight and bias that a convolution reads: the bundle's, or scratch filled by the step before. */
  private weightsOf(node: Conv, layout: WeightLayout): Partial<Record<Operand, string>> {
    const { name } = node
    const quads = layout.lanes.length / 4
    const stored = this.precision === 'w8' ? 'w8' : 'f32'
    if (!node.dynamic && stored === 'f32') return { Weights: `${name}.weight`, Bias: `${name}.bias` }
    const depth = layout.taps.length
    const fused = `${name}.${node.dynamic ? 'fused' : 'expanded'}`
    this.scratch.set(fused, quads * depth * 16)
    const words: Partial<Record<Word, number>> = {
      Units: quads,
      Axis: Axis.Quads,
      Depth: depth,
      Lanes: layout.lanes.length,
      Block: layout.block,
    }
    const scales = stored === 'w8' ? { Scales: `${name}.scale` } : {}
    if (!node.dynamic) {
      this.add(kernelFor('expand', 'w8'), `${name}.expand`, { Out: fused, Weights: `${name}.weight`, ...scales }, words)
      return { Weights: fused, Bias: `${name}.bias` }
    }
    const bias = `${name}.fused_bias`
    this.scratch.set(bias, quads * 16)
    const operands = {
      Out: fused,
      Side: bias,
      Weights: `${name}.weight`,
      Bias: `${name}.bias`,
      Coefficients: node.dynamic.coefficients,
      ...scales,
    }
    words.Group = node.dynamic.kernels
    words.CoefficientsAt = this.coefficientsAt.get(node)
    this.add(kernelFor('fuse', stored), `${name}.fuse`, operands, words, node.dynamic.kernels * kernelSize(node))
    return { Weights: fused, Bias: bias }
  }

  /** The same for integers: weights, int32 bias and float32 factors. */
  private integerWeights(node: Conv, layout: WeightLayout): Partial<Record<Operand, string>> {
    const { name } = node
    if (!node.dynamic) return { Weights: `${name}.weight`, Bias: `${name}.bias`, Factors: `${name}.factor` }
    const fused = { Weights: `${name}.fused`, Bias: `${name}.fused_bias`, Factors: `${name}.fused_factor` }
    const whole = wholeLanes(layout)
    this.scratch.set(fused.Weights, whole * layout.taps.length)
    this.scratch.set(fused.Bias, whole * 4)
    this.scratch.set(fused.Factors, whole * 4)
    const target = this.woven.get(node.output)?.output ?? node.output
    const input = this.pictures.get(node.input.tensor)!.quantization!
    this.add(
      kernelFor('fuse', 'i8'),
      `${name}.fuse`,
      {
        Out: fused.Weights,
        Side: fused.Bias,
        Factors: fused.Factors,
        Weights: `${name}.weight`,
        Bias: `${name}.bias`,
        Scales: `${name}.scale`,
        Coefficients: node.dynamic.coefficients,
      },
      {
        Units: whole / layout.block,
        Axis: Axis.Panels,
        Depth: integerDepth(layout),
        Lanes: layout.lanes.length,
        Block: layout.block,
        Group: node.dynamic.kernels,
        CoefficientsAt: this.coefficientsAt.get(node),
        Planar: layout.kind === 'depthwise' ? 1 : 0,
        InZero: input.zero,
      },
      node.dynamic.kernels * kernelSize(node),
      { floats: { InScale: input.scale, OutScale: this.pictures.get(target)!.quantization!.scale } },
    )
    return fused
  }

  private placeCoefficients(vector: string): void {
    let at = 0
    for (const conv of dynamicConvs(this.graph, vector)) {
      this.coefficientsAt.set(conv, at)
      at += this.layouts.get(conv)!.lanes.length * conv.dynamic!.kernels * 4
    }
  }

  private residual(tensor: string, operands: Partial<Record<Operand, string>>): Partial<Record<Word, number>> {
    const picture = this.pictures.get(tensor)!
    operands.Side = tensor
    return {
      SideMode: Side.Add,
      SideAt: pixelAt(picture, 0),
      SideRow: rowBytes(picture),
      SidePixel: pixelBytes(picture),
      SideZero: picture.quantization?.zero,
    }
  }

  private passThrough(node: Shuffle, operands: Partial<Record<Operand, string>>): Partial<Record<Word, number>> {
    const picture = this.pictures.get(node.left.tensor)!
    operands.Side = node.left.tensor
    return {
      SideMode: { zip2: Side.Zip2, zip4: Side.Zip4, pairs: Side.ZipPairs }[zipOf(node)],
      SideAt: pixelAt(picture, 0) + (node.left.from ?? 0) * picture.bytes,
      SideRow: rowBytes(picture),
      SidePixel: pixelBytes(picture),
      SideGroup: zipOf(node) === 'zip4' ? (node.left.channels / 3) * picture.bytes : 0,
    }
  }

  private coefficients(input: Use, output: string): void {
    const pooled = `${output}.pooled`
    const { shape, lanes, quantization } = this.pictures.get(input.tensor)!
    const view =
      input.from === undefined
        ? lanes
        : Int32Array.from({ length: Math.ceil(input.channels / 4) * 4 }, (_, lane) =>
            lane < input.channels ? lane : -1,
          )
    this.pictures.set(pooled, {
      shape: { height: 1, width: 1, channels: shape.channels },
      lanes: view,
      border: 0,
      bytes: quantization ? 2 : 4,
    })
    this.globalPool(pooled, input, pooled)
    const node = this.graph.nodes[this.node] as Extract<Node, { op: 'coefficients' }>
    this.linear(node, node.name, pooled, output, LinearFunction.Sigmoid)
  }

  private globalPool(label: string, input: Use, output: string): void {
    const picture = this.pictures.get(input.tensor)!
    const { quantization } = picture
    const vector = this.pictures.get(output)!
    if (quantization) vector.bytes = 2
    const lanes = vector.lanes.length
    this.add(
      kernelFor('globalpool', dtypeOf(picture)),
      label,
      { In: input.tensor, Out: output },
      {
        Units: quantization ? Math.ceil(lanes / 8) : lanes / 4,
        Axis: Axis.Quads,
        Lanes: lanes,
        InAt: pixelAt(picture, 0) + (input.from ?? 0) * picture.bytes,
        InRow: rowBytes(picture),
        InPixel: pixelBytes(picture),
        InRows: picture.shape.height,
        InColumns: picture.shape.width,
        InZero: quantization?.zero,
      },
      0,
      quantization && { floats: { Ratio: meanRatio(picture.shape, input.channels, quantization) } },
    )
  }

  private linear(node: Node, name: string, input: string, output: string, activation: LinearFunction): void {
    const layout = this.layouts.get(node)!
    const dtype = layout.integer ? 'i8' : this.precision === 'w8' ? 'w8' : 'f32'
    const scales = { f32: {}, w8: { Scales: `${name}.scale` }, i8: { Factors: `${name}.factor` } }[dtype]
    this.add(
      kernelFor('linear', dtype),
      name,
      { In: input, Out: output, Weights: `${name}.weight`, Bias: `${name}.bias`, ...scales },
      {
        Units: Math.ceil(layout.lanes.length / 8),
        Axis: Axis.Panels,
        Depth: layout.taps.length,
        Lanes: layout.lanes.length,
        Activation: activation,
      },
      layout.taps.length * this.pictures.get(output)!.shape.channels,
    )
  }

  private maxPool(input: Use, output: string, kernel: number, stride: number): void {
    this.border(output)
    const from = this.pictures.get(input.tensor)!
    const to = this.pictures.get(output)!
    this.add(
      kernelFor('maxpool', dtypeOf(from)),
      output,
      { In: input.tensor, Out: output },
      {
        Units: to.shape.height,
        Axis: Axis.Rows,
        Lanes: to.lanes.length,
        Kernel: kernel,
        Stride: stride,
        InAt: pixelAt(from, 0),
        InRow: rowBytes(from),
        InPixel: pixelBytes(from),
        InRows: from.shape.height,
        InColumns: from.shape.width,
        OutAt: pixelAt(to, 0),
        OutRow: rowBytes(to),
        OutPixel: pixelBytes(to),
        Rows: to.shape.height,
        Columns: to.shape.width,
      },
    )
  }

  private convert(node: Quantize | Dequantize): void {
    this.border(node.output)
    const from = this.pictures.get(node.input.tensor)!
    const to = this.pictures.get(node.output)!
    const { scale, zero, bits } = (from.quantization ?? to.quantization)!
    const quantize = node.op === 'quantize'
    this.add(
      kernelFor(node.op, 'i8'),
      node.name,
      { In: node.input.tensor, Out: node.output },
      {
        Units: to.shape.height,
        Axis: Axis.Rows,
        Rows: to.shape.height,
        Columns: to.shape.width,
        Lanes: to.lanes.length,
        InAt: pixelAt(from, 0),
        InRow: rowBytes(from),
        InPixel: pixelBytes(from),
        OutAt: pixelAt(to, 0),
        OutRow: rowBytes(to),
        OutPixel: pixelBytes(to),
        Top: 2 ** bits - 1,
        ...(quantize ? { OutZero: zero } : { InZero: zero }),
      },
      0,
      { floats: quantize ? { OutScale: scale } : { InScale: scale } },
    )
  }

  private softmax(input: string, output: string): void {
    const picture = this.pictures.get(input)!
    const depth = usedLanes({ tensor: input, channels: picture.shape.channels }, picture.lanes).length
    this.add(
      kernelFor('softmax'),
      output,
      { In: input, Out: output },
      { Units: 1, Axis: Axis.Whole, Depth: depth, Lanes: picture.lanes.length },
    )
  }
}

const dtypeOf = (picture: Picture) => (picture.quantization ? 'i8' : 'f32')
const topOf = ({ bits }: Quantization) => 2 ** bits - 1

/** Weights of a convolution's kernels, of one fixed kernel per channel. */
function kernelSize(node: Conv): number {
  return (node.channels * node.input.channels * node.kernel * node.kernel) / node.groups
}
