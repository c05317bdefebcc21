import { Axis, Side } from '../../assembly/program/format.ts'
import type { Conv, Shuffle } from '../graph/graph.ts'
import { kernelFor } from '../kernels.ts'
import type { Drafting } from './drafting.ts'
import { zipOf } from './lanes.ts'
import { beside, reading, topOf, writing } from './pictures.ts'
import type { Operand, Word } from './program.ts'
import { bounds } from './steps-int8.ts'
import { holesOf, integerDepth, type WeightLayout, wholeLanes } from './weights.ts'

/**
 * Depths of the panels that stay in cache while the pixels of a pointwise convolution pass, all together: 128 KB of float32 (L2) or 16 KB
 * of int8 (L1), eight lanes each.
 */
const BLOCK_DEPTHS = 4096
const INTEGER_BLOCK_DEPTHS = 2048

/** The steps of a convolution: its kernel made, its frame, itself. */
export function convolution(draft: Drafting, node: Conv): void {
  const layout = draft.layouts.get(node)!
  const weights = layout.integer ? integerWeights(draft, node, layout) : weightsOf(draft, node, layout)
  const shuffle = draft.woven.get(node.output)
  const target = shuffle ? shuffle.output : node.output
  draft.border(target)
  const output = draft.pictures.get(target)!
  const input = draft.pictures.get(node.input.tensor)!
  const { height, width } = output.shape
  const operands: Partial<Record<Operand, string>> = {
    In: node.input.tensor,
    Out: target,
    ...weights,
  }
  const side = shuffle
    ? passThrough(draft, shuffle, operands)
    : node.residual
      ? residual(draft, node.residual, operands)
      : {}
  const words: Partial<Record<Word, number>> = {
    ...reading(input, node.input, node.padding),
    ...writing(output),
    Depth: layout.taps.length,
    // Zipped, only real channels may be stored: the next pixel begins right behind them.
    Lanes: shuffle ? node.channels : layout.lanes.length,
    Stride: node.stride,
    Kernel: node.kernel,
    ...(output.quantization && { OutZero: output.quantization.zero, Top: topOf(input.quantization!) }),
    ...side,
  }
  if (layout.kind === 'pointwise') pointwise(node, layout, words)
  else Object.assign(words, { Units: height, Axis: Axis.Rows })
  const added = node.residual && draft.pictures.get(node.residual)?.quantization
  draft.add(
    kernelFor(layout.kind as Exclude<typeof layout.kind, 'linear'>, layout.integer ? 'i8' : 'f32'),
    node.name,
    operands,
    words,
    height * width * kernelSize(node),
    {
      ...bounds(node.activation, output.quantization),
      ...(added && { floats: { Ratio: added.scale / output.quantization!.scale } }),
    },
  )
}

/** A stride is a wider pixel; a picture without gaps is one long row. */
function pointwise(node: Conv, layout: WeightLayout, words: Partial<Record<Word, number>>): void {
  words.InRow! *= node.stride
  words.InPixel! *= node.stride
  words.Stride = 1
  const flat = (row?: number, pixel?: number) => row === words.Columns! * pixel!
  const flatSide = !words.SideMode || flat(words.SideRow, words.SidePixel)
  if (flat(words.InRow, words.InPixel) && flat(words.OutRow, words.OutPixel) && flatSide) {
    words.Columns = words.Rows! * words.Columns!
    words.Rows = 1
  }
  const panels = Math.ceil(layout.lanes.length / 8)
  const units = Math.ceil((words.Rows! * words.Columns!) / 8)
  const depths = layout.integer ? INTEGER_BLOCK_DEPTHS : BLOCK_DEPTHS
  words.Block = Math.floor(depths / layout.taps.length) || 1
  // Few pixels and many panels (the last layers): threads share panels.
  Object.assign(
    words,
    units < 8 && panels > units ? { Units: panels, Axis: Axis.Panels } : { Units: units, Axis: Axis.Pixels },
  )
}

