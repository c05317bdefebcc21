import type { Graph } from './graph/graph.ts'
import type { ImageInput } from './image/input.ts'
import type { InputSpec } from './image/spec.ts'

/** One build of the kernels: `relaxed` has fused multiply-add, which is faster and rounds the last bits of float32 otherwise. */
export type Variant = 'simd' | 'relaxed'

/** How weights are stored and computed with: float32; int8 weights and float32 arithmetic; int8 throughout. */
export type Precision = 'f32' | 'w8' | 'int8'

/** A picture as the network sees it. */
export interface TensorInput {
  /** (byte / 255 - mean) / std, height x width x 3 values: row by row, the three channels of a pixel side by side. */
  data: Float32Array
  /** Rows, 1 to 8192. */
  height: number
  /** Pixels of a row, 1 to 8192. */
  width: number
}

/** Options of `run`. */
export interface RunOptions {
  /** Ends the call with the error `aborted`. */
  signal?: AbortSignal
  /**
   * The network may take the input for itself: to a worker it then goes uncopied, and the caller's own is empty afterwards; in React Native it
   * is not copied while the call waits for others.
   */
  transfer?: boolean
}

/** Options of `classify`. */
export interface ClassifyOptions extends RunOptions {
  /** How many classes to return, best first; default 5. */
  topK?: number
  /** Input size of the network, [height, width] in pixels, each 1 to 8192; default the bundle's. */
  size?: [height: number, width: number]
  /**
   * How the picture is turned before anything else, as EXIF says it: 1 not (the default), 3 by 180 degrees, 6 by 90 clockwise, 8 by 90
   * counterclockwise; 2, 4, 5 and 7 are mirrored. For raw pixels that were decoded as they are stored, and cameras that are mounted
   * askew. What a browser decodes is upright already.
   */
  orientation?: number
}

/** One class, and how likely it is. */
export interface Prediction {
  /** Of the class, from 0: its place in `logits` and `labels`. */
  index: number
  /** Its name; its index in words where the bundle names none. */
  label: string
  /** 0 to 1; those of all classes sum to 1. */
  probability: number
}

/** Time of one step of a network's program. */
export interface StepTime {
  /** Name of the layer. */
  step: string
  /** Name in the kernel table, as `f32_pointwise`. */
  kernel: string
  /** Operation of the kernel table: pointwise, fuse, ... */
  does: string
  /** Minimum over the repetitions, milliseconds; by a coarse clock, as pages have, their mean. */
  ms: number
  /** Part of the sum of all steps, 0 to 1. */
  share: number
  /** Of the network, padding lanes not counted. */
  multiplyAdds: number
}

/** Where the time of a network goes. */
export interface Profile {
  /** Sum of the steps, milliseconds. */
  ms: number
  /** In the order in which they run. */
  steps: StepTime[]
}

/** Options of `kernels`. */
export interface KernelsOptions extends Omit<ClassifyOptions, 'topK'> {
  /** Names of the dynamic layers whose kernels to return; default none. Coefficients come of all. */
  layers?: readonly string[]
  /** Also the fixed kernels that those are fused from. */
  fixed?: boolean
}

/** A dynamic convolution as one picture made it. Weights lie as PyTorch's do, with batch normalisation folded in. */
export interface DynamicLayer {
  /** Name of the layer. */
  name: string
  /** Of its kernel: output channels, input channels of a group, rows, columns. */
  shape: [channels: number, inputs: number, height: number, width: number]
  /** How many fixed kernels each output channel has: g_t of the DyNet paper. */
  kernels: number
  /** How much of each fixed kernel is in the fused one, 0 to 1: output channels x kernels. */
  coefficients: Floats
  /** The kernel of this picture, in the order of `shape`; of an integer network what its integers stand for. */
  fused?: Floats
  /** What it was fused from: `kernels` kernels, each in the order of `shape`. */
  fixed?: Floats
}

/** Options of `profile`. */
export interface ProfileOptions {
  /** Input size, [height, width] in pixels; default the bundle's. */
  size?: [height: number, width: number]
  /** How often the network runs; default 20. */
  repetitions?: number
}

/** Float32 values in memory of their own. */
export type Floats = ReturnType<Float32Array['slice']>

/**
 * Outputs by name: dense copies, which are the caller's own. A classifier has `logits` and `probabilities`, one value for each class, in the
 * order of `labels`.
 */
export type Outputs = Record<string, Floats>

