import { aborted, checkSignal, DynedgeError, type ErrorCode } from '../errors.ts'
import { readAtOnce } from '../image/careful.ts'
import { type ImageInput, imageOf } from '../image/input.ts'
import { checkPixels } from '../image/pixels.ts'
import type {
  ClassifyOptions,
  DynamicLayer,
  KernelsOptions,
  Outputs,
  Prediction,
  Profile,
  ProfileOptions,
  RunOptions,
  TensorInput,
} from '../interface.ts'
import { Network } from '../network.ts'
import type { Plan } from '../plan/plan.ts'
import { weightLayouts } from '../plan/weights.ts'
import type { Engine } from '../runtime/engine.ts'
import { kernelRuns } from '../runtime/kernels.ts'
import { profileOf, writeGray } from '../runtime/profile.ts'
import { copied } from './copied.ts'

/** A call that has its turn, or waits for it. */
interface Turn {
  begin(): void
  reject(error: unknown): void
}

/**
 * A network whose steps run on a thread of the native part while JavaScript goes on. Its calls take turns, in the order in which they were
 * made. One that is aborted or disposed of ends at once for its caller, and after the step that it is at for the thread.
 */
export class NativeNetwork extends Network {
  /** The first one has its turn. */
  private readonly turns: Turn[] = []
  /** Of the call that has its turn, once they are computed. */
  private outputs?: Outputs
  private readonly milliseconds = new WeakMap<Outputs, number>()
  private lastKept = 0

  /** Takes the place of `net`, which nobody may use any more. */
  constructor(net: Network) {
    super(net.engine!, net.opener, net.header, net.graph, net.binary, net.planning, net.threadsNote)
  }

  override get kept(): number {
    // It is read from memory, which may be another thread's now.
    return this.turns.length ? this.lastKept : super.kept
  }

  override async run(input: TensorInput, options: RunOptions = {}): Promise<Outputs> {
    const given = this.turns.length && !options.transfer ? copied(input) : input
    return this.turn(options.signal, async () => {
      const plan = this.fitted(this.planTensor(given))
      this.select(plan).write(plan.pictures.get(this.graph.input)!, given.data)
      return this.compute(plan)
    })
  }

  override runSync(input: TensorInput): Outputs {
    this.alive()
    if (this.turns.length)
      throw new DynedgeError(
        'usage',
        `runSync() of this ${this.name} cannot run beside ${this.turns.length} of its calls: await them first, or use run(), which waits.`,
      )
    return super.runSync(input)
  }

  override async classifyFully(
    image: ImageInput,
    options: ClassifyOptions = {},
  ): Promise<{ top: Prediction[]; outputs: Outputs; ms: number }> {
    const found = await super.classifyFully(image, options)
    return { ...found, ms: this.milliseconds.get(found.outputs)! }
  }

  override async kernels(image: ImageInput, options: KernelsOptions = {}): Promise<DynamicLayer[]> {
    return this.placed(image, options, async () => {
      const engine = this.alive()
      const runs = kernelRuns(engine, this.graph, weightLayouts, options, DynedgeError)
      let next = runs.next()
      for (; !next.done; next = runs.next()) {
        await this.later(engine, 'runLater', ...next.value)
        if (options.signal?.aborted) engine.current = undefined
        checkSignal(options.signal)
      }
      return next.value
    })
  }

  override async profile(options: ProfileOptions = {}): Promise<Profile> {
    return this.turn(undefined, async () => {
      const plan = this.sizedNow(options)
      const engine = this.select(plan)
      writeGray(engine, this.graph.input)
      await this.later(engine, 'runLater', 0, plan.steps.length)
      const runs: number[][] = []
      for (let left = options.repetitions ?? 20; left > 0; --left)
        runs.push(await this.later(engine, 'timesLater', 0, plan.steps.length))
      return profileOf(plan, runs)
    })
  }

  override dispose(): void {
    super.dispose()
    const error = new DynedgeError('disposed', `This ${this.name} was disposed of while it was at work; load it again.`)
    for (const { reject } of this.turns) reject(error)
  }

