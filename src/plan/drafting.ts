import { Axis } from '../../assembly/program/format.ts'
import { DynedgeError } from '../errors.ts'
import { type Conv, type Graph, inferShapes, type Node, type Shuffle } from '../graph/graph.ts'
import { type Kernel, kernelFor } from '../kernels.ts'
import { assignLanes, consumers, convKind, dynamicConvs } from './lanes.ts'
import { dtypeOf, type Picture, pixelBytes, rowBytes } from './pictures.ts'
import type { Operand, PlannedStep, Word } from './program.ts'
import { type Precision, storedLane, type WeightLayout, weightLayouts } from './weights.ts'

/** What planning a network has made so far; each step is added by the function that knows its kind. */
export class Drafting {
  readonly steps: PlannedStep[] = []
  readonly scratch = new Map<string, number>()
  readonly pictures = new Map<string, Picture>()
  readonly layouts = new Map<Node, WeightLayout>()
  /** Right half of a shuffle -> the shuffle that its convolution writes. */
  readonly woven = new Map<string, Shuffle>()
  /** Byte offset of a convolution's coefficients in the vector of its block. */
  readonly coefficientsAt = new Map<Conv, number>()
  node = 0

  constructor(
    readonly graph: Graph,
    readonly precision: Precision,
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

  add(
    kernel: Kernel,
    label: string,
    operands: Partial<Record<Operand, string>>,
    words: Partial<Record<Word, number>>,
    multiplyAdds = 0,
    more: Pick<PlannedStep, 'low' | 'high' | 'floats'> = {},
  ): void {
    const Grain = grainOf(kernel, words, multiplyAdds)
    this.steps.push({ kernel, node: this.node, label, operands, words: { ...words, Grain }, multiplyAdds, ...more })
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
  border(tensor: string): void {
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

  private placeCoefficients(vector: string): void {
    let at = 0
    for (const conv of dynamicConvs(this.graph, vector)) {
      this.coefficientsAt.set(conv, at)
      const { lanes, integer } = this.layouts.get(conv)!
      at += (integer ? storedLane(lanes, lanes.length) : lanes.length) * conv.dynamic!.kernels * 4
    }
  }
}

/** Multiply-adds, or what takes as long, that a thread should do at a time: a microsecond or two, many times what taking them costs. */
const GRAIN_WORK = 50_000

/** Units of a step that are worth a thread's while; all of them where the whole step is not. */
function grainOf({ does }: Kernel, words: Partial<Record<Word, number>>, multiplyAdds: number): number {
  const { Units = 1, Rows = 1, Columns = 1, InRows = Rows, InColumns = Columns, Lanes = 4, Depth = 1 } = words
  // Weights that are used once come from memory, at a quarter of the rate.
  const once = does === 'fuse' || does === 'linear' || does === 'expand' ? 4 : 1
  const work = (multiplyAdds || InRows * InColumns * Lanes * (does === 'expand' ? Depth : 1)) * once
  // Quads of a pooled pixel: whole cache lines; 8 pixels: what tiles of 6 or 8 fill.
  const multiple = does === 'globalpool' ? 16 : words.Axis === Axis.Pixels ? 3 : 1
  return Math.min(Units, Math.ceil((GRAIN_WORK * Units) / work / multiple) * multiple)
}
