import { Axis, Side } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import { roundEven } from '../../src/graph/integer.ts'
import { KERNELS } from '../../src/kernels.ts'
import { encodeProgram, type PlacedTensor, type PlannedStep } from '../../src/plan/program.ts'
import { reserve } from '../helpers/wasm.ts'

/** Loops of assembly/simd/dot.ts, by number; what a build lacks falls back to int16 words. */
export const LOOPS = { any: 0, dot: 1, pairs: 2, words: 3, bytes: 4, wide: 5 }

const GUARD = 64
/** What no output byte is likely to be: above 127. */
const POISON = 0xa5
const up = (bytes: number) => Math.ceil((bytes + 16) / 64) * 64

/** Operands of one step by name; the arena's are read back. */
export interface Operands {
  weights: Record<string, Int8Array | Int32Array | Float32Array>
  arena: Record<string, Uint8Array | Float32Array>
}

/** One step in a memory of its own, each tensor between poisoned guards. */
export class OneStep {
  private readonly places = new Map<string, { at: number; bytes: number }>()

  constructor(
    private readonly backend: Backend,
    readonly step: PlannedStep,
    operands: Operands,
  ) {
    const tensors: PlacedTensor[] = []
    const total = { weights: 0, arena: 0 }
    for (const base of ['weights', 'arena'] as const)
      for (const [name, data] of Object.entries(operands[base])) {
        // What follows a weight or a picture may be read, 64 and 16 bytes of it.
        const slack = base === 'weights' ? 64 : 16
        tensors.push({ name, base, offset: total[base] + GUARD, bytes: data.byteLength + slack })
        total[base] += GUARD + up(data.byteLength + slack)
      }
    total.weights += GUARD
    total.arena += GUARD
    const program = encodeProgram([step], tensors, total.weights, total.arena)
    const at = reserve(backend, up(program.length) + total.weights + total.arena)
    const weights = at + up(program.length)
    const arena = weights + total.weights
    const memory = new Uint8Array(backend.memory.buffer)
    memory.fill(POISON, at, arena + total.arena)
    memory.set(program, at)
    for (const { name, base, offset } of tensors) {
      const data = operands[base][name]
      const start = (base === 'weights' ? weights : arena) + offset
      memory.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start)
      this.places.set(name, { at: start, bytes: data.byteLength })
    }
    backend.exports.place(weights, total.weights, arena, total.arena)
    const status = backend.exports.verify(at, program.length)
    if (status) throw new Error(`verify gave ${status}`)
  }

  /** Runs it in `threads` shares, with one of LOOPS. */
  run(loop = LOOPS.any, threads = 1): void {
    this.backend.exports.useLoop(loop)
    for (let thread = 0; thread < threads; ++thread) {
      const status = this.backend.exports.run(0, 1, thread, threads)
      if (status) throw new Error(`run gave ${status}`)
    }
    this.backend.exports.useLoop(LOOPS.any)
  }

  /** Fills a tensor with poison and gives its bytes, or what lies there after a run. */
  poison(name: string): Uint8Array {
    return this.view(name, 0).fill(POISON)
  }

  read(name: string): Uint8Array {
    return this.view(name, 0).slice()
  }

  /** Throws where bytes around a tensor were written. */
  checkGuards(name: string): void {
    const { bytes } = this.places.get(name)!
    const around = this.view(name, GUARD / 2)
    for (let i = 0; i < around.length; ++i)
      if (around[i] !== POISON && (i < GUARD / 2 || i >= GUARD / 2 + bytes))
        throw new Error(`byte ${i - GUARD / 2} of ${name}, which has ${bytes}, was written`)
  }

  private view(name: string, margin: number): Uint8Array {
    const { at, bytes } = this.places.get(name)!
    return new Uint8Array(this.backend.memory.buffer, at - margin, bytes + 2 * margin)
  }
}

/** A convolution on bytes, its numbers in plain order. */
export interface Convolution {
  kernel: number
  stride: number
  /** Output. */
  height: number
  width: number
  /** Input lanes of a tap and bytes between pixels, each a multiple of 4; output lanes. */
  taps: number
  pixel: number
  lanes: number
  top: 127 | 255
  mode: Side
  /** Bytes between the three groups that pass through (Side.Zip4). */
  group: number
  outZero: number
  sideZero: number
  low: number
  high: number
  ratio: number
  byPanels: boolean
  block: number
  input: Uint8Array
  /** [lanes][kernel * kernel * taps] */
  weight: Int8Array
  bias: Int32Array
  factor: Float32Array
  side: Uint8Array
}

/** Output lanes of a pixel: the convolution's, or with those that pass through. */
export const outLanes = ({ lanes, mode }: Convolution) =>
  mode === Side.Zip4 ? 4 * lanes : mode === Side.Zip2 || mode === Side.ZipPairs ? 2 * lanes : lanes
