import type { BundleHeader } from './bundle/header.ts'
import { checkSignal, DynedgeError } from './errors.ts'
import type { Graph } from './graph/graph.ts'
import { type ImageInput, imageOf } from './image/input.ts'
import { preprocess } from './image/preprocess.ts'
import type { InputSpec } from './image/spec.ts'
import type {
  ClassifyOptions,
  Description,
  DynamicLayer,
  Network as Interface,
  KernelsOptions,
  Outputs,
  Precision,
  Prediction,
  Profile,
  ProfileOptions,
  RunOptions,
  TensorInput,
  Variant,
} from './interface.ts'
import { pixelAt, pixelBytes, rowBytes } from './plan/pictures.ts'
import { type Plan, type PlanOptions, planNetwork } from './plan/plan.ts'
import { weightLayouts } from './plan/weights.ts'
import { Engine, places } from './runtime/engine.ts'
import type { Opened, Opener } from './runtime/module.ts'

/** A network in this thread. */
export class Network implements Interface {
  readonly labels: readonly string[]
  engine?: Engine
  private readonly plans: Plan[] = []

  /** @internal use `load` */
  constructor(
    engine: Engine,
    readonly opener: Opener,
    readonly header: BundleHeader,
    readonly graph: Graph,
    readonly binary: Variant,
    readonly planning: PlanOptions,
    readonly threadsNote?: string,
  ) {
    this.engine = engine
    this.labels = header.metadata.labels ?? Array.from({ length: graph.classes }, (_, index) => String(index))
    this.plans.push(engine.current!)
  }

  get variant(): Interface['variant'] {
    return this.threadsNote ? `${this.binary}, threads: ${this.threads}. ${this.threadsNote}` : this.binary
  }

  get threads(): number {
    return this.engine?.backend.team?.threads ?? 1
  }

  get name(): string {
    return this.header.metadata.network
  }

  get precision(): Precision {
    return this.header.metadata.precision as Precision
  }

  get input(): InputSpec {
    return this.header.metadata.input as unknown as InputSpec
  }

  get kept(): number {
    return this.planning.keep?.share(this.alive()) ?? 0
  }

  async run(input: TensorInput, options: RunOptions = {}): Promise<Outputs> {
    const plan = this.planTensor(input)
    await this.fit(plan)
    checkSignal(options.signal)
    return this.execute(plan, input.data)
  }

  runSync(input: TensorInput): Outputs {
    const plan = this.planTensor(input)
    if (plan.arenaBytes > this.alive().arenaBytes) this.adopt(plan, this.opener.openSync(this.bytesFor(plan)))
    return this.execute(plan, input.data)
  }

  async classify(image: ImageInput, options: ClassifyOptions = {}): Promise<Prediction[]> {
    return (await this.classifyFully(image, options)).top
  }

  async classifyFully(
    image: ImageInput,
    options: ClassifyOptions = {},
  ): Promise<{ top: Prediction[]; outputs: Outputs; ms: number }> {
    const { topK = 5 } = options
    if (!Number.isInteger(topK) || topK < 1)
      throw new DynedgeError('bad-input', `topK is ${topK}, expected a positive integer.`)
    if (!Object.hasOwn(this.graph.outputs, 'probabilities'))
      throw new DynedgeError('bad-input', `${this.name} has no output called probabilities; use run().`)
    return this.seen(image, options, (plan) => {
      const start = performance.now()
      const outputs = this.finish(plan)
      const ms = performance.now() - start
      const { probabilities } = outputs
      // All but a few go before they would be sorted by a function; a NaN is never below.
      const least = probabilities.slice().sort().at(-topK)!
      const top = [...probabilities.keys()]
        .filter((index) => !(probabilities[index] < least))
        .sort((a, b) => probabilities[b] - probabilities[a] || a - b)
        .slice(0, topK)
        .map((index) => ({ index, label: this.labels[index] ?? String(index), probability: probabilities[index] }))
      return { top, outputs, ms }
    })
  }

  async kernels(image: ImageInput, options: KernelsOptions = {}): Promise<DynamicLayer[]> {
    const { kernelsOf } = await import('./runtime/kernels.ts')
    return this.seen(image, options, () => kernelsOf(this.alive(), this.graph, weightLayouts, options, DynedgeError))
  }

  private async sized({ size = this.input.size }: ClassifyOptions): Promise<Plan> {
    const plan = this.planFor(size[0], size[1])
    await this.fit(plan)
    return plan
  }

  /** Calls `then` with the picture in its place; another call could take that before an answer was awaited. */
  protected async seen<R>(image: ImageInput, options: ClassifyOptions, then: (plan: Plan) => R): Promise<R> {
    const pixels = await imageOf(image, options)
    try {
      const plan = await this.sized(options)
      checkSignal(options.signal)
      this.place(plan, pixels)
      return then(plan)
    } finally {
      if ('close' in pixels) pixels.close?.()
    }
  }

