import { expect } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { type StateDict, seededState } from '../../src/graph/parameters.ts'
import { quantizeGraph, type Ranges, rangeGroups } from '../../src/pack/quantize-graph.ts'
import { runReference } from '../../src/reference.ts'
import { runInt8Reference } from '../../src/reference-int8.ts'
import { Placed } from '../helpers/run.ts'
import { randomFrom, seed, tolerance } from '../helpers/wasm.ts'
import type { Case } from './cases.ts'

/** Kernels of the table that a comparison has run, by name. */
export const used = new Set<string>()

type Random = () => number

/** What values a network meets: ordinary ones, or those at the ends of every range. */
export const MOODS = {
  ordinary: {},
  /** Weights of +-127 only, sums as long as they get. */
  largest: { weights: (value: number) => 0.25 * Math.sign(value) },
  /** Channels without weights, or with weights that are nothing beside the bias. */
  dead: { weights: (value: number, random: Random) => value * pick([1, 0, 1e-12, 1e-30, 1e-42], random), rows: true },
  /** Coefficients of 0 and 1, and all that float32 has between. */
  saturated: { coefficients: 60 },
  /** Biases that weights must make room for. */
  biased: { biases: 1e6 },
} satisfies Record<string, Mood>

interface Mood {
  /** Changes weights of more than one dimension; with `rows`, by one draw per row. */
  weights?: (value: number, random: Random) => number
  rows?: boolean
  /** Gain of coefficient modules. */
  coefficients?: number
  /** Gain of the biases of a few channels. */
  biases?: number
}

export interface Options {
  bits: 7 | 8
  mood: keyof typeof MOODS
  keep?: string[]
}

/**
 * Every tensor of a graph in integers, in one share and in 2, 3 and 5, equal to the plain reference: integers, and float32 bits. Nodes in
 * float32 are compared within their rounding, and the reference goes on with the kernels' values.
 */
export function compareIntegers(
  backend: Backend,
  { graph, height, width, what }: Case,
  { bits, mood, keep = [] }: Options,
): void {
  const context = `${what} ${height}x${width} ${bits} bits, ${mood}, keep [${keep}] SEED=${seed}`
  const random = randomFrom(seed)
  const picture = Float32Array.from({ length: height * width * 3 }, () => random() * 4 - 2)
  const state = moodyState(graph, MOODS[mood], random)
  const quantized = quantizeGraph(graph, randomRanges(graph, state, picture, height, width, bits, keep, random), {
    keep,
    bits,
  })
  // A tensor that a pass-through reads, or that nobody asks for, is read while its memory is its own.
  quantized.outputs = everyTensor(quantized)
  const placed = new Placed(backend, quantized, state, 'int8', height, width)
  for (const { kernel } of placed.plan.steps) used.add(kernel.name)
  placed.run(picture)
  const biases = [...state].reduce(
    (most, [name, { data }]) => (name.endsWith('.bias') ? Math.max(most, largest(data)) : most),
    0,
  )
  const found = (tensor: string) => placed.read(tensor)
  const expected = runInt8Reference(quantized, state, picture, height, width, (tensor, data) => {
    if (!placed.plan.pictures.has(tensor)) return data
    const values = found(tensor)
    // Before a sigmoid sums are as large as their biases.
    const bound = tolerance(256, Math.max(1, largest(data), biases))
    const wrong = values.findIndex((value, i) => !(Math.abs(value - data[i]) <= bound))
    if (wrong >= 0)
      expect.fail(`float32 ${tensor}[${wrong}] is ${values[wrong]}, expected ${data[wrong]} +- ${bound}; ${context}`)
    return values
  })
  for (const [tensor, { data }] of expected) {
    if (!placed.plan.pictures.has(tensor)) continue
    const values = found(tensor)
    expect(values.length, `${tensor} ${context}`).toBe(data.length)
    const wrong = values.findIndex((value, i) => !Object.is(value + 0, data[i] + 0))
    if (wrong >= 0)
      expect.fail(`${tensor}[${wrong}] of ${data.length} is ${values[wrong]}, expected ${data[wrong]}; ${context}`)
  }
  const arena = placed.arena()
  for (const threads of [2, 3, 5]) {
    placed.run(picture, threads)
    if (Buffer.compare(arena, placed.arena()) !== 0) expect.fail(`${threads} shares differ from one; ${context}`)
  }
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

/** Right halves of shuffles exist only within them. */
function everyTensor(graph: Graph): Record<string, string> {
  const halves = new Set(graph.nodes.map((node) => (node.op === 'shuffle' ? node.right.tensor : '')))
  const names = [graph.input, ...graph.nodes.map(({ output }) => output)].filter((tensor) => !halves.has(tensor))
  return Object.fromEntries(names.map((tensor) => [tensor, tensor]))
}

function moodyState(graph: Graph, mood: Mood, random: Random): StateDict {
  const state = seededState(graph, seed, { coefficients: mood.coefficients ?? 3 })
  for (const [name, { shape, data }] of state) {
    const { weights, biases } = mood
    if (weights && shape.length > 1) {
      const length = mood.rows ? data.length / shape[0] : 1
      for (let row = 0; row < data.length; row += length) {
        // The first stays: a layer of nothing but vanishing weights is refused.
        const draw = row === 0 ? 0 : random()
        for (let k = row; k < row + length; ++k) data[k] = weights(data[k], () => draw)
      }
    } else if (biases && name.endsWith('.bias'))
      for (let i = 0; i < data.length; ++i) data[i] *= random() < 0.3 ? biases : 1
  }
  return state
}

/**
 * What calibration on this very picture would find; or narrower, so that values saturate; or wider, so that few integers are left; or with
 * any zero point.
 */
function randomRanges(
  graph: Graph,
  state: StateDict,
  picture: Float32Array,
  height: number,
  width: number,
  bits: 7 | 8,
  keep: string[],
  random: Random,
): Ranges {
  const tensors = runReference(graph, state, 'f32', picture, height, width)
  const ranges = new Map<string, { low: number; high: number } | { scale: number; zero: number }>()
  const top = 2 ** bits - 1
  for (const group of rangeGroups(graph, keep)) {
    let [low, high] = [-1e-3, 1e-3]
    for (const tensor of group)
      for (const value of tensors.get(tensor)!.data) {
        low = Math.min(low, value)
        high = Math.max(high, value)
      }
    const factor = pick([1, 1, 1, 0.5, 0.1, 0.01, 10], random)
    const stored = { scale: Math.fround(((high - low) * factor) / top), zero: Math.floor(random() * (top + 1)) }
    const any = random() < 0.3
    for (const tensor of group) ranges.set(tensor, any ? stored : { low: low * factor, high: high * factor })
  }
  return ranges
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)]
}
