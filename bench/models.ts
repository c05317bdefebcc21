import { type BenchSpec, seededInput, seededWeights } from '../src/bench/latency.ts'
import type { JsonObject } from '../src/bundle/header.ts'
import type { Graph } from '../src/graph/graph.ts'
import type { StateDict } from '../src/graph/parameters.ts'
import type { InputSpec } from '../src/image/spec.ts'
import { buildNetwork } from '../src/networks/index.ts'
import { packBundle } from '../src/pack/pack.ts'
import type { Precision } from '../src/plan/weights.ts'
import type { Variant } from '../src/runtime/module.ts'
import { type Integers, integersOf } from './integers.ts'
import { INTEGER_FORMS, type IntegerForm, writeIntegerOnnx } from './onnx/integer.ts'
import { FORMS, writeOnnx } from './onnx/write.ts'
import { type Labelled, seededPictures, type Trained } from './pictures.ts'
import { DYNEDGE, LITERT, ORT, type Runtime } from './runtimes.ts'
import { writeTflite } from './tflite/write.ts'

/** The forms that were fastest where they were measured: bench/RESULTS.md. */
export const FASTEST_FORM = 'matmul+conv'
const FASTEST_INTEGER_FORM: IntegerForm = 'float kernels'

export interface Asked extends BenchSpec {
  peers: readonly string[]
  form: string
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
  threads: 1
  size: number
  /** How a dynamic network was written for a peer. */
  form?: string
  file: Uint8Array
}

const NOISE_PICTURES = 4

export async function subjectOf(name: string, size: number, { precisions }: Asked, given?: Given): Promise<Subject> {
  const subject = given ? trainedSubject(size, given) : seededSubject(name, size)
  if (!precisions.includes('int8')) return subject
  const pictures = given ? given.calibration.pictures : subject.pictures
  return { ...subject, integers: await integersOf(subject.graph, subject.state, pictures, size) }
}

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

/** A network in every runtime, precision, variant and form asked for. */
export function modelsOf(subject: Subject, asked: Asked): Model[] {
  const { name, size, graph } = subject
  const models: Model[] = []
  for (const precision of asked.precisions) {
    const add = (runtime: Runtime, file: Uint8Array, variants: readonly (Variant | null)[], form?: string) => {
      for (const variant of variants)
        models.push({ runtime, network: name, precision, variant, threads: 1, size, ...(form && { form }), file })
    }
    add(DYNEDGE, bundleOf(subject, precision), asked.variants)
    if (asked.peers.includes(ORT))
      for (const form of formsOf(subject, precision, asked.form))
        add(ORT, onnxOf(subject, precision, form), [null], graph.kernels ? form : undefined)
    // w8 would be f32 again.
    if (asked.peers.includes(LITERT) && precision !== 'w8') add(LITERT, tfliteOf(subject, precision), asked.variants)
  }
  return models
}

function bundleOf(subject: Subject, precision: Precision): Uint8Array {
  const { graph, state } = precision === 'int8' ? subject.integers! : subject
  const input = subject.input as unknown as JsonObject
  return packBundle(graph, state, precision, { input, labels: null, quantization: null, provenance: {}, licence: null })
}

function formsOf({ graph }: Subject, precision: Precision, asked: string): string[] {
  const all: readonly string[] = precision === 'int8' ? INTEGER_FORMS : Object.keys(FORMS)
  if (graph.kernels && asked === 'all') return [...all]
  if (all.includes(asked)) return [asked]
  return [precision === 'int8' ? FASTEST_INTEGER_FORM : FASTEST_FORM]
}

function onnxOf({ graph, state, size, integers }: Subject, precision: Precision, form: string): Uint8Array {
  return precision === 'int8'
    ? writeIntegerOnnx(graph, state, integers!.peers, form as IntegerForm, size)
    : writeOnnx(graph, state, precision, FORMS[form], size)
}

function tfliteOf({ graph, state, size, integers }: Subject, precision: Precision): Uint8Array {
  return writeTflite(graph, state, size, precision === 'int8' ? integers!.peers : undefined)
}
