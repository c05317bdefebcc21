import { Status } from '../../assembly/program/format.ts'
import type { Backend } from '../backend.ts'
import { DynedgeError } from '../errors.ts'
import type { Quantization } from '../graph/graph.ts'
import { DEFAULT_STAGING_BYTES } from '../image/preprocess.ts'
import { aligned } from '../plan/arena.ts'
import { pixelAt, pixelBytes, rowBytes } from '../plan/pictures.ts'
import type { PlacedPicture, Plan } from '../plan/plan.ts'

/** Where things lie in an engine's memory, in bytes. */
export interface Places {
  program: number
  staging: number
  weights: number
  arena: number
  /** Of the whole, from the first to past the last. */
  bytes: number
}

/** Room for the program of any input size: programs differ only in their numbers. */
export function places(base: number, programBytes: number, weightBytes: number, arenaBytes: number): Places {
  const program = base
  const staging = program + aligned(programBytes)
  const weights = staging + DEFAULT_STAGING_BYTES
  const arena = weights + aligned(weightBytes)
  return { program, staging, weights, arena, bytes: arena + arenaBytes - base }
}

/** One instance with weights in place: verifies programs and runs them. Knows nothing of WebAssembly. */
export class Engine {
  /** The plan whose program the module runs. */
  current?: Plan

  constructor(
    readonly backend: Backend,
    readonly places: Places,
    readonly weightBytes: number,
    readonly arenaBytes: number,
  ) {
    backend.exports.place(places.weights, weightBytes, places.arena, arenaBytes)
  }

  /** Puts `plan` in place and has the module verify it. Throws `bad-program`. */
  select(plan: Plan): void {
    if (this.current === plan) return
    this.current = undefined
    if (this.backend.team) this.backend.exports.quiesce()
    const memory = new Uint8Array(this.backend.memory.buffer)
    memory.set(plan.program, this.places.program)
    if (plan.keeps) memory.fill(0, this.places.arena, this.places.arena + plan.arenaBytes)
    const status = this.backend.exports.verify(this.places.program, plan.program.length)
    if (status) {
      const step = plan.steps[status >>> 8]
      throw new DynedgeError(
        'bad-program',
        `The module refuses the program: status ${status & 255} at step ${status >>> 8}${step ? ` (${step.label})` : ''}. Pack the bundle again with this version.`,
      )
    }
    this.current = plan
  }

  /** Runs steps from .. to - 1 of the selected program. */
  run(from: number, to: number): void {
    const { exports, team } = this.backend
    let status: number = Status.Lost
    let cause: unknown
    try {
      status = team ? exports.share(from, to, team.threads) : exports.run(from, to, 0, 1)
    } catch (error) {
      cause = error
    }
    if (status === Status.Lost) {
      // Kernels may be half fused.
      this.current = undefined
      const what = cause ? 'The module trapped' : 'A thread was lost'
      throw new DynedgeError('trap', `${what} in steps ${from} to ${to}; load the network again.`, { cause })
    }
    ASSERT: if (status)
      throw new DynedgeError('bad-program', `The module does not run steps ${from} to ${to}: status ${status & 255}.`)
  }

  /** Copies an H x W x 3 float32 tensor, dense, into a picture of 3 channels and 4 lanes; one that is stored as integers is quantized. */
  write(picture: PlacedPicture, data: Float32Array): void {
    if (picture.quantization) {
      this.quantize(picture, data, picture.quantization)
      return
    }
    const { height, width } = picture.shape
    const { staging } = this.places
    const most = Math.floor(DEFAULT_STAGING_BYTES / (width * 12))
    for (let y = 0; y < height; y += most) {
      const dense = data.subarray(y * width * 3, (y + most) * width * 3)
      new Float32Array(this.backend.memory.buffer, staging, dense.length).set(dense)
      this.backend.exports.f32_spread_rows(
        this.rowAt(picture, y),
        staging,
        dense.length / width / 3,
        width,
        rowBytes(picture),
        pixelBytes(picture),
      )
    }
  }

  /** Row by row through staging memory. */
  private quantize(picture: PlacedPicture, data: Float32Array, { scale, zero, bits }: Quantization): void {
    const { height, width } = picture.shape
    const { staging } = this.places
    const row = new Float32Array(this.backend.memory.buffer, staging, width * 3)
    for (let y = 0; y < height; ++y) {
      row.set(data.subarray(y * width * 3, (y + 1) * width * 3))
      this.backend.exports.f32_quantise_row(
        this.rowAt(picture, y),
        staging,
        width,
        scale,
        zero,
        2 ** bits - 1,
        pixelBytes(picture),
      )
    }
  }

  private rowAt(picture: PlacedPicture, y: number): number {
    return this.places.arena + picture.offset + pixelAt(picture, 0) + y * rowBytes(picture)
  }

  /** A dense H x W x C copy of a picture; integers as they are stored. */
  read(picture: PlacedPicture): Float32Array<ArrayBuffer> {
    const { height, width, channels } = picture.shape
    const { buffer } = this.backend.memory
    const memory = { 1: new Uint8Array(buffer), 2: new Int16Array(buffer), 4: new Float32Array(buffer) }[picture.bytes]
    const data = new Float32Array(height * width * channels)
    for (let y = 0; y < height; ++y)
      for (let x = 0; x < width; ++x) {
        const from = (this.rowAt(picture, y) + x * pixelBytes(picture)) / picture.bytes
        picture.lanes.forEach((channel, lane) => {
          if (channel >= 0) data[(y * width + x) * channels + channel] = memory[from + lane]
        })
      }
    return data
  }
}