/** What is loaded, for people. */
export interface Description {
  /** Architecture. */
  network: string
  /** `f32`, `w8` or `int8`. */
  precision: string
  /** The build of the kernels that runs. */
  variant: Variant
  /** How many threads run a picture now. */
  threads: number
  /** How the network wants its pictures. */
  input: InputSpec
  /** How many classes it tells apart. */
  classes: number
  /** Packed weights, bytes. */
  weightBytes: number
  /** Memory for activations at the largest input so far, bytes. */
  arenaBytes: number
  /** All of the WebAssembly memory, bytes. */
  memoryBytes: number
  /** Of the weights, as the bundle says. */
  licence: string | null
  /** Where the weights come from, as the bundle says. */
  provenance: unknown
}

/**
 * A loaded network, in this thread or in a worker. It runs one picture at a time; any input size will do, each is planned once. Every call
 * rejects with a `DynedgeError`: also with `disposed` after `dispose`, and with `worker` when its worker has ended (the next call
 * starts another).
 */
export interface Network {
  /** Architecture, as `dy-mobile`. */
  readonly name: string
  /** How its weights are stored. */
  readonly precision: Precision
  /** How it wants its pictures. */
  readonly input: InputSpec
  /** Names of the classes, by index. */
  readonly labels: readonly string[]
  /** @internal Its layers. */
  readonly graph: Graph
  /**
   * The build of the kernels that runs, as `relaxed`; where there are fewer threads than were asked for also how many and why, as
   * `relaxed, threads: 1. The page is not cross-origin isolated, ...`.
   */
  readonly variant: Variant | `${Variant}, threads: ${string}`
  /** How many threads run a picture. */
  readonly threads: number
  /** Why there are fewer threads than were asked for, if so: the end of `variant`. */
  readonly threadsNote?: string
  /** Share of the dynamic kernels (0 to 1, by weights) that the last run kept from runs before: with `keepKernels` only, else 0. */
  readonly kept: number
  /**
   * Runs a normalised picture of any size.
   * @throws DynedgeError `bad-input` for a wrong length or size, `out-of-memory`, `disposed`, `aborted`
   */
  run(input: TensorInput, options?: RunOptions): Promise<Outputs>
  /**
   * As `run`, at once: for Node, workers, and pages that may wait.
   * @throws DynedgeError as `run`, and `usage` for a network in a worker, which cannot be waited for, and in React Native beside other calls
   */
  runSync(input: TensorInput): Outputs
  /**
   * Resizes, crops, normalises and classifies a picture; best classes first.
   * @throws DynedgeError `bad-image` for what is no picture, `bad-input` for a wrong option, `out-of-memory`, `disposed`, `aborted`
   */
  classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>
  /**
   * @internal One pass, for the command line: best classes first, the outputs that they come from, and the milliseconds of the network
   * without preprocessing.
   */
  classifyFully(
    image: ImageInput,
    options?: ClassifyOptions,
  ): Promise<{ top: Prediction[]; outputs: Outputs; ms: number }>
  /**
   * What a picture makes of every dynamic layer, in the order in which they run: its coefficients and, where asked for, the fused
   * kernel. Runs the picture once. A network without dynamic layers gives none.
   * @throws DynedgeError as `classify`, and `bad-input` for the name of another layer
   */
  kernels(image: ImageInput, options?: KernelsOptions): Promise<DynamicLayer[]>
  /**
   * Time of every step for one input size, on a gray picture.
   * @throws DynedgeError `bad-input` for a wrong size, `out-of-memory`, `disposed`
   */
  profile(options?: ProfileOptions): Promise<Profile>
  /**
   * What is loaded, for people.
   * @throws DynedgeError `disposed`
   */
  describe(): Description
  /** Frees the memory, and ends its worker and threads; every later call throws `disposed`. */
  dispose(): void
}

/** One bundle that `load(url, { cache: true })` has kept. */
export interface CachedBundle {
  /** Where it was loaded from. */
  url: string
  /** `sha256-<base64>` of its data section: what `load` takes as `integrity`. */
  integrity: string
  /** Architecture of its network, as `dy-mobile`. */
  network: string
  /** Of the file. */
  bytes: number
  /** When it was kept. */
  date: Date
}

/** What `load(url, { cache: true })` keeps in this origin. In Node there is none. */
export interface BundleCache {
  /** What is kept, the newest first. Empty where the browser keeps nothing. */
  list(): Promise<CachedBundle[]>
  /**
   * Removes the bundle of a whole address, or of a digest as `list` has it; without either all of them, and what interrupted downloads left.
   * Answers how many bundles there were.
   */
  delete(which?: string): Promise<number>
}
