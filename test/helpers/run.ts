import type { Backend } from '../../src/backend.ts'
import { DynedgeError } from '../../src/errors.ts'
import { checkGraph } from '../../src/graph/check.ts'
import type { Graph } from '../../src/graph/graph.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { DEFAULT_STAGING_BYTES } from '../../src/image/preprocess.ts'
import { packWeights } from '../../src/pack/pack.ts'
import { aligned } from '../../src/plan/arena.ts'
import type { Bands } from '../../src/plan/bands.ts'
import { keepKernels } from '../../src/plan/keep.ts'
import { type Plan, planNetwork } from '../../src/plan/plan.ts'
import type { PlacedTensor } from '../../src/plan/program.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { poison, reserve, touched } from './wasm.ts'

/** Poisoned bytes before and between weights and arena; the arena ends with the memory, so that whatever passes its end traps. */
export const GUARD = 4096

/**
 * A graph packed, planned and placed as `load` does it, with guards around all that a program may touch; with `tolerance` it keeps
 * kernels from run to run.
 */
export class Placed {
  readonly plan: Plan
  readonly engine: Engine
  readonly weights: Uint8Array
  readonly arenaAt: number
  private readonly guards: number[]

  constructor(
    readonly backend: Backend,
    readonly graph: Graph,
    state: StateDict,
    readonly precision: Precision,
    height: number,
    width: number,
    tolerance?: number,
    bands?: Bands,
  ) {
    checkGraph(JSON.parse(JSON.stringify(graph)))
    const packed = packWeights(graph, state, precision)
    const places = new Map<string, { offset: number; bytes: number }>()
    let weightBytes = 0
    for (const { name, data } of packed) {
      places.set(name, { offset: weightBytes, bytes: aligned(data.byteLength) })
      weightBytes += aligned(data.byteLength)
    }
    this.weights = new Uint8Array(weightBytes)
    for (const { name, data } of packed)
      this.weights.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), places.get(name)!.offset)
    const keep = tolerance === undefined ? undefined : keepKernels(tolerance, DynedgeError)
    this.plan = planNetwork(graph, precision, places, weightBytes, height, width, { keep, bands, threads: true })
    const { arenaBytes, program } = this.plan
    const bytes = aligned(program.length) + weightBytes + arenaBytes + 2 * GUARD
    reserve(backend, DEFAULT_STAGING_BYTES + bytes)
    const base = backend.memory.buffer.byteLength - bytes
    const weights = base + aligned(program.length) + GUARD
    this.arenaAt = weights + weightBytes + GUARD
    this.guards = [weights - GUARD, weights + weightBytes]
    poison(backend, base, bytes)
    new Uint8Array(backend.memory.buffer).set(this.weights, weights)
    this.engine = new Engine(
      backend,
      { program: base, staging: base - DEFAULT_STAGING_BYTES, weights, arena: this.arenaAt, bytes },
      weightBytes,
      arenaBytes,
    )
    this.engine.select(this.plan)
  }

  /**
   * Runs the program on a dense picture, in `threads` shares per step; the arena is poison before, but for what a run may find of the
   * run before. Throws when a guard was touched.
   */
  run(picture: Float32Array, threads = 1): void {
    const lasting = this.lasting().map((name) => ({ name, bytes: this.bytesOf(name) }))
    poison(this.backend, this.arenaAt, this.plan.arenaBytes)
    const memory = new Uint8Array(this.backend.memory.buffer)
    for (const { name, bytes } of lasting) memory.set(bytes, this.arenaAt + this.tensor(name).offset)
    this.engine.write(this.plan.pictures.get(this.graph.input)!, picture)
    for (let step = 0; step < this.plan.steps.length; ++step)
      for (let thread = 0; thread < threads; ++thread) {
        const status = this.backend.exports.run(step, step + 1, thread, threads)
        if (status) throw new Error(`run(${step}, ${step + 1}, ${thread}, ${threads}) gave status ${status}`)
      }
    this.checkGuards()
  }

  /** As if nothing had run before. */
  forget(): void {
    this.engine.current = undefined
    this.engine.select(this.plan)
  }

  /** Tensors that runs leave to the next. */
  private lasting(): string[] {
    return this.plan.steps.flatMap(({ operands: { Kept, Out, Side, Factors } }) =>
      Kept ? [Kept, Out!, Side!, ...(Factors ? [Factors] : [])] : [],
    )
  }

  /** A copy of a tensor of the arena. */
  bytesOf(name: string): Uint8Array {
    const { offset, bytes } = this.tensor(name)
    return new Uint8Array(this.backend.memory.buffer, this.arenaAt + offset, bytes).slice()
  }

  private tensor(name: string): PlacedTensor {
    return this.plan.tensors.find((tensor) => tensor.name === name)!
  }

  checkGuards(): void {
    for (const guard of this.guards) {
      const at = touched(this.backend, guard, GUARD)
      if (at >= 0)
        throw new Error(
          `byte ${at} of the guard at ${guard} was written (guards ${this.guards}, arena ${this.arenaAt} + ${this.plan.arenaBytes})`,
        )
    }
    const { weights } = this.engine.places
    if (Buffer.compare(this.weights, new Uint8Array(this.backend.memory.buffer, weights, this.weights.length)) !== 0)
      throw new Error('weights were written')
  }

  /** A dense copy of a tensor that still lies in the arena. */
  read(tensor: string): Float32Array {
    return this.engine.read(this.plan.pictures.get(tensor)!)
  }

  arena(): Uint8Array {
    return new Uint8Array(this.backend.memory.buffer, this.arenaAt, this.plan.arenaBytes).slice()
  }
}
