import { MAX_THREADS } from '../assembly/program/format.ts'
import type { Backend } from './backend.ts'
import type { BundleHeader } from './bundle/header.ts'
import { type Progress, readHeader, streamInto } from './bundle/load.ts'
import { type BundleInput, openSource } from './bundle/source.ts'
import { DynedgeError } from './errors.ts'
import { checkGraph } from './graph/check.ts'
import { type Graph, inferShapes } from './graph/graph.ts'
import { checkQuantization, isInteger } from './graph/integer.ts'
import { weightShape } from './graph/parameters.ts'
import { checkInputSpec, type InputSpec } from './image/spec.ts'
import type { Network as AnyNetwork, Precision, Variant } from './interface.ts'
import { checkInputSize, Network } from './network.ts'
import { aligned } from './plan/arena.ts'
import { planNetwork } from './plan/plan.ts'
import { weightLayouts, weightTensors } from './plan/weights.ts'
import { Engine, places } from './runtime/engine.ts'
import { chooseVariant, compile, openerOf, outOfMemory, type Platform } from './runtime/module.ts'

/** Options of `load`. */
export interface LoadOptions {
  /** Called before the first and after every chunk, in bytes of weights. */
  onProgress?: (progress: Progress) => void
  /** `sha256-<base64>` of the bundle's data section; as in SRI, several may be given with spaces between. */
  integrity?: string
  /** Ends the load with the error `aborted`. */
  signal?: AbortSignal
  /**
   * In a page, its workers and service workers: keeps the bundle of an http address on this machine and serves it from there when the server
   * has no other, or none answers; goes on with interrupted downloads. Elsewhere without effect. docs/loading.md
   */
  cache?: boolean
  /** Forces a binary; default: the fastest that the engine runs. */
  variant?: Variant
  /**
   * How many threads run a picture, up to 16; default 1, `'auto'` is one for each core, at most 4. Where they cannot be had there are
   * fewer: `network.threads`, `network.threadsNote`.
   */
  threads?: number | 'auto'
  /** Loads into a worker of its own: no call blocks this thread, and `runSync` does not exist. */
  worker?: boolean
  /** With `worker`: the bundle's bytes are given away, not copied. */
  transfer?: boolean
  /** Largest input to reserve memory for, [height, width] in pixels; default the bundle's own. A larger one costs more memory, or a new instance, when it comes. */
  maxInput?: [height: number, width: number]
  /**
   * For a stream of frames: a fused kernel stands while every one of its coefficients (0 to 1) lies within this of the one it was fused
   * from. 0 changes no result; 0.02 is a good start. Dynamic networks only; costs memory for all fused kernels. docs/frames.md
   */
  keepKernels?: number
}

/**
 * Loads a bundle.
 * @throws DynedgeError with a `code`: what was found, what was expected
 */
export type Load = (bundle: BundleInput, options?: LoadOptions) => Promise<AnyNetwork>

