import { expect } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import type { Conv, Graph } from '../../src/graph/graph.ts'
import { type StateDict, seededState } from '../../src/graph/parameters.ts'
import { assignLanes } from '../../src/plan/lanes.ts'
import type { PlannedStep } from '../../src/plan/program.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { runReference } from '../../src/reference.ts'
import { quantized } from '../helpers/quantized.ts'
import { Placed } from '../helpers/run.ts'
import { tolerance as rounding, seed } from '../helpers/wasm.ts'
import type { Case } from './cases.ts'

/** What kept.ts says of four lanes after a run. */
export const FUSED = 1
export const KEPT = 2

/** A network twice: one keeps kernels from frame to frame, the other none. */
export class Stream {
  readonly keeping: Placed
  readonly plain: Placed
  private readonly graph: Graph
  private readonly state: StateDict
  private readonly standing = new Map<string, Standing>()
  private readonly context: string

  constructor(
    backends: { keeping: Backend; plain: Backend },
    { graph, height, width, what }: Case,
    private readonly precision: Precision,
    private readonly tolerance: number,
  ) {
    this.context = `${what} ${height}x${width} ${precision}, tolerance ${tolerance} SEED=${seed}`
    this.state = seededState(graph, seed, { coefficients: 2 })
    this.graph =
      precision === 'int8' ? quantized(graph, this.state, Math.max(height, width), seed) : { ...graph, outputs: {} }
    // Coefficients are to stay readable.
    this.graph.outputs = { ...graph.outputs }
    for (const node of graph.nodes) if (node.op === 'coefficients') this.graph.outputs[node.output] = node.output
    this.keeping = new Placed(backends.keeping, this.graph, this.state, precision, height, width, tolerance)
    this.plain = new Placed(backends.plain, this.graph, this.state, precision, height, width)
  }

  /** The fusions that keep kernels. */
  get fusions(): PlannedStep[] {
    return this.keeping.plan.steps.filter(({ operands }) => operands.Kept)
  }

  states(step: PlannedStep): number[] {
    return [...new Uint32Array(this.kept(step).buffer).subarray(0, step.words.Lanes! / 4)]
  }

  /** Runs both and wants equal outputs. */
  runAlike(picture: Float32Array, threads: number): void {
    this.plain.run(picture)
    this.keeping.run(picture, threads)
    for (const tensor of Object.values(this.graph.outputs)) {
      const [found, expected] = [this.keeping, this.plain].map((placed) => bytesOf(placed.read(tensor)))
      if (Buffer.compare(found, expected)) expect.fail(`${tensor} differs, ${threads} shares; ${this.context}`)
    }
  }

  /** Runs the keeping one and checks every kernel against plain loops and a plain fusion, f32 and w8 outputs against the reference. */
  runChecked(picture: Float32Array): void {
    this.keeping.run(picture)
    this.plain.run(picture)
    const vectors = new Map<string, Float32Array>()
    for (const step of this.fusions) {
      const vector = step.operands.Coefficients!
      const at = step.words.CoefficientsAt! / 4
      const now = floats(this.keeping, vector)
      const known = this.standing.get(step.label) ?? new Standing(step)
      this.standing.set(step.label, known)
      known.see(now.subarray(at), this.tolerance)
      expect(this.states(step), `${step.label} ${this.context}`).toEqual(known.states)
      const noted = this.kept(step).subarray(step.words.Lanes!)
      if (Buffer.compare(noted.subarray(0, known.from.byteLength), bytesOf(known.from)))
        expect.fail(`${step.label} notes other coefficients; ${this.context}`)
      this.checkFused(step, known.from)
      const all = vectors.get(vector) ?? now
      all.set(known.from, at)
      vectors.set(vector, all)
    }
    if (this.precision !== 'int8') this.checkOutputs(picture, vectors)
  }

  /** Does the plain network's fusion make the same bytes of `coefficients`? */
  private checkFused({ label, operands, words }: PlannedStep, coefficients: Float32Array): void {
    const { plain } = this
    const { offset } = plain.plan.tensors.find(({ name }) => name === operands.Coefficients)!
    new Float32Array(plain.backend.memory.buffer, plain.arenaAt + offset).set(coefficients, words.CoefficientsAt! / 4)
    const index = plain.plan.steps.findIndex((step) => step.label === label)
    expect(plain.backend.exports.run(index, index + 1, 0, 1)).toBe(0)
    for (const name of [operands.Out!, operands.Side!, operands.Factors])
      if (name && Buffer.compare(this.keeping.bytesOf(name), plain.bytesOf(name)))
        expect.fail(`${name} was not fused from what is noted; ${this.context}`)
  }

  private checkOutputs(picture: Float32Array, vectors: ReadonlyMap<string, Float32Array>): void {
    const { height, width } = this.keeping.plan
    const expected = runReference(this.graph, this.state, this.precision, picture, height, width, (output, data) => {
      const from = vectors.get(output)
      if (!from) return data
      const standing = data.slice()
      assignLanes(this.graph)
        .get(output)!
        .forEach((index, lane) => {
          if (index >= 0) standing[index] = from[lane]
        })
      return standing
    })
    const kernels = Math.max(...this.graph.nodes.map((node) => (node as Conv).dynamic?.kernels ?? 0))
    for (const tensor of Object.values(this.graph.outputs)) {
      if (vectors.has(tensor)) continue
      const { data } = expected.get(tensor)!
      const magnitude = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
      // int8 kernels are fused with coefficients rounded to 16 bits (fuse_w8.ts), in two layers.
      const bound = rounding(1024, magnitude) + (this.precision === 'w8' ? 2 ** -13 * kernels * magnitude : 0)
      const found = this.keeping.read(tensor)
      const wrong = found.findIndex((value, i) => !(Math.abs(value - data[i]) <= bound))
      if (wrong >= 0)
        expect.fail(`${tensor}[${wrong}] is ${found[wrong]}, expected ${data[wrong]} +- ${bound}; ${this.context}`)
    }
  }

  private kept({ operands }: PlannedStep): Uint8Array {
    return this.keeping.bytesOf(operands.Kept!)
  }
}

/** State of every four lanes of one fusion and the coefficients of what stands, in plain loops. */
class Standing {
  readonly states: number[]
  readonly from: Float32Array
  /** Places of their coefficients. */
  private readonly fours: number[][] = []

  constructor({ kernel, words: { Lanes = 0, Group = 0, Holes = 0 } }: PlannedStep) {
    let at = 0
    for (let lane = 0; lane < Lanes; lane += 4) {
      const four: number[] = []
      for (let i = lane; i < lane + 4; ++i) {
        const padding = kernel.dtype === 'i8' && i >= Lanes - 12 && (Holes >> (i - Lanes + 12)) & 1
        for (let k = 0; k < Group && !padding; ++k) four.push(at++)
      }
      this.fours.push(four)
    }
    this.states = this.fours.map(() => 0)
    this.from = new Float32Array(at)
  }

  see(now: Float32Array, tolerance: number): void {
    this.fours.forEach((four, index) => {
      const near = four.every((at) => Math.abs(Math.fround(now[at] - this.from[at])) <= Math.fround(tolerance))
      const stands = this.states[index] !== 0 && near
      this.states[index] = stands ? KEPT : FUSED
      if (!stands) for (const at of four) this.from[at] = now[at]
    })
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength)
const floats = (placed: Placed, tensor: string) => new Float32Array(placed.bytesOf(tensor).buffer)