const quads = (lanes: number) => 4 * Math.ceil(lanes / 4)
/** Bytes of a pixel of the output: a quad between pixels shows stores past the lanes. */
const outPixel = (conv: Convolution) => quads(outLanes(conv)) + 4
const sidePixel = (conv: Convolution) => quads(conv.mode === Side.Zip4 ? 3 * conv.group : conv.lanes)
const inRow = (conv: Convolution) => ((conv.width - 1) * conv.stride + conv.kernel) * conv.pixel
export const inputBytes = (conv: Convolution) => ((conv.height - 1) * conv.stride + conv.kernel) * inRow(conv)
export const sideBytes = (conv: Convolution) => conv.height * conv.width * sidePixel(conv)

/** The step of a convolution and its packed operands. */
export function convolutionStep(conv: Convolution): { step: PlannedStep; operands: Operands } {
  const { kernel, stride, height, width, taps, pixel, lanes, mode } = conv
  const depth = kernel * kernel * taps
  const panels = Math.ceil(lanes / 8)
  const packed = new Int8Array(panels * 8 * depth)
  for (let lane = 0; lane < lanes; ++lane)
    for (let k = 0; k < depth; ++k)
      packed[((lane >> 3) * (depth >> 2) + (k >> 2)) * 32 + (lane & 7) * 4 + (k & 3)] = conv.weight[lane * depth + k]
  const bias = new Int32Array(panels * 8)
  bias.set(conv.bias)
  const factor = new Float32Array(panels * 8)
  factor.set(conv.factor)
  const pointwise = kernel === 1
  const step: PlannedStep = {
    kernel: KERNELS.find((row) => row.name === (pointwise ? 'i8_pointwise_4x8' : 'i8_full_4x8'))!,
    node: 0,
    label: 'conv',
    operands: {
      In: 'in',
      Out: 'out',
      Weights: 'weight',
      Bias: 'bias',
      Factors: 'factor',
      ...(mode && { Side: 'side' }),
    },
    words: {
      Units: pointwise ? (conv.byPanels ? panels : Math.ceil((height * width) / 8)) : height,
      Axis: pointwise ? (conv.byPanels ? Axis.Panels : Axis.Pixels) : Axis.Rows,
      // A stride is a wider pixel to a pointwise convolution.
      InRow: inRow(conv) * (pointwise ? stride : 1),
      InPixel: pixel * (pointwise ? stride : 1),
      OutRow: width * outPixel(conv),
      OutPixel: outPixel(conv),
      Rows: height,
      Columns: width,
      Depth: depth,
      Lanes: lanes,
      Stride: pointwise ? 1 : stride,
      Kernel: kernel,
      SideRow: mode ? width * sidePixel(conv) : 0,
      SidePixel: mode ? sidePixel(conv) : 0,
      SideMode: mode,
      SideGroup: mode === Side.Zip4 ? conv.group : 0,
      Block: pointwise ? conv.block : 0,
      OutZero: conv.outZero,
      SideZero: conv.sideZero,
      Top: conv.top,
    },
    multiplyAdds: 0,
    low: conv.low,
    high: conv.high,
    floats: { Ratio: conv.ratio },
  }
  return {
    step,
    operands: {
      weights: { weight: packed, bias, factor },
      arena: { in: conv.input, side: conv.side, out: new Uint8Array(height * width * outPixel(conv)) },
    },
  }
}

const f = Math.fround

/** What the step writes, byte by byte as docs/quantization.md says; bytes between pixels are `poisoned`. */
export function convolved(conv: Convolution, poisoned: Uint8Array): Uint8Array {
  const { kernel, stride, height, width, taps, pixel, lanes, mode } = conv
  const out = poisoned.slice()
  for (let m = 0; m < height * width; ++m) {
    const to = m * outPixel(conv)
    const from = m * sidePixel(conv)
    const origin = Math.floor(m / width) * stride * inRow(conv) + (m % width) * stride * pixel
    for (let lane = 0; lane < lanes; ++lane) {
      let sum = conv.bias[lane]
      for (let i = 0; i < kernel; ++i)
        for (let j = 0; j < kernel; ++j)
          for (let k = 0; k < taps; ++k)
            sum +=
              conv.input[origin + i * inRow(conv) + j * pixel + k] *
              conv.weight[((lane * kernel + i) * kernel + j) * taps + k]
      if (Math.abs(sum) >= 2 ** 31) throw new Error('the sum leaves int32')
      let v = f(f(sum) * conv.factor[lane])
      if (mode === Side.Add) v = f(v + f(f(conv.side[from + lane] - conv.sideZero) * conv.ratio))
      const q = Math.min(Math.max(roundEven(v + conv.outZero), conv.low), conv.high)
      if (mode === Side.Zip4) {
        for (let g = 0; g < 3; ++g) out[to + 4 * lane + g] = conv.side[from + g * conv.group + lane]
        out[to + 4 * lane + 3] = q
      } else if (mode === Side.Zip2) {
        out[to + 2 * lane] = conv.side[from + lane]
        out[to + 2 * lane + 1] = q
      } else if (mode === Side.ZipPairs) {
        out[to + 4 * (lane >> 1) + (lane & 1)] = conv.side[from + lane]
        out[to + 4 * (lane >> 1) + 2 + (lane & 1)] = q
      } else out[to + lane] = q
    }
  }
  return out
}