/** @internal `load` for a platform: checks the header, takes memory once, streams the weights into it, checks them, plans and verifies. */
export function loader(platform: Platform): Load {
  const load: Load = async (bundle, options = {}) => {
    const { threads = 1, signal, integrity, cache } = options
    if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS))
      throw new DynedgeError('bad-input', `threads is ${threads}, expected auto or 1 to ${MAX_THREADS}.`)
    const { keepKernels } = options
    const keep =
      keepKernels === undefined ? undefined : (await import('./plan/keep.ts')).keepKernels(keepKernels, DynedgeError)
    const variant = await chooseVariant(options.variant)
    const opening = prepare(platform, threads, variant)
    opening.catch(() => {})
    const source = await openSource(bundle, { signal, openOwn: platform.openOwn, cache, integrity })
    let backend: Backend | undefined
    try {
      const { header, rest } = await readHeader(source, { integrity })
      const graph = checkHeader(header)
      const [height, width] = options.maxInput ?? (header.metadata.input as unknown as InputSpec).size
      checkInputSize(height, width)
      // Blocks of dynamic networks do not expand: nothing to gain.
      const bands = graph.kernels ? undefined : (await import('./plan/bands.ts')).inBands
      const planning = { keep, bands, threads: threads !== 1 }
      const plan = planNetwork(
        graph,
        header.metadata.precision as Precision,
        header.tensors,
        header.dataBytes,
        height,
        width,
        planning,
      )
      const bytes = places(0, plan.program.length, header.dataBytes, plan.arenaBytes).bytes
      const { opener, note, ...opened } = await opening
        .then(async (ready) => ({ ...ready, ...(await ready.opener.open(bytes)) }))
        .catch(async (cause) => (await import('./runtime/cannot-run.ts')).refused(cause, DynedgeError))
      backend = opened.backend
      const at = places(opened.base, plan.program.length, header.dataBytes, plan.arenaBytes)
      const engine = new Engine(backend, at, header.dataBytes, plan.arenaBytes)
      engine.select(plan)
      await streamInto(backend, at.weights, header, rest, options)
      const reason = note ?? (await backend.team?.ready)
      await source.keep?.(header)
      return new Network(engine, opener, header, graph, variant, planning, reason)
    } catch (error) {
      backend?.close?.()
      await source.cancel()
      if (await source.refuse?.(error)) return load(bundle, options)
      throw error
    }
  }
  return load
}

async function prepare(platform: Platform, threads: number | 'auto', variant: Variant) {
  const team = threads === 1 ? undefined : await (await platform.threads!())(threads, variant, outOfMemory)
  return { opener: team?.opener ?? platform.opener ?? openerOf(await compile(platform, variant)), note: team?.note }
}

/** @internal Does the header describe a network that this version runs? Every weight must have the bytes that its layout says. */
export function checkHeader({ metadata, tensors }: BundleHeader): Graph {
  const { precision } = metadata
  if (precision !== 'f32' && precision !== 'w8' && precision !== 'int8')
    throw new DynedgeError(
      'unsupported-layout',
      `The bundle's precision is ${precision}; this version runs f32, w8 and int8.`,
    )
  const input = metadata.input as unknown as InputSpec
  checkInputSpec(input)
  const graph = checkGraph(metadata.graph)
  inferShapes(graph, ...input.size)
  checkQuantization(graph)
  checkClaims(graph, precision, tensors)
  for (const layout of weightLayouts(graph))
    for (const { name, dtype, elements } of weightTensors(layout, precision)) {
      const bytes = aligned(elements * (dtype === 'I8' ? 1 : 4))
      const tensor = needed(tensors, name)
      if (tensor.dtype !== dtype || tensor.bytes !== bytes)
        throw new DynedgeError(
          'unsupported-layout',
          `${name} has ${tensor.bytes} bytes of ${tensor.dtype}, expected ${bytes} of ${dtype}: packed for other kernels. Pack it again.`,
        )
    }
  return graph
}

function needed(tensors: BundleHeader['tensors'], name: string) {
  const tensor = tensors.get(name)
  if (!tensor) throw new DynedgeError('bad-bundle', `The bundle has no tensor ${name}, which its graph needs.`)
  return tensor
}

/** Has every layer at least as many bytes as weights? Before anything is worked out whose size the graph alone decides. */
function checkClaims(graph: Graph, precision: Precision, tensors: BundleHeader['tensors']): void {
  for (const node of graph.nodes) {
    if (!('params' in node)) continue
    const values = weightShape(node).reduce((product, side) => product * side)
    const least = values * (precision === 'w8' || isInteger(graph, node) ? 1 : 4)
    const { bytes } = needed(tensors, `${node.name}.weight`)
    if (bytes < least)
      throw new DynedgeError(
        'unsupported-layout',
        `${node.name}.weight has ${bytes} bytes, expected at least ${least}: packed for another graph. Pack it again.`,
      )
  }
}
