import { describe, expect, test } from 'vitest'
import type { Graph } from '../../src/graph/graph.ts'
import { parameterShapes, seededState } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { foldLayer } from '../../src/pack/fold.ts'
import { type PackedTensor, packWeights, rowScales } from '../../src/pack/pack.ts'
import { quantizeLayer } from '../../src/pack/quantize.ts'
import { unpackWeights } from '../../src/pack/unpack.ts'
import { type Precision, weightLayouts } from '../../src/plan/weights.ts'
import { quantized } from '../helpers/quantized.ts'

/** Every kind of layer, odd and even g_t, channels with and without padding lanes. */
const GRAPHS: [name: string, graph: Graph][] = [
  ['dy-mobile, g_t 6', buildNetwork('dy-mobile', { width: 0.25, classes: 10 })],
  ['dy-mobile, g_t 3', buildNetwork('dy-mobile', { width: 0.5, classes: 7, kernels: 3 })],
  ['dy-shuffle, g_t 1', buildNetwork('dy-shuffle', { classes: 3, kernels: 1 })],
  ['fix-mobile', buildNetwork('fix-mobile', { width: 0.25, classes: 10 })],
  ['fix-shuffle', buildNetwork('fix-shuffle', { width: 0.5, classes: 10 })],
  ['mobilenetv2', buildNetwork('mobilenetv2', { width: 0.25, classes: 10 })],
  ['shufflenetv2', buildNetwork('shufflenetv2', { width: 0.5, classes: 10 })],
]

const reader = (tensors: PackedTensor[]) => (name: string) => tensors.find((tensor) => tensor.name === name)!.data
const repack = (graph: Graph, tensors: PackedTensor[], precision: Precision) =>
  packWeights(graph, unpackWeights(graph, precision, reader(tensors)), precision)

describe.each(GRAPHS)('%s', (_, graph) => {
  const state = seededState(graph, 3)

  test('f32: unpacked and packed again, the same bytes', () => {
    const packed = packWeights(graph, state, 'f32')
    const again = repack(graph, packed, 'f32')
    expect(again.map(({ name }) => name)).toEqual(packed.map(({ name }) => name))
    packed.forEach(({ name, data }, index) => {
      expect(Buffer.compare(bytesOf(data), bytesOf(again[index].data)), name).toBe(0)
    })
  })

  test('w8: unpacked and packed again, the same int8 and biases; scales within rounding', () => {
    const packed = packWeights(graph, state, 'w8')
    const again = repack(graph, packed, 'w8')
    packed.forEach(({ name, data }, index) => {
      const other = again[index].data
      if (!name.endsWith('.scale')) expect(Buffer.compare(bytesOf(data), bytesOf(other)), name).toBe(0)
      else
        expect(
          data.every((scale, at) => Math.abs(other[at] - scale) <= scale * 2 ** -22),
          name,
        ).toBe(true)
    })
  })

  test('int8: unpacked and packed again, the same int8; biases, scales and factors within rounding', () => {
    const integers = quantized(graph, state, 32, 3)
    const packed = packWeights(integers, state, 'int8')
    const again = repack(integers, packed, 'int8')
    // A depthwise scale depends on the sum of its weights, which rounding changes: the next test is theirs.
    const depthwise = new Set(
      weightLayouts(graph)
        .filter(({ kind }) => kind === 'depthwise')
        .map(({ node }) => node.name),
    )
    packed.forEach(({ name, dtype, data }, index) => {
      if (depthwise.has(name.slice(0, name.lastIndexOf('.')))) return
      const other = again[index].data
      const slack = dtype === 'I32' ? 1 : 0
      const part = dtype === 'I8' ? 0 : 2 ** -20
      const off = data.findIndex((value, at) => !(Math.abs(other[at] - value) <= slack + part * Math.abs(value)))
      expect(off, `${name}: ${data[off]} -> ${other[off]}`).toBe(-1)
    })
  })

  test('int8: no weight is further than half a scale from the folded one', () => {
    const integers = quantized(graph, state, 32, 3)
    const unpacked = unpackWeights(integers, 'int8', reader(packWeights(integers, state, 'int8')))
    for (const { node } of weightLayouts(integers)) {
      const folded = foldLayer(node, state)
      const { scale } = quantizeLayer(integers, node, folded)
      const found = unpacked.get(node.params.weight)!.data
      const length = found.length / folded.rows
      const worst = found.reduce(
        (most, value, k) => Math.max(most, Math.abs(value - folded.weight[k]) / scale[Math.floor(k / length)]),
        0,
      )
      expect(worst, node.name).toBeLessThan(0.5 + 127 * 2 ** -20)
    }
  })

  test('The state dict has every parameter in its shape, BN the identity', () => {
    const unpacked = unpackWeights(graph, 'w8', reader(packWeights(graph, state, 'w8')))
    const shapes = parameterShapes(graph)
    expect([...unpacked.keys()].sort()).toEqual([...shapes.keys()].sort())
    for (const [name, { shape, data }] of unpacked) {
      expect(shape, name).toEqual(shapes.get(name))
      expect(data.length, name).toBe(shape.reduce((product, side) => product * side, 1))
      const statistic = { running_mean: 0, running_var: Math.fround(1 - 1e-5) }[name.split('.').at(-1)!]
      if (statistic !== undefined) expect(new Set(data), name).toEqual(new Set([statistic]))
    }
  })

  test('w8: no weight is further than half a scale from the folded one, and the largest of each row is exact', () => {
    const unpacked = unpackWeights(graph, 'w8', reader(packWeights(graph, state, 'w8')))
    for (const { node } of weightLayouts(graph)) {
      const folded = foldLayer(node, state)
      const scales = rowScales(folded)
      const found = unpacked.get(node.params.weight)!.data
      const length = found.length / folded.rows
      let worst = 0
      let largest = 0
      found.forEach((value, k) => {
        const row = Math.floor(k / length)
        // Rounding the product to float32 may add a little.
        worst = Math.max(worst, (Math.abs(value - folded.weight[k]) / scales[row] - 0.5) / 127)
        largest = Math.max(largest, Math.abs(value) / scales[row])
      })
      expect(worst, node.name).toBeLessThan(2 ** -22)
      expect(largest, node.name).toBeCloseTo(127, 4)
    }
  })
})

test('A tensor that is too short is refused', () => {
  const graph = GRAPHS[0][1]
  const packed = packWeights(graph, seededState(graph, 3), 'f32')
  const short = (name: string) => (name === 'stem.weight' ? reader(packed)(name).subarray(1) : reader(packed)(name))
  expect(() => unpackWeights(graph, 'f32', short)).toThrow(
    expect.objectContaining({ code: 'bad-bundle', message: expect.stringContaining('stem.weight') }),
  )
})

test('A row of zeros packs to zeros', () => {
  const graph = GRAPHS[0][1]
  const state = seededState(graph, 3)
  state.get('fc.weight')!.data.fill(0, 0, graph.nodes.find((node) => node.op === 'linear')!.input.channels)
  const packed = packWeights(graph, state, 'w8')
  expect(packed.find(({ name }) => name === 'fc.scale')!.data[0]).toBe(0)
  expect(packed.every(({ data }) => data.every((value) => Number.isFinite(value)))).toBe(true)
})

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
}