  /** `then` finds the outputs of the picture computed. */
  protected override seen<R>(image: ImageInput, options: ClassifyOptions, then: (plan: Plan) => R): Promise<R> {
    return this.placed(image, options, async (plan) => {
      this.outputs = await this.compute(plan)
      return then(plan)
    })
  }

  protected override finish(plan: Plan): Outputs {
    const { outputs } = this
    this.outputs = undefined
    return outputs ?? super.finish(plan)
  }

  /** Calls `body` when it is the picture's turn, with the picture in its place. */
  private placed<R>(image: ImageInput, options: ClassifyOptions, body: (plan: Plan) => Promise<R>): Promise<R> {
    // Its caller may go on to use the bytes as soon as this function returns.
    const ready = this.turns.length ? undefined : readAtOnce(image, options, DynedgeError, checkPixels)
    const given = ready || options.transfer ? image : copied(image)
    return this.turn(options.signal, async () => {
      const pixels = ready ?? (await imageOf(given, options))
      const plan = this.sizedNow(options)
      checkSignal(options.signal)
      this.place(plan, pixels)
      return body(plan)
    })
  }

  private sizedNow({ size: [height, width] = this.input.size }: ClassifyOptions): Plan {
    return this.fitted(this.planFor(height, width))
  }

  /** A larger picture than `maxInput` gets a new instance. */
  private fitted(plan: Plan): Plan {
    if (plan.arenaBytes > this.alive().arenaBytes) this.adopt(plan, this.opener.openSync(this.bytesFor(plan)))
    return plan
  }

  private async compute(plan: Plan): Promise<Outputs> {
    const engine = this.alive()
    const start = performance.now()
    await this.later(engine, 'runLater', 0, plan.steps.length)
    const ms = performance.now() - start
    if (this.planning.keep) this.lastKept = super.kept
    const outputs = Object.fromEntries(
      Object.entries(this.graph.outputs).map(([name, tensor]) => [name, engine.read(plan.pictures.get(tensor)!)]),
    )
    this.milliseconds.set(outputs, ms)
    return outputs
  }

  /** Has the native part run steps. Throws as `Engine.run` does, `aborted` and `disposed`. */
  private async later(engine: Engine, call: 'runLater', from: number, to: number): Promise<number>
  private async later(engine: Engine, call: 'timesLater', from: number, to: number): Promise<number[]>
  private async later(engine: Engine, call: 'runLater' | 'timesLater', from: number, to: number): Promise<unknown> {
    let given: unknown
    try {
      given = await engine.backend.later![call](from, to)
    } catch (cause) {
      // Kernels may be half fused.
      engine.current = undefined
      const { code, message } = cause as Error & { code?: ErrorCode }
      if (!code) throw cause
      throw new DynedgeError(
        code,
        code === 'trap' ? `The module trapped in steps ${from} to ${to}; load the network again.` : message,
        { cause },
      )
    }
    this.alive()
    if (typeof given === 'number' && given)
      throw new DynedgeError('bad-program', `The module does not run steps ${from} to ${to}: status ${given & 255}.`)
    return given
  }

  /** Calls `body` now, or when the calls before have ended. */
  private turn<R>(signal: AbortSignal | undefined, body: () => Promise<R>): Promise<R> {
    const { turns } = this
    return new Promise<R>((resolve, reject) => {
      checkSignal(signal)
      const abort = () => {
        reject(aborted(signal!))
        if (turns[0] === turn) this.engine?.backend.later?.cancel()
      }
      const end = () => {
        signal?.removeEventListener('abort', abort)
        turns.shift()
        if (turns.length) Promise.resolve().then(() => turns[0].begin())
      }
      const turn: Turn = {
        async begin() {
          try {
            checkSignal(signal)
            const given = await body()
            end()
            resolve(given)
          } catch (error) {
            end()
            reject(error)
          }
        },
        reject,
      }
      signal?.addEventListener('abort', abort)
      if (turns.push(turn) === 1) turn.begin()
    })
  }
}