  /** A picture, resized, cropped and normalised, becomes the input. */
  protected place(plan: Plan, pixels: Parameters<typeof preprocess>[1]): void {
    const { backend, places } = this.select(plan)
    const picture = plan.pictures.get(this.graph.input)!
    const target = {
      pointer: places.arena + picture.offset + pixelAt(picture, 0),
      rowStride: rowBytes(picture),
      pixelStride: pixelBytes(picture),
      height: plan.height,
      width: plan.width,
      quantization: picture.quantization,
    }
    preprocess(backend, pixels, this.input, { pointer: places.staging, bytes: places.weights - places.staging }, target)
  }

  async profile(options: ProfileOptions = {}): Promise<Profile> {
    const { profileSteps } = await import('./runtime/profile.ts')
    const plan = await this.sized(options)
    return profileSteps(this.select(plan), this.graph.input, options.repetitions)
  }

  describe(): Description {
    const { backend, weightBytes, arenaBytes } = this.alive()
    const { licence, provenance } = this.header.metadata
    const { name: network, precision, binary: variant, threads, input } = this
    return {
      network,
      precision,
      variant,
      threads,
      input,
      classes: this.graph.classes,
      weightBytes,
      arenaBytes,
      memoryBytes: backend.memory.buffer.byteLength,
      licence,
      provenance,
    }
  }

  dispose(): void {
    this.engine?.backend.close?.()
    this.engine = undefined
  }

  protected alive(): Engine {
    if (!this.engine) throw new DynedgeError('disposed', `This ${this.name} was disposed of; load it again.`)
    return this.engine
  }

  protected planTensor({ data, height, width }: TensorInput): Plan {
    if (!(data instanceof Float32Array))
      throw new DynedgeError('bad-input', 'The tensor has no Float32Array in `data`; pictures go to classify().')
    if (data.length !== height * width * 3)
      throw new DynedgeError(
        'bad-input',
        `The tensor has ${data.length} values, expected ${height} x ${width} x 3 = ${height * width * 3}.`,
      )
    return this.planFor(height, width)
  }

  protected planFor(height: number, width: number): Plan {
    const { weightBytes } = this.alive()
    checkInputSize(height, width)
    let plan = this.plans.find((made) => made.height === height && made.width === width)
    if (!plan) {
      plan = planNetwork(this.graph, this.precision, this.header.tensors, weightBytes, height, width, this.planning)
      if (this.plans.push(plan) > PLANS_KEPT) this.plans.shift()
    }
    return plan
  }

  protected bytesFor(plan: Plan): number {
    return places(0, plan.program.length, this.alive().weightBytes, plan.arenaBytes).bytes
  }

  /** A larger picture than `maxInput` gets a new instance, or one that has grown, between runs. */
  private async fit(plan: Plan): Promise<void> {
    if (plan.arenaBytes > this.alive().arenaBytes) this.adopt(plan, await this.opener.open(this.bytesFor(plan)))
  }

  protected adopt(plan: Plan, { backend, base }: Opened): void {
    const old = this.engine
    // The network was disposed of meanwhile, or has grown.
    if (!old || old.arenaBytes >= plan.arenaBytes) {
      backend.close?.()
      return
    }
    const at = places(base, plan.program.length, old.weightBytes, plan.arenaBytes)
    const { memory } = old.backend
    // One that has grown has them where they were.
    if (backend.memory !== memory)
      new Uint8Array(backend.memory.buffer).set(
        new Uint8Array(memory.buffer, old.places.weights, old.weightBytes),
        at.weights,
      )
    old.backend.close?.()
    this.engine = new Engine(backend, at, old.weightBytes, plan.arenaBytes)
  }

  protected select(plan: Plan): Engine {
    const engine = this.alive()
    engine.select(plan)
    return engine
  }

  private execute(plan: Plan, data: Float32Array): Outputs {
    this.select(plan).write(plan.pictures.get(this.graph.input)!, data)
    return this.finish(plan)
  }

  protected finish(plan: Plan): Outputs {
    const engine = this.alive()
    engine.run(0, plan.steps.length)
    return Object.fromEntries(
      Object.entries(this.graph.outputs).map(([name, tensor]) => [name, engine.read(plan.pictures.get(tensor)!)]),
    )
  }
}

/** Largest side of an input, in pixels. */
export const MAX_INPUT = 8192
/** A plan is some 100 KB; a caller who resizes a window must not pile them up. */
const PLANS_KEPT = 16

/** Throws `bad-input` unless a network may be asked for this input size. */
export function checkInputSize(height: number, width: number): void {
  for (const side of [height, width])
    if (!Number.isInteger(side) || side < 1 || side > MAX_INPUT)
      throw new DynedgeError('bad-input', `The input is ${height}x${width}, expected integers from 1 to ${MAX_INPUT}.`)
}
