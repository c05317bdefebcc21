import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { StateDict } from '../graph/parameters.ts'
import type { PixelSource } from '../image/pixels.ts'
import { preprocess } from '../image/preprocess.ts'
import type { InputSpec } from '../image/spec.ts'
import { packWeights } from '../pack/pack.ts'
import { aligned } from '../plan/arena.ts'
import { pixelAt, pixelBytes, rowBytes } from '../plan/pictures.ts'
import { type PlacedPicture, type Plan, planNetwork } from '../plan/plan.ts'
import type { Precision } from '../plan/weights.ts'
import { Engine, places } from '../runtime/engine.ts'
import { openerOf } from '../runtime/module.ts'

/** A network that stops after each of its steps, so that every tensor can be seen before another takes its place. */
export class Runner {
  readonly plan: Plan
  readonly engine: Engine
  /** Number of the step after which a tensor is complete -> the tensors; the input at -1. */
  private readonly complete = new Map<number, string[]>()
  private readonly writers = new Map<string, number>()
  private readonly copies = new Map<string, Float32Array<ArrayBuffer>>()
  private readonly weightPlaces = new Map<string, { offset: number; bytes: number }>()

  /** @throws DynedgeError as packing, planning and opening a module do */
  constructor(
    module: WebAssembly.Module,
    readonly graph: Graph,
    state: StateDict,
    precision: Precision,
    [height, width]: readonly [height: number, width: number],
  ) {
    const packed = packWeights(graph, state, precision)
    let weightBytes = 0
    for (const { name, data } of packed) {
      this.weightPlaces.set(name, { offset: weightBytes, bytes: aligned(data.byteLength) })
      weightBytes += aligned(data.byteLength)
    }
    this.plan = planNetwork(graph, precision, this.weightPlaces, weightBytes, height, width)
    const { program, arenaBytes } = this.plan
    const { backend, base } = openerOf(module).openSync(places(0, program.length, weightBytes, arenaBytes).bytes)
    this.engine = new Engine(backend, places(base, program.length, weightBytes, arenaBytes), weightBytes, arenaBytes)
    for (const { name, data } of packed) this.writeWeights(name, data)
    this.engine.select(this.plan)
    this.findWriters()
  }

  /** Overwrites a packed tensor. */
  writeWeights(name: string, data: ArrayBufferView): void {
    const to = this.engine.places.weights + this.weightPlaces.get(name)!.offset
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    new Uint8Array(this.engine.backend.memory.buffer).set(bytes, to)
  }

  private findWriters(): void {
    this.writers.set(this.graph.input, -1)
    this.plan.steps.forEach(({ operands: { Out } }, step) => {
      if (Out !== undefined && this.plan.pictures.has(Out)) this.writers.set(Out, step)
    })
    for (const [tensor, step] of this.writers) this.complete.set(step, [...(this.complete.get(step) ?? []), tensor])
  }

  /** Resizes, crops and normalises: height x width x 3, dense. For a network whose input is float32. */
  prepare(pixels: PixelSource, spec: InputSpec): Float32Array<ArrayBuffer> {
    const { height, width } = this.plan
    const picture = this.picture(this.graph.input)
    const { backend, places } = this.engine
    const target = {
      pointer: places.arena + picture.offset + pixelAt(picture, 0),
      rowStride: rowBytes(picture),
      pixelStride: pixelBytes(picture),
      height,
      width,
    }
    preprocess(backend, pixels, spec, { pointer: places.staging, bytes: places.weights - places.staging }, target)
    return this.engine.read(picture)
  }

  /** Runs the network on a normalised picture and calls `visit` with each tensor as soon as it is complete. */
  run(picture: Float32Array, visit?: (tensor: string) => void): void {
    this.write(picture)
    this.visitAt(-1, visit)
    for (let step = 0; step < this.plan.steps.length; ++step) this.step(step, visit)
  }

  /** Puts a normalised picture where the network reads it. */
  write(picture: Float32Array): void {
    this.engine.write(this.picture(this.graph.input), picture)
  }

  /** The step after which `tensor` is complete, -1 for the network's input; undefined for one that is never made. */
  lastWriter(tensor: string): number | undefined {
    return this.writers.get(tensor)
  }

  step(step: number, visit?: (tensor: string) => void): void {
    this.engine.run(step, step + 1)
    this.visitAt(step, visit)
  }

  private visitAt(step: number, visit?: (tensor: string) => void): void {
    for (const tensor of this.complete.get(step) ?? []) visit?.(tensor)
  }

  /**
   * What the tensor's values stand for, height x width x channels; while it lies in the arena. The next read of the same tensor is written
   * to the same array.
   */
  read(tensor: string): Float32Array<ArrayBuffer> {
    const picture = this.picture(tensor)
    const { shape, lanes, quantization } = picture
    const { scale, zero } = quantization ?? { scale: 1, zero: 0 }
    const { buffer } = this.engine.backend.memory
    const memory = { 1: new Uint8Array(buffer), 2: new Int16Array(buffer), 4: new Float32Array(buffer) }[picture.bytes]
    const values = this.copies.get(tensor) ?? new Float32Array(shape.height * shape.width * shape.channels)
    this.copies.set(tensor, values)
    const start = this.engine.places.arena + picture.offset + pixelAt(picture, 0)
    // Plain loops: calibration spends its time here.
    for (let y = 0, to = 0; y < shape.height; ++y) {
      let from = (start + y * rowBytes(picture)) / picture.bytes
      for (let x = 0; x < shape.width; ++x, from += lanes.length, to += shape.channels)
        for (let lane = 0; lane < lanes.length; ++lane)
          if (lanes[lane] >= 0) values[to + lanes[lane]] = (memory[from + lane] - zero) * scale
    }
    return values
  }

  private picture(tensor: string): PlacedPicture {
    const picture = this.plan.pictures.get(tensor)
    if (!picture) throw new DynedgeError('bad-input', `The plan has no tensor ${tensor}.`)
    return picture
  }
}
