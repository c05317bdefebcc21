import { readFile } from 'node:fs/promises'
import { Runner } from '../src/calibrate/runner.ts'
import { decode } from '../src/cli/decode.ts'
import { matchClasses } from '../src/cli/eval/classes.ts'
import { listFolder } from '../src/cli/eval/folder.ts'
import { limited } from '../src/cli/eval/select.ts'
import { factsOf, readWeights } from '../src/cli/weights.ts'
import { DynedgeError } from '../src/errors.ts'
import type { Graph } from '../src/graph/graph.ts'
import type { StateDict } from '../src/graph/parameters.ts'
import type { InputSpec } from '../src/image/spec.ts'
import { buildNetwork } from '../src/networks/index.ts'

/** A network with weights that were trained, and how it wants its pictures. */
export interface Trained {
  graph: Graph
  state: StateDict
  labels: readonly string[]
  input: InputSpec
}

/** Normalised pictures, size x size x 3, and the class of each. */
export interface Labelled {
  pictures: Float32Array[]
  classes: number[]
}

/** Reads what models/dynedge_train writes. Throws `bad-model`, `usage`. */
export async function readTrained(path: string): Promise<Trained> {
  const file = new Uint8Array(await readFile(path))
  const facts = factsOf(file)
  const { network, width, classes, kernels, labels, size, shorterSide, mean, std } = facts
  if (!network || !labels || !size || !shorterSide || !mean || !std)
    throw new DynedgeError('usage', `${path} does not say its network, labels, size, mean and std in its metadata.`)
  const graph = buildNetwork(network, { width, classes, kernels: kernels || undefined })
  const input: InputSpec = { channels: 3, mean, std, size, shorterSide, resampling: 'bilinear' }
  return { graph, state: readWeights(file).take(graph, path), labels, input }
}

/** At most `limit` pictures of a folder by class, spread evenly, prepared as `trained` wants them. */
export async function readPictures(
  folder: string,
  { graph, state, labels, input }: Trained,
  size: number,
  limit: number,
): Promise<Labelled> {
  const { folders, entries } = await listFolder(folder)
  const { indices } = await matchClasses(folder, folders, labels)
  const wasm = await WebAssembly.compile(await readFile(new URL('../build/simd.wasm', import.meta.url)))
  const runner = new Runner(wasm, graph, state, 'f32', [size, size])
  const found: Labelled = { pictures: [], classes: [] }
  for (const { path, folder: index } of limited(
    entries.filter(({ reason }) => reason === undefined),
    limit,
  )) {
    found.pictures.push(runner.prepare(await decode(path), input).slice())
    found.classes.push(indices[index])
  }
  return found
}
