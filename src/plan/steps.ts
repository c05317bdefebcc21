import { Axis, Activation as LinearFunction, Side } from '../../assembly/program/format.ts'
import { DynedgeError } from '../errors.ts'
import { type Conv, type Graph, inferShapes, type Node, type Shape, type Shuffle, type Use } from '../graph/graph.ts'
import { type Kernel, kernelFor } from '../kernels.ts'
import { assignLanes, consumers, convKind, dynamicConvs, type Lanes, zipOf } from './lanes.ts'
import type { Operand, PlannedStep, Word } from './program.ts'
import { type Precision, usedLanes, type WeightLayout, weightLayouts } from './weights.ts'

/** An activation in the arena: NHWC float32, `border` zero pixels around it, every pixel `lanes` long. */
export interface Picture {
  shape: Shape
  lanes: Lanes
  border: number
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
const BYTES = 4
/** Weights of the panels that stay in L1 while the pixels of a pointwise convolution pass. */
const BLOCK_BYTES = 16 * 1024

export const pixelBytes = (picture: Picture) => picture.lanes.length * BYTES
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
      this.pictures.set(tensor, { shape, lanes: lanes.get(tensor)!, border: borders.get(tensor) ?? 0 })
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
    bounds = {},
  ): void {
    this.steps.push({ kernel, node: this.node, label, operands, words, multiplyAdds, ...bounds })
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

  /** Zeroes the frame of `tensor`, if it has one, before its pixels are written. */
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
    }
    this.add(kernelFor('border'), `${tensor}.border`, { Out: tensor }, words)
  }

  private convolution(node: Conv): void {
    const layout = this.layouts.get(node)!
    const [weights, bias] = this.weightsOf(node, layout)
    const shuffle = this.woven.get(node.output)
    const target = shuffle ? shuffle.output : node.output
    this.border(target)
    const output = this.pictures.get(target)!
    const input = this.pictures.get(node.input.tensor)!
    const { height, width } = output.shape
    const operands: Partial<Record<Operand, string>> = {
      In: node.input.tensor,
      Out: target,
      Weights: weights,
      Bias: bias,
    }
    const side = shuffle
      ? this.passThrough(shuffle, operands)
      : node.residual
        ? this.residual(node.residual, operands)
        : {}
    const words: Partial<Record<Word, number>> = {
      InAt: pixelAt(input, node.padding) + (node.input.from ?? 0) * BYTES,
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
      ...side,
    }
    if (layout.kind === 'pointwise') this.pointwise(node, layout, words)
    else Object.assign(words, { Units: height, Axis: Axis.Rows })
    const low = node.activation === 'none' ? undefined : 0
    const high = node.activation === 'relu6' ? 6 : undefined
    this.add(
      kernelFor(layout.kind as Exclude<typeof layout.kind, 'linear'>),
      node.name,
      operands,
      words,
      height * width * kernelSize(node),
      { low, high },
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
    words.Block = Math.max(1, Math.floor(BLOCK_BYTES / (layout.taps.length * 32)))
    // Few pixels and many panels (the last layers): threads share panels.
    Object.assign(
      words,
      units < 8 && panels > units ? { Units: panels, Axis: Axis.Panels } : { Units: units, Axis: Axis.Pixels },
    )
  }

  /** Names of the f32 weight and bias that a convolution reads: the bundle's, or scratch filled by the step before. */
  private weightsOf(node: Conv, layout: WeightLayout): [weights: string, bias: string] {
    const { name } = node
    const quads = layout.lanes.length / 4
    if (!node.dynamic && this.precision === 'f32') return [`${name}.weight`, `${name}.bias`]
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
    const scales = this.precision === 'w8' ? { Scales: `${name}.scale` } : {}
    if (!node.dynamic) {
      this.add(kernelFor('expand', 'w8'), `${name}.expand`, { Out: fused, Weights: `${name}.weight`, ...scales }, words)
      return [fused, `${name}.bias`]
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
    this.add(
      kernelFor('fuse', this.precision),
      `${name}.fuse`,
      operands,
      words,
      node.dynamic.kernels * kernelSize(node),
    )
    return [fused, bias]
  }

  private placeCoefficients(vector: string): void {
    let at = 0
    for (const conv of dynamicConvs(this.graph, vector)) {
      this.coefficientsAt.set(conv, at)
      at += this.layouts.get(conv)!.lanes.length * conv.dynamic!.kernels * BYTES
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
    }
  }

  private passThrough(node: Shuffle, operands: Partial<Record<Operand, string>>): Partial<Record<Word, number>> {
    const picture = this.pictures.get(node.left.tensor)!
    operands.Side = node.left.tensor
    return {
      SideMode: { zip2: Side.Zip2, zip4: Side.Zip4, pairs: Side.ZipPairs }[zipOf(node)],
      SideAt: pixelAt(picture, 0) + (node.left.from ?? 0) * BYTES,
      SideRow: rowBytes(picture),
      SidePixel: pixelBytes(picture),
      SideGroup: zipOf(node) === 'zip4' ? (node.left.channels / 3) * BYTES : 0,
    }
  }

  private coefficients(input: Use, output: string): void {
    const pooled = `${output}.pooled`
    const { shape, lanes } = this.pictures.get(input.tensor)!
    const view =
      input.from === undefined
        ? lanes
        : Int32Array.from({ length: Math.ceil(input.channels / 4) * 4 }, (_, lane) =>
            lane < input.channels ? lane : -1,
          )
    this.pictures.set(pooled, { shape: { height: 1, width: 1, channels: shape.channels }, lanes: view, border: 0 })
    this.globalPool(pooled, input, pooled)
    const node = this.graph.nodes[this.node] as Extract<Node, { op: 'coefficients' }>
    this.linear(node, node.name, pooled, output, LinearFunction.Sigmoid)
  }

  private globalPool(label: string, input: Use, output: string): void {
    const picture = this.pictures.get(input.tensor)!
    const lanes = this.pictures.get(output)!.lanes.length
    this.add(
      kernelFor('globalpool'),
      label,
      { In: input.tensor, Out: output },
      {
        Units: lanes / 4,
        Axis: Axis.Quads,
        Lanes: lanes,
        InAt: pixelAt(picture, 0) + (input.from ?? 0) * BYTES,
        InRow: rowBytes(picture),
        InPixel: pixelBytes(picture),
        InRows: picture.shape.height,
        InColumns: picture.shape.width,
      },
    )
  }

  private linear(node: Node, name: string, input: string, output: string, activation: LinearFunction): void {
    const layout = this.layouts.get(node)!
    const scales = this.precision === 'w8' ? { Scales: `${name}.scale` } : {}
    this.add(
      kernelFor('linear', this.precision),
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
      kernelFor('maxpool'),
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

/** Weights of a convolution's kernels, of one fixed kernel per channel. */
function kernelSize(node: Conv): number {
  return (node.channels * node.input.channels * node.kernel * node.kernel) / node.groups
}
