import { type BenchSpec, seededInput, seededWeights } from '../src/bench/latency.ts'
import { DYNEDGE } from '../src/bench/report.ts'
import type { JsonObject } from '../src/bundle/header.ts'
import type { Graph } from '../src/graph/graph.ts'
import type { StateDict } from '../src/graph/parameters.ts'
import type { InputSpec } from '../src/image/spec.ts'
import type { Variant } from '../src/interface.ts'
import { buildNetwork } from '../src/networks/index.ts'
import { packBundle } from '../src/pack/pack.ts'
import type { Precision } from '../src/plan/weights.ts'
import { type Integers, integersOf } from './integers.ts'
import { seededPictures } from './noise.ts'
import { LITERT, ORT, type Runtime, TFJS } from './peers.ts'
import type { Labelled, Trained } from './pictures.ts'

export interface Asked extends BenchSpec {
  peers: readonly string[]
  /** Every form of a dynamic network that a peer knows, not just its fastest. */
  forms: boolean
}

/** What is given instead of random weights and noise. */
export interface Given {
  trained: Trained
  images: Labelled
  calibration: Labelled
}

/** A network and the pictures, size x size x 3, that its runtimes are compared on; the first is the one that is timed. */
export interface Subject {
  name: string
  graph: Graph
  state: StateDict
  input: InputSpec
  size: number
  pictures: readonly Float32Array[]
  /** Classes of the pictures, where they are known. */
  classes?: readonly number[]
  integers?: Integers
}

/** A file that a runtime runs. */
export interface Model {
  runtime: Runtime
  network: string
  precision: Precision
  /** Binary of dynedge or LiteRT.js; null where there is one only. */
  variant: Variant | null
  threads: number
  size: number
  /** How a dynamic network was written for a peer. */
  form?: string
  file: Uint8Array
}

const NOISE_PICTURES = 4

/** How a peer's model is written: ONNX, TFLite, ... */
export interface Writer {
  /** Forms of a dynamic network; the first is the fastest where they were measured: bench/RESULTS.md. */
  forms(precision: Precision): readonly string[]
  write(subject: Subject, precision: Precision, form: string): Uint8Array
}

export type Writers = Partial<Record<Runtime, Writer>>

/** @param kernels what runs a network while its ranges are watched, for int8 */
export async function subjectOf(
  name: string,
  size: number,
  { precisions }: Pick<Asked, 'precisions'>,
  kernels: () => Promise<WebAssembly.Module>,
  given?: Given,
): Promise<Subject> {
  const subject = given ? trainedSubject(size, given) : seededSubject(name, size)
  if (!precisions.includes('int8')) return subject
  const pictures = given ? given.calibration.pictures : subject.pictures
  const integers =
    calibrated.get(name) ?? (await integersOf(subject.graph, subject.state, pictures, size, await kernels()))
  calibrated.set(name, integers)
  return { ...subject, integers }
}

/** Ranges hold for every size: they are found once. */
const calibrated = new Map<string, Integers>()

function trainedSubject(size: number, { trained, images }: Given): Subject {
  const { graph, state, input } = trained
  return { name: graph.network, graph, state, input, size, ...images }
}

function seededSubject(name: string, size: number): Subject {
  const graph = buildNetwork(name)
  return {
    name,
    graph,
    state: seededWeights(graph),
    input: seededInput(size),
    size,
    pictures: seededPictures(size, NOISE_PICTURES),
  }
}

/** A network in every runtime, precision, variant, form and number of threads asked for. */
export function modelsOf(subject: Subject, asked: Asked, writers: Writers): Model[] {
  const { name, size, graph } = subject
  const models: Model[] = []
  for (const precision of asked.precisions) {
    const add = (runtime: Runtime, file: Uint8Array, variants: readonly (Variant | null)[], form?: string) => {
      // LiteRT.js has threads only with relaxed SIMD.
      for (const variant of variants)
        for (const threads of asked.threads)
          if (runtime !== LITERT || threads === 1 || variant === 'relaxed')
            models.push({ runtime, network: name, precision, variant, threads, size, ...(form && { form }), file })
    }
    add(DYNEDGE, bundleOf(subject, precision), asked.variants)
    for (const peer of [ORT, TFJS, LITERT] as const) {
      // w8 would be f32 again, and TensorFlow.js has no integers.
      if (!asked.peers.includes(peer) || (peer !== ORT && precision === 'w8') || (peer === TFJS && precision !== 'f32'))
        continue
      const writer = writers[peer]!
      const all = writer.forms(precision)
      const variants = peer === LITERT ? asked.variants : [null]
      for (const form of graph.kernels && asked.forms ? all : all.slice(0, 1))
        add(peer, writer.write(subject, precision, form), variants, graph.kernels ? form : undefined)
    }
  }
  return models
}

function bundleOf(subject: Subject, precision: Precision): Uint8Array {
  const { graph, state } = precision === 'int8' ? subject.integers! : subject
  const input = subject.input as unknown as JsonObject
  return packBundle(graph, state, precision, { input, labels: null, quantization: null, provenance: {}, licence: null })
}
