import type { JsonObject } from '../bundle/header.ts'
import type { Graph } from '../graph/graph.ts'
import { type StateDict, seededState, seededUniform } from '../graph/parameters.ts'
import type { InputSpec } from '../image/spec.ts'
import type { Network, TensorInput, Variant } from '../interface.ts'
import type { Load } from '../load.ts'
import { buildNetwork } from '../networks/index.ts'
import { packBundle } from '../pack/pack.ts'
import { quantizeGraph, type Range, rangeGroups } from '../pack/quantize-graph.ts'
import type { Precision } from '../plan/weights.ts'
import { type RaceOptions, race, timesOf } from './race.ts'
import { DYNEDGE, type Row } from './report.ts'

/** What to measure: every combination; squares of `sizes` pixels. */
export interface BenchSpec {
  networks: string[]
  sizes: number[]
  precisions: Precision[]
  variants: Variant[]
  threads: number[]
}

const SEED = 1
/** Keep the activations of deep dynamic networks in the range of trained ones. */
const DYNAMIC_GAINS = { coefficients: 1, weights: 0.6 }

export function seededWeights(graph: Graph): StateDict {
  return seededState(graph, SEED, graph.kernels ? DYNAMIC_GAINS : {})
}

/** Input of a network of random weights. */
export function seededInput(size: number): InputSpec {
  return {
    channels: 3,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    size: [size, size],
    shorterSide: size,
    resampling: 'bilinear',
  }
}

/**
 * A bundle of random weights, trained for nothing, input `size` x `size`. A float `graph` gets integers of arbitrary ranges for int8: they
 * take the same time whatever they stand for.
 */
export function seededBundle(graph: Graph, state: StateDict, precision: Precision, size: number): Uint8Array {
  const packed = precision === 'int8' && !graph.quantization ? quantizeGraph(graph, arbitraryRanges(graph)) : graph
  return packBundle(packed, state, precision, {
    input: seededInput(size) as unknown as JsonObject,
    labels: null,
    quantization: null,
    provenance: { weights: `random, seed ${SEED}` },
    licence: null,
  })
}

function arbitraryRanges(graph: Graph): Map<string, Range> {
  return new Map(rangeGroups(graph).flatMap((group) => group.map((tensor) => [tensor, { low: -4, high: 4 }])))
}

/** A normalised picture of noise, height x width x 3. */
export function seededPicture(size: number): TensorInput {
  return { data: seededUniform('image', SEED, size * size * 3, (u) => 4 * u - 2), height: size, width: size }
}

/** Latency of dynedge alone, on random weights: what `dynedge bench` prints where there are no peers. Throws as `load` and `buildNetwork` do. */
export async function benchLatency(
  load: Load,
  spec: BenchSpec,
  options: RaceOptions & { onProgress?: (text: string) => void } = {},
): Promise<Row[]> {
  const rows: Row[] = []
  for (const size of spec.sizes) {
    const entries: { network: Network; row: Omit<Row, 'ms' | 'runs'> }[] = []
    for (const name of spec.networks) {
      const graph = buildNetwork(name)
      const state = seededWeights(graph)
      for (const precision of spec.precisions) {
        const bundle = seededBundle(graph, state, precision, size)
        for (const variant of spec.variants)
          for (const threads of spec.threads) {
            options.onProgress?.([name, precision, variant, size, `${threads} threads`].join(' '))
            const network = await load(bundle, { variant, threads })
            const row = { runtime: DYNEDGE, network: name, precision, variant, threads: network.threads, size }
            entries.push({ network, row })
          }
      }
    }
    const picture = seededPicture(size)
    const times = await race(
      entries.map(({ network }) =>
        network.threads === 1 ? () => network.runSync(picture) : () => network.run(picture),
      ),
      options,
    )
    entries.forEach(({ network, row }, index) => {
      rows.push({ ...row, ms: timesOf(times[index]), runs: times[index].length })
      network.dispose()
    })
  }
  return rows
}

/** `224`, `128,224`, `96..448` (in steps of 32); undefined for anything else. */
export function parseSizes(text: string): number[] | undefined {
  const sizes = text.split(',').flatMap((part) => {
    const match = /^(\d+)(?:\.\.(\d+))?$/.exec(part.trim())
    if (!match) return [Number.NaN]
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])]
    return Array.from({ length: Math.floor((last - first) / 32) + 1 }, (_, step) => first + 32 * step)
  })
  return sizes.length && sizes.every((size) => size > 0) ? sizes : undefined
}
