import { calibrate } from '../src/calibrate/calibrate.ts'
import { Histogram } from '../src/calibrate/histogram.ts'
import { observed } from '../src/calibrate/observers.ts'
import { Runner } from '../src/calibrate/runner.ts'
import { DynedgeError } from '../src/errors.ts'
import type { Conv, Graph, Quantization } from '../src/graph/graph.ts'
import type { StateDict } from '../src/graph/parameters.ts'
import { quantizeGraph, type Range, rangeGroups } from '../src/pack/quantize-graph.ts'

/** A network in integers, calibrated on the same pictures for us and for peers. */
export interface Integers {
  /** Ours, 7 bits, as `dynedge pack --precision int8` makes it. */
  graph: Graph
  state: StateDict
  /**
   * For peers: 8 bits, 0..255, the ranges of least squared error. Beside the tensors of our graph `<output>.raw`, a convolution before
   * its residual is added, and means and logits.
   */
  peers: ReadonlyMap<string, Quantization>
}

const PEER_TOP = 255

/** @param pictures size x size x 3, normalised; `wasm`: the kernels that run it while it is watched */
export async function integersOf(
  graph: Graph,
  state: StateDict,
  pictures: readonly Float32Array[],
  size: number,
  wasm: WebAssembly.Module,
): Promise<Integers> {
  const options = { observer: 'mse', equalize: true, biasCorrection: true, keep: [], bits: 7 } as const
  const own = calibrate(wasm, graph, state, pictures, [size, size], options)
  const histograms = histogramsOf(new Runner(wasm, graph, state, 'f32', [size, size]), graph, pictures)
  const ranges = new Map<string, Range>()
  for (const group of rangeGroups(graph)) {
    const histogram = new Histogram()
    for (const tensor of group) if (histograms.has(tensor)) histogram.merge(histograms.get(tensor)!)
    for (const tensor of group) ranges.set(tensor, observed('mse', histogram, PEER_TOP))
  }
  const peers = new Map(Object.entries(quantizeGraph(graph, ranges, { bits: 8 }).quantization!))
  for (const [tensor, histogram] of histograms)
    if (!peers.has(tensor)) peers.set(tensor, quantizationOf(observed('mse', histogram, PEER_TOP)))
  return { graph: own.graph, state: own.state, peers }
}

function quantizationOf({ low, high }: Range): Quantization {
  const [least, most] = [Math.min(low, 0), Math.max(high, 0)]
  const scale = Math.fround((most - least || 1) / PEER_TOP)
  return { scale, zero: Math.min(PEER_TOP, Math.round(-least / scale)), bits: 8 }
}

function histogramsOf(runner: Runner, graph: Graph, pictures: readonly Float32Array[]): Map<string, Histogram> {
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
      // The runner keeps its buffers.
      const values = runner.read(tensor).slice()
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
