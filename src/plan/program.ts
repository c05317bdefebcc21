import { Base, Header, PROGRAM_MAGIC, PROGRAM_VERSION, Step, Tensor } from '../../assembly/program/format.ts'
import type { Kernel } from '../kernels.ts'

/** A tensor of the program: a bundle's weight by its offset, or arena memory. */
export interface PlacedTensor {
  name: string
  base: 'weights' | 'arena'
  offset: number
  bytes: number
}

/** Words that name a tensor. */
export type Operand = 'In' | 'Out' | 'Weights' | 'Bias' | 'Side' | 'Coefficients' | 'Scales' | 'Factors' | 'Kept'

/** One step, readable: the words of assembly/program/format.ts that its kernel uses, tensors by name. */
export interface PlannedStep {
  kernel: Kernel
  node: number
  label: string
  operands: Partial<Record<Operand, string>>
  words: Partial<Record<Word, number>>
  /** Of the network, padding lanes not counted; 0 for steps that the papers do not count. */
  multiplyAdds: number
  /** Bounds of the output; of an int8 output as integers. */
  low?: number
  high?: number
  /** float32 words. */
  floats?: Partial<Record<FloatWord, number>>
}

const WORDS = {
  Units: Step.Units,
  Axis: Step.Axis,
  InAt: Step.InAt,
  InRow: Step.InRow,
  InPixel: Step.InPixel,
  InRows: Step.InRows,
  InColumns: Step.InColumns,
  OutAt: Step.OutAt,
  OutRow: Step.OutRow,
  OutPixel: Step.OutPixel,
  Rows: Step.Rows,
  Columns: Step.Columns,
  Depth: Step.Depth,
  Lanes: Step.Lanes,
  Stride: Step.Stride,
  Kernel: Step.Kernel,
  SideAt: Step.SideAt,
  SideRow: Step.SideRow,
  SidePixel: Step.SidePixel,
  SideMode: Step.SideMode,
  SideGroup: Step.SideGroup,
  Block: Step.Block,
  CoefficientsAt: Step.CoefficientsAt,
  Group: Step.Group,
  Activation: Step.Activation,
  InZero: Step.InZero,
  OutZero: Step.OutZero,
  SideZero: Step.SideZero,
  Top: Step.Top,
  Planar: Step.Planar,
  Holes: Step.Holes,
  Keeps: Step.Keeps,
  Grain: Step.Grain,
  Beside: Step.Beside,
}
export type Word = keyof typeof WORDS

const FLOAT_WORDS = { InScale: Step.InScale, OutScale: Step.OutScale, Ratio: Step.Ratio, Tolerance: Step.Tolerance }
export type FloatWord = keyof typeof FLOAT_WORDS

const OPERANDS: Record<Operand, number> = {
  In: Step.In,
  Out: Step.Out,
  Weights: Step.Weights,
  Bias: Step.Bias,
  Side: Step.Side,
  Coefficients: Step.Coefficients,
  Scales: Step.Scales,
  Factors: Step.Factors,
  Kept: Step.Kept,
}

/** The binary program (docs/program.md): little-endian words, position-independent. */
export function encodeProgram(
  steps: PlannedStep[],
  tensors: PlacedTensor[],
  weightBytes: number,
  arenaBytes: number,
): Uint8Array<ArrayBuffer> {
  const bytes = (Header.Words + tensors.length * Tensor.Words + steps.length * Step.Words) * 4
  const view = new DataView(new ArrayBuffer(bytes))
  const put = (word: number, value: number) => view.setUint32(word * 4, value, true)
  put(Header.Magic, PROGRAM_MAGIC)
  put(Header.Version, PROGRAM_VERSION)
  put(Header.Bytes, bytes)
  put(Header.Tensors, tensors.length)
  put(Header.Steps, steps.length)
  put(Header.WeightBytes, weightBytes)
  put(Header.ArenaBytes, arenaBytes)
  let at: number = Header.Words
  const index = new Map<string, number>()
  for (const tensor of tensors) {
    index.set(tensor.name, index.size)
    put(at + Tensor.Base, tensor.base === 'weights' ? Base.Weights : Base.Arena)
    put(at + Tensor.Offset, tensor.offset)
    put(at + Tensor.Bytes, tensor.bytes)
    at += Tensor.Words
  }
  for (const step of steps) {
    put(at + Step.Op, step.kernel.op)
    put(at + Step.Node, step.node)
    for (const [word, value] of Object.entries(step.words)) put(at + WORDS[word as Word], value)
    for (const [operand, name] of Object.entries(step.operands))
      put(at + OPERANDS[operand as Operand], index.get(name)!)
    if (step.kernel.dtype === 'i8') {
      put(at + Step.Low, step.low ?? 0)
      put(at + Step.High, step.high ?? 0)
    } else {
      view.setFloat32((at + Step.Low) * 4, step.low ?? Number.NEGATIVE_INFINITY, true)
      view.setFloat32((at + Step.High) * 4, step.high ?? Number.POSITIVE_INFINITY, true)
    }
    for (const [word, value] of Object.entries(step.floats ?? {}))
      view.setFloat32((at + FLOAT_WORDS[word as FloatWord]) * 4, value, true)
    at += Step.Words
  }
  return new Uint8Array(view.buffer)
}
