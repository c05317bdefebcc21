import { afterAll, describe, expect, test } from 'vitest'
import type { Conv, Graph } from '../../src/graph/graph.ts'
import { type StateDict, seededState } from '../../src/graph/parameters.ts'
import type { DynamicLayer, Network } from '../../src/interface.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import type * as Dynedge from '../../src/node.ts'
import { foldLayer } from '../../src/pack/fold.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { runReference } from '../../src/reference.ts'
import { quantizePixels, runInt8Reference } from '../../src/reference-int8.ts'
import { errorOf } from '../bundle/support.ts'
import { INPUT, integerBundle, load, seededBundle } from '../helpers/bundles.ts'
import { quantized } from '../helpers/quantized.ts'
import { randomFrom, seed } from '../helpers/wasm.ts'

// net.kernels(): what one picture makes of the dynamic layers.
const SIDE = 64
const random = randomFrom(seed)
const picture = { data: Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random() * 256), width: SIDE, height: SIDE }
const normalised = Float32Array.from(picture.data, (value) => (value / 255 - INPUT.mean[0]) / INPUT.std[0])
const graphs = {
  'dy-mobile': buildNetwork('dy-mobile', { width: 0.5, classes: 10 }),
  'dy-shuffle': buildNetwork('dy-shuffle', { width: 0.5, classes: 10 }),
}
const stateOf = (graph: Graph) => seededState(graph, 20200, { coefficients: 1, weights: 0.6 })
const bundleOf = (graph: Graph, precision: Precision) =>
  precision === 'int8' ? integerBundle(graph) : seededBundle(graph, precision)
const dynamic = (graph: Graph) => graph.nodes.filter((node): node is Conv => node.op === 'conv' && !!node.dynamic)

const opened: Network[] = []
afterAll(() => {
  for (const net of opened) net.dispose()
})

/** Largest difference, as part of the largest expected value. */
function difference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length)
  let [largest, most] = [0, 0]
  for (let i = 0; i < expected.length; ++i) {
    largest = Math.max(largest, Math.abs(expected[i]))
    most = Math.max(most, Math.abs(expected[i] - found[i]))
  }
  return most / largest
}

/** sum_i eta[t][i] fixed[i][t], the fused kernel by its definition. */
function fusedFrom({ coefficients, kernels, fixed, shape }: DynamicLayer): Float64Array {
  const [channels, ...rest] = shape
  const length = rest.reduce((product, side) => product * side, 1)
  const fused = new Float64Array(channels * length)
  for (let i = 0; i < kernels; ++i)
    for (let t = 0; t < channels; ++t)
      for (let k = 0; k < length; ++k)
        fused[t * length + k] += coefficients[t * kernels + i] * fixed![(i * channels + t) * length + k]
  return fused
}

function referenceOf(graph: Graph, state: StateDict, precision: Precision) {
  if (precision !== 'int8') return runReference(graph, state, precision, normalised, SIDE, SIDE)
  const integers = quantized(graph, state, 32, 1)
  const stored = quantizePixels(picture.data, INPUT, integers.quantization![integers.input])
  return runInt8Reference(integers, state, stored, SIDE, SIDE)
}