/** Names of the f32 weight and bias that a convolution reads: the bundle's, or scratch filled by the step before. */
function weightsOf(draft: Drafting, node: Conv, layout: WeightLayout): Partial<Record<Operand, string>> {
  const { name } = node
  const quads = layout.lanes.length / 4
  const stored = draft.precision === 'w8' ? 'w8' : 'f32'
  if (!node.dynamic && stored === 'f32') return { Weights: `${name}.weight`, Bias: `${name}.bias` }
  const depth = layout.taps.length
  const fused = `${name}.${node.dynamic ? 'fused' : 'expanded'}`
  draft.scratch.set(fused, quads * depth * 16)
  const words: Partial<Record<Word, number>> = {
    Units: quads,
    Axis: Axis.Quads,
    Depth: depth,
    Lanes: layout.lanes.length,
    Block: layout.block,
  }
  const scales = stored === 'w8' ? { Scales: `${name}.scale` } : {}
  if (!node.dynamic) {
    draft.add(kernelFor('expand', 'w8'), `${name}.expand`, { Out: fused, Weights: `${name}.weight`, ...scales }, words)
    return { Weights: fused, Bias: `${name}.bias` }
  }
  const bias = `${name}.fused_bias`
  draft.scratch.set(bias, quads * 16)
  const operands = {
    Out: fused,
    Side: bias,
    Weights: `${name}.weight`,
    Bias: `${name}.bias`,
    Coefficients: node.dynamic.coefficients,
    ...scales,
  }
  words.Group = node.dynamic.kernels
  words.CoefficientsAt = draft.coefficientsAt.get(node)
  draft.add(kernelFor('fuse', stored), `${name}.fuse`, operands, words, node.dynamic.kernels * kernelSize(node))
  return { Weights: fused, Bias: bias }
}

/** The same for integers: weights, int32 bias and float32 factors. */
function integerWeights(draft: Drafting, node: Conv, layout: WeightLayout): Partial<Record<Operand, string>> {
  const { name } = node
  if (!node.dynamic) return { Weights: `${name}.weight`, Bias: `${name}.bias`, Factors: `${name}.factor` }
  const fused = { Weights: `${name}.fused`, Bias: `${name}.fused_bias`, Factors: `${name}.fused_factor` }
  const whole = wholeLanes(layout)
  draft.scratch.set(fused.Weights, whole * layout.taps.length)
  draft.scratch.set(fused.Bias, whole * 4)
  draft.scratch.set(fused.Factors, whole * 4)
  const target = draft.woven.get(node.output)?.output ?? node.output
  const input = draft.pictures.get(node.input.tensor)!.quantization!
  draft.add(
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
      CoefficientsAt: draft.coefficientsAt.get(node),
      Planar: layout.kind === 'depthwise' ? 1 : 0,
      Holes: holesOf(layout.lanes),
      InZero: input.zero,
    },
    node.dynamic.kernels * kernelSize(node),
    { floats: { InScale: input.scale, OutScale: draft.pictures.get(target)!.quantization!.scale } },
  )
  return fused
}

function residual(
  draft: Drafting,
  tensor: string,
  operands: Partial<Record<Operand, string>>,
): Partial<Record<Word, number>> {
  const picture = draft.pictures.get(tensor)!
  operands.Side = tensor
  return { ...beside(picture, 0), SideMode: Side.Add, SideZero: picture.quantization?.zero }
}

function passThrough(
  draft: Drafting,
  node: Shuffle,
  operands: Partial<Record<Operand, string>>,
): Partial<Record<Word, number>> {
  const picture = draft.pictures.get(node.left.tensor)!
  operands.Side = node.left.tensor
  return {
    ...beside(picture, node.left.from),
    SideMode: { zip2: Side.Zip2, zip4: Side.Zip4, pairs: Side.ZipPairs }[zipOf(node)],
    SideGroup: zipOf(node) === 'zip4' ? (node.left.channels / 3) * picture.bytes : 0,
  }
}

/** Weights of a convolution's kernels, of one fixed kernel per channel. */
function kernelSize(node: Conv): number {
  return (node.channels * node.input.channels * node.kernel * node.kernel) / node.groups
}
