import { readFile } from 'node:fs/promises'
import { Histogram } from '../src/calibrate/histogram.ts'
import { observed } from '../src/calibrate/observers.ts'
import { Runner } from '../src/calibrate/runner.ts'
import { DynedgeError } from '../src/errors.ts'
import type { Conv, Graph, Quantization } from '../src/graph/graph.ts'
import type { StateDict } from '../src/graph/parameters.ts'
import { quantizeGraph, type Range, rangeGroups } from '../src/pack/quantize-graph.ts'

/** Integers of a network for us and for peers, from one set of ranges. */
export interface Integers {
  /** Ours, 7 bits. */
  graph: Graph
  /** For peers: 8 bits, 0..255. Beside our tensors `<output>.raw`, a convolution before its residual is added, and means and logits. */
  peers: ReadonlyMap<string, Quantization>
}

const PEER_TOP = 255

/** Runs the float network over `pictures` (height x width x 3, normalised) and gives every tensor the range with the least squared error. */
export async function integersOf(
  graph: Graph,
  state: StateDict,
  pictures: readonly Float32Array[],
  size: number,
): Promise<Integers> {
  const groups = rangeGroups(graph)
  const histograms = await histogramsOf(graph, state, pictures, size)
  const own = new Map<string, Range>()
  const theirs = new Map<string, Range>()
  for (const group of groups) {
    const histogram = new Histogram()
    for (const tensor of group) if (histograms.has(tensor)) histogram.merge(histograms.get(tensor)!)
    for (const tensor of group) {
      own.set(tensor, observed('mse', histogram, 127))
      theirs.set(tensor, observed('mse', histogram, PEER_TOP))
    }
  }
  const peers = new Map(Object.entries(quantizeGraph(graph, theirs, { bits: 8 }).quantization!))
  for (const [tensor, histogram] of histograms)
    if (!peers.has(tensor)) peers.set(tensor, quantizationOf(observed('mse', histogram, PEER_TOP)))
  return { graph: quantizeGraph(graph, own), peers }
}

function quantizationOf({ low, high }: Range): Quantization {
  const [least, most] = [Math.min(low, 0), Math.max(high, 0)]
  const scale = Math.fround((most - least || 1) / PEER_TOP)
  return { scale, zero: Math.min(PEER_TOP, Math.round(-least / scale)), bits: 8 }
}

async function histogramsOf(graph: Graph, state: StateDict, pictures: readonly Float32Array[], size: number) {
  const wasm = await WebAssembly.compile(await readFile(new URL('../build/simd.wasm', import.meta.url)))
  const runner = new Runner(wasm, graph, state, 'f32', [size, size])
  const histograms = new Map<string, Histogram>()
  const see = (tensor: string, values: Float32Array) => {
    const histogram = histograms.get(tensor) ?? new Histogram()
    histograms.set(tensor, histogram)
    histogram.add(values)
  }
  const added = new Map(
    graph.nodes
      .filter((node): node is Conv => node.op === 'conv' && !!node.residual)
      .map((node) => [node.output, node]),
  )
  for (const picture of pictures)
    runner.run(picture, (tensor) => {
      const values = runner.read(tensor)
      see(tensor, values)
      const node = added.get(tensor)
      if (!node) return
      if (node.activation !== 'none')
        throw new DynedgeError('bad-input', `${node.name} activates a sum, so peers' range before it is not known.`)
      // The residual's last reader has just run: it is still there.
      const residual = runner.read(node.residual!)
      see(
        `${tensor}.raw`,
        values.map((value, i) => value - residual[i]),
      )
    })
  return histograms
}
