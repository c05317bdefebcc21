import type { BundleInput } from '../bundle/source.ts'
import { checkSignal, DynedgeError } from '../errors.ts'
import type { ImageInput } from '../image/input.ts'
import type { PixelSource } from '../image/pixels.ts'
import type {
  ClassifyOptions,
  Description,
  DynamicLayer,
  KernelsOptions,
  Network,
  Outputs,
  Prediction,
  Profile,
  ProfileOptions,
  RunOptions,
  TensorInput,
} from '../interface.ts'
import type { LoadOptions } from '../load.ts'
import { type OpenBundle, openBundle, sentBytes } from './bundle.ts'
import { type Hearing, Line } from './line.ts'
import type { Call, Facts, Host, Method, Sendable, SentOptions } from './protocol.ts'

/** `load` into a worker that `host` starts; one worker for one network. */
export async function loadInWorker(host: Host, bundle: BundleInput, options: LoadOptions): Promise<Network> {
  const { onProgress, signal, worker: _, transfer = false, ...sent } = options
  const net = new RemoteNetwork(host, openBundle(host, bundle, transfer), sent)
  await net.open({ onProgress, signal })
  return net
}

/** A network in a worker: a call is a message and its answer. A worker that has died is replaced at the next call. */
class RemoteNetwork implements Network {
  readonly name!: Facts['name']
  readonly precision!: Facts['precision']
  readonly input!: Facts['input']
  readonly labels!: Facts['labels']
  readonly graph!: Facts['graph']
  readonly variant!: Facts['variant']
  readonly threadsNote: Facts['threadsNote']
  kept = 0
  private description!: Description
  private line?: Line
  private opened?: Promise<Line>
  private disposed?: DynedgeError

  constructor(
    private readonly host: Host,
    private readonly bundle: OpenBundle,
    private readonly options: SentOptions,
  ) {}

  get threads() {
    return this.description.threads
  }

  async run({ data, height, width }: TensorInput, { signal, transfer }: RunOptions = {}): Promise<Outputs> {
    const input = () => {
      const sent = sentArray(data, transfer)
      return { ...sent, message: { data: sent.message, height, width } }
    }
    return this.ask('run', input, undefined, signal)
  }

  runSync(): never {
    throw new DynedgeError('usage', `${this.name} lives in a worker: use run(), or load it without one.`)
  }

  async classify(image: ImageInput, options: ClassifyOptions = {}): Promise<Prediction[]> {
    return this.askOf('classify', image, options)
  }

  /** @internal */
  async classifyFully(image: ImageInput, options: ClassifyOptions = {}): ReturnType<Network['classifyFully']> {
    return this.askOf('classifyFully', image, options)
  }

  async kernels(image: ImageInput, options: KernelsOptions = {}): Promise<DynamicLayer[]> {
    return this.askOf('kernels', image, options)
  }

  async profile(options: ProfileOptions = {}): Promise<Profile> {
    return this.ask('profile', () => ({ message: options, transfer: [] }))
  }

  describe(): Description {
    if (this.disposed) throw this.disposed
    return this.description
  }

  dispose(): void {
    this.disposed ??= new DynedgeError('disposed', `This ${this.name} was disposed of; load it again.`)
    this.line?.end(this.disposed)
  }

  /** The worker with the network in it; started where there is none. */
  open(hearing?: Hearing): Promise<Line> {
    this.opened ??= this.start(hearing).catch((error) => {
      this.opened = undefined
      throw error
    })
    return this.opened
  }

  private async start(hearing?: Hearing): Promise<Line> {
    const { host, options } = this
    checkSignal(hearing?.signal)
    const { message, transfer } = await this.bundle()
    if (this.disposed) throw this.disposed
    const line = new Line(host, () => {
      this.opened = this.line = undefined
    })
    this.line = line
    const call = { call: 'load', bundle: message, options, wasm: host.wasm } as Call
    try {
      const { value, description } = await line.ask(call, transfer, hearing)
      Object.assign(this, value)
      this.description = description!
      return line
    } catch (error) {
      line.end(error)
      throw error
    }
  }

  private async askOf<R>(
    method: Method,
    image: ImageInput,
    { signal, transfer, ...options }: ClassifyOptions,
  ): Promise<R> {
    try {
      return await this.ask(method, () => sentPicture(this.host, image, transfer, signal), options, signal)
    } catch (error) {
      const { cause } = error as Error
      if ((cause as Error)?.name === 'DataCloneError') await this.host.refused?.(image, cause)
      throw error
    }
  }

  private async ask<R>(
    method: Method,
    input: () => Sendable | Promise<Sendable>,
    options?: object,
    signal?: AbortSignal,
  ): Promise<R> {
    if (this.disposed) throw this.disposed
    checkSignal(signal)
    const { message, transfer } = await input()
    const line = await this.open()
    const { value, kept, description } = await line.ask({ call: method, args: [message, options] }, transfer, {
      signal,
    })
    this.kept = kept
    if (description) this.description = description
    return value as R
  }
}

function sentPicture(
  host: Host,
  image: ImageInput,
  transfer = false,
  signal?: AbortSignal,
): Sendable | Promise<Sendable> {
  const given = Object(image)
  if ('format' in given && !('codedWidth' in given))
    return import('./sent-frame.ts').then(({ sentFrame }) => sentFrame(given, sentArray, transfer))
  if ('data' in given && 'width' in given) {
    const { data, width, height, channels, rowBytes, colorSpace } = given as PixelSource & Partial<ImageData>
    const sent = sentArray(data, transfer)
    return { ...sent, message: { data: sent.message, width, height, channels, rowBytes, colorSpace } }
  }
  return host.picture && !('stream' in given) ? host.picture(image, transfer, signal) : { message: image, transfer: [] }
}

/** What is no array is refused where the network is, and what was given away here. */
const sentArray = (data: unknown, transfer?: boolean): Sendable => {
  const view = data instanceof ArrayBuffer ? new Uint8Array(data) : data
  return ArrayBuffer.isView(view) && view.byteLength
    ? sentBytes(view as Float32Array, transfer)
    : { message: data, transfer: [] }
}
