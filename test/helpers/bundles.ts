import { openLocal } from '../../src/bundle/file-source.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { seededState, seededUniform } from '../../src/graph/parameters.ts'
import type { InputSpec } from '../../src/image/spec.ts'
import { type Load, loader } from '../../src/load.ts'
import type { NetworkOptions } from '../../src/networks/builder.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { packBundle } from '../../src/pack/pack.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { prepareIn } from '../../src/runtime/threads/node.ts'
import { quantized } from './quantized.ts'
import { readWasm } from './wasm.ts'

export const INPUT: InputSpec = {
  channels: 3,
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  size: [64, 64],
  shorterSide: 64,
  resampling: 'bilinear',
}
export const LABELS = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ')

/** A bundle of a graph with random weights that do not explode. */
export function seededBundle(graph: Graph, precision: Precision = 'w8', labels: string[] | null = LABELS): Uint8Array {
  const state = seededState(graph, 20200, { coefficients: 1, weights: 0.6 })
  return packBundle(graph, state, precision, {
    input: { ...INPUT },
    labels,
    quantization: null,
    provenance: { weights: 'random' },
    licence: null,
  })
}

/** The same in integers, whose ranges fit one random picture. */
export function integerBundle(graph: Graph, labels: string[] | null = LABELS): Uint8Array {
  const state = seededState(graph, 20200, { coefficients: 1, weights: 0.6 })
  return packBundle(quantized(graph, state, 32, 1), state, 'int8', {
    input: { ...INPUT },
    labels,
    quantization: null,
    provenance: { weights: 'random' },
    licence: null,
  })
}

/** The smallest real network: half a Dy-mobile, ten classes. */
export function smallBundle(precision: Precision = 'w8', options: NetworkOptions = {}): Uint8Array {
  return seededBundle(buildNetwork('dy-mobile', { width: 0.5, classes: 10, ...options }), precision)
}

/** `load` of the sources under test, with the binaries of build/. */
export const load: Load = loader({
  wasm: async (binary) => readWasm(binary) as BufferSource,
  openOwn: openLocal,
  threads: async () => prepareIn(new URL('../../dist/', import.meta.url)),
})

export function seededTensor(height: number, width: number): { data: Float32Array; height: number; width: number } {
  return { data: seededUniform('tensor', 7, height * width * 3, (u) => 4 * u - 2), height, width }
}