describe.each(Object.keys(graphs) as (keyof typeof graphs)[])('%s', (name) => {
  const graph = graphs[name]
  const convs = dynamic(graph)

  // Float coefficients: rounding differs, and deep networks of random weights make more of it. Integers are rounded to 8 bits: fixed
  // kernels, and of int8 the fused one.
  test.each([
    ['f32', 5e-3, 1e-5],
    ['w8', 2e-2, 0.02],
    ['int8', 0, 0.04],
  ] as const)(
    '%s: coefficients, fixed and fused kernels are those of the formula',
    async (precision, near, rounded) => {
      const net = await load(bundleOf(graph, precision))
      const layers = await net.kernels(picture, { layers: convs.map((conv) => conv.name), fixed: true })
      expect(layers.map((layer) => layer.name)).toEqual(convs.map((conv) => conv.name))
      const state = stateOf(graph)
      const tensors = referenceOf(graph, state, precision)
      for (const [index, layer] of layers.entries()) {
        const { channels, groups, kernel, input, dynamic } = convs[index]
        const { coefficients, from, kernels } = dynamic!
        const inputs = input.channels / groups
        expect(layer).toMatchObject({ shape: [channels, inputs, kernel, kernel], kernels })
        const all = tensors.get(coefficients)!.data
        const eta = all.slice(from, from + channels * kernels)
        expect(difference(layer.coefficients, eta), `${layer.name}, SEED=${seed}`).toBeLessThanOrEqual(near)
        const length = inputs * kernel * kernel
        const { weight } = foldLayer(convs[index], state)
        const fixed = Float64Array.from({ length: weight.length }, (_, at) => {
          const [i, t] = [Math.floor(at / length / channels), Math.floor(at / length) % channels]
          return weight[(t * kernels + i) * length + (at % length)]
        })
        expect(difference(layer.fixed!, fixed), `${layer.name}, fixed`).toBeLessThan(rounded)
        expect(difference(layer.fused!, fusedFrom(layer)), `${layer.name}, fused`).toBeLessThan(rounded)
      }
    },
  )

  test.each(['f32', 'int8'] as const)('%s: other calls answer as before, also with kept kernels', async (precision) => {
    for (const keepKernels of [undefined, 0, 2]) {
      const net = await load(bundleOf(graph, precision), { keepKernels })
      const first = await net.classify(picture)
      const layer = convs[5].name
      const seen = await net.kernels(picture, { layers: [layer], fixed: true })
      expect(await net.classify(picture)).toEqual(first)
      const { kept } = net
      expect(await net.kernels(picture, { layers: [layer], fixed: true })).toEqual(seen)
      expect(await net.classify(picture)).toEqual(first)
      expect(net.kept).toBe(kept)
    }
  })
})

test('another picture, another kernel; of another size too', async () => {
  const net = await load(bundleOf(graphs['dy-mobile'], 'w8'))
  const layers = [dynamic(graphs['dy-mobile'])[8].name]
  const dark = { ...picture, data: picture.data.map((value) => value >> 2) }
  const of = async (image: typeof picture, size?: [number, number]) =>
    (await net.kernels(image, { layers, size })).find(({ name }) => name === layers[0])!
  const [first, second, wide] = [await of(picture), await of(dark), await of(picture, [96, 160])]
  expect(second.coefficients).not.toEqual(first.coefficients)
  expect(second.fused).not.toEqual(first.fused)
  expect(wide.coefficients).not.toEqual(first.coefficients)
  expect(first.fixed).toBeUndefined()
})

test('without names there are coefficients only; a fixed network has none', async () => {
  const net = await load(bundleOf(graphs['dy-mobile'], 'f32'))
  const layers = await net.kernels(picture)
  expect(layers).toHaveLength(dynamic(graphs['dy-mobile']).length)
  for (const { coefficients, fused, fixed } of layers) {
    expect(coefficients.every((eta) => eta >= 0 && eta <= 1)).toBe(true)
    expect([fused, fixed]).toEqual([undefined, undefined])
  }
  const fixed = await load(seededBundle(buildNetwork('fix-mobile', { width: 0.5, classes: 10 })))
  expect(await fixed.kernels(picture)).toEqual([])
  const error = await errorOf(fixed.kernels(picture, { layers: ['stem'] }))
  expect([error.code, error.message]).toEqual([
    'bad-input',
    expect.stringMatching(/^stem is no dynamic layer of fix-mobile/),
  ])
})

test('faults are those of classify, and the names there are', async () => {
  const net = await load(bundleOf(graphs['dy-mobile'], 'w8'))
  const unknown = await errorOf(net.kernels(picture, { layers: ['nothing'] }))
  expect(unknown.code).toBe('bad-input')
  expect(unknown.message).toContain(dynamic(graphs['dy-mobile'])[0].name)
  const aborted = await errorOf(net.kernels(picture, { signal: AbortSignal.abort() }))
  expect(aborted.code).toBe('aborted')
  net.dispose()
  expect((await errorOf(net.kernels(picture))).code).toBe('disposed')
})

test('the same from a worker, and with threads', async () => {
  const { load: published }: typeof Dynedge = await import(new URL('../../dist/node.js', import.meta.url).href)
  const bundle = bundleOf(graphs['dy-mobile'], 'int8')
  const options = { layers: [dynamic(graphs['dy-mobile'])[3].name], fixed: true }
  const here = await (await load(bundle)).kernels(picture, options)
  for (const more of [{ worker: true }, { threads: 2 }]) {
    const net = await published(bundle, more)
    opened.push(net)
    expect(await net.kernels(picture, options)).toEqual(here)
  }
})
