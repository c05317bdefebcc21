import { describe, expect, test } from 'vitest'
import type { Graph, Node } from '../../src/graph/graph.ts'
import { checkQuantization, isInteger } from '../../src/graph/integer.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { quantizeGraph, type Range, type Ranges, rangeGroups } from '../../src/pack/quantize-graph.ts'
import { draftSteps } from '../../src/plan/steps.ts'
import { graphOf, lift } from '../kernels/graphs.ts'

const everywhere = (graph: Graph, range: Range, keep: string[] = []): Ranges =>
  new Map(
    rangeGroups(graph, keep)
      .flat()
      .map((tensor) => [tensor, range]),
  )
const conversions = (graph: Graph) =>
  graph.nodes.filter(({ op }) => op === 'quantize' || op === 'dequantize').map(({ name }) => name)
const node = (graph: Graph, name: string): Node => graph.nodes.find((each) => each.name === name)!

/** stem (relu6) and a linear layer behind a pool; few enough to write numbers by hand. */
const tiny = () =>
  graphOf((net) => {
    const x = net.conv('stem', net.image, 8, { kernel: 3, activation: 'relu6' })
    const y = net.conv('out', x, 8)
    net.classifier(y, 4, 'fc')
    return { logits: { tensor: 'logits', channels: 4 } }
  })

describe('Scale and zero point', () => {
  const found = (low: number, high: number, tensor = 'out', bits: 7 | 8 = 7) => {
    const ranges = new Map([...everywhere(tiny(), { low: -1, high: 1 }), [tensor, { low, high }]])
    return quantizeGraph(tiny(), ranges, { bits }).quantization![tensor]
  }

  test.each<[string, [number, number, string?, (7 | 8)?], object]>([
    ['both signs', [-1, 3], { scale: Math.fround(4 / 127), zero: 32, bits: 7 }],
    ['8 bits', [-1, 3, 'out', 8], { scale: Math.fround(4 / 255), zero: 64, bits: 8 }],
    ['0 is reached from above', [2, 4], { scale: Math.fround(4 / 127), zero: 0, bits: 7 }],
    ['and from below', [-4, -2], { scale: Math.fround(4 / 127), zero: 127, bits: 7 }],
    ['relu6 has no values below 0, nor above 6', [-3, 9, 'stem'], { scale: Math.fround(6 / 127), zero: 0, bits: 7 }],
    ['less is less', [0, 2.5, 'stem'], { scale: Math.fround(2.5 / 127), zero: 0, bits: 7 }],
    ['dead', [0, 0], { scale: Math.fround(1 / 127), zero: 0, bits: 7 }],
    ['as good as dead', [-1e-12, 1e-11], { scale: Math.fround(1 / 127), zero: 0, bits: 7 }],
  ])('%s', (_, [low, high, tensor, bits], expected) => expect(found(low, high, tensor, bits)).toEqual(expected))

  test('What training fixed is taken as it is', () => {
    const stored = { scale: 0.0503, zero: 3 }
    const ranges = new Map([...everywhere(tiny(), { low: -1, high: 1 }), ['stem', stored]]) as Ranges
    expect(quantizeGraph(tiny(), ranges).quantization!.stem).toEqual({ scale: Math.fround(0.0503), zero: 3, bits: 7 })
  })

  test.each<[string, object, RegExp]>([
    ['NaN', { low: Number.NaN, high: 1 }, /out ranges from NaN to 1, expected finite numbers/],
    ['infinite', { low: 0, high: Number.POSITIVE_INFINITY }, /out ranges from 0 to Infinity/],
    ['inverted', { low: 2, high: 1 }, /out ranges from 2 to 1, expected the smaller number first/],
    ['too wide', { low: -1, high: 1e30 }, /expected values within 1000000000; the network overflows/],
    ['scale 0', { scale: 0, zero: 0 }, /out has scale 0 and zero 0, expected a scale from/],
    ['zero outside', { scale: 1, zero: 128 }, /an integer from 0 to 127/],
    ['zero between', { scale: 1, zero: 0.5 }, /an integer from 0 to 127/],
  ])('Refused: %s', (_, range, words) => {
    const ranges = new Map([...everywhere(tiny(), { low: -1, high: 1 }), ['out', range]]) as Ranges
    expect(() => quantizeGraph(tiny(), ranges)).toThrow(words)
  })

  test('Refused: a layer without a range', () => {
    expect(() => quantizeGraph(tiny(), new Map([['image', { low: -1, high: 1 }]]))).toThrow(
      /there is no range for stem; calibrate on pictures/,
    )
  })
})

describe('Tied tensors', () => {
  test('Parts of a shuffle through a whole stage, and a max pool, have one quantization', () => {
    const graph = buildNetwork('dy-shuffle', { width: 0.5 })
    const groups = rangeGroups(graph)
    const stage = groups.find((group) => group.includes('s2.1'))!
    expect(stage).toEqual(expect.arrayContaining(['s2.0.L.pw', 's2.0.R.pw2', 's2.0', 's2.1.R.pw2', 's2.3']))
    expect(stage).not.toContain('s3.0')
    expect(groups.find((group) => group.includes('stem'))).toEqual(['stem', 'maxpool'])
    const ranges = new Map([...everywhere(graph, { low: 0, high: 1 }), ['s2.2.R.pw2', { low: 0, high: 5 }]])
    const { quantization } = quantizeGraph(graph, ranges)
    expect(new Set(stage.map((tensor) => quantization![tensor].scale))).toEqual(new Set([Math.fround(5 / 127)]))
    expect(quantization!['s3.1'].scale).toBe(Math.fround(1 / 127))
  })

  test('One range is enough for a group; two that training fixed must be the same', () => {
    const graph = buildNetwork('dy-shuffle', { width: 0.5 })
    const ranges = new Map(everywhere(graph, { low: 0, high: 1 }))
    for (const tensor of rangeGroups(graph).find((group) => group.includes('s2.1'))!) ranges.delete(tensor)
    ranges.set('s2.3', { scale: 0.25, zero: 1 })
    expect(quantizeGraph(graph, ranges).quantization!['s2.0.R.pw2']).toEqual({ scale: 0.25, zero: 1, bits: 7 })
    ranges.set('s2.2', { scale: 0.5, zero: 1 })
    expect(() => quantizeGraph(graph, ranges)).toThrow(/scale 0\.25 and zero 1, others of .* have 0\.5 and 1/)
  })
})

describe('Layers that stay float32', () => {
  test.each(['dy-mobile', 'dy-shuffle', 'mobilenetv2'])('%s: any layer can, one after the other', (name) => {
    const graph = buildNetwork(name, { width: 0.5, kernels: 2 })
    const layers = graph.nodes.filter((each) => 'params' in each)
    for (const layer of layers) {
      const quantized = quantizeGraph(graph, everywhere(graph, { low: -1, high: 7 }, [layer.name]), {
        keep: [layer.name],
      })
      expect([layer.name, isInteger(quantized, node(quantized, layer.name))]).toEqual([layer.name, false])
      const others = quantized.nodes.filter((each) => 'params' in each && each.name !== layer.name)
      // The classifier's pool follows it; a layer of its own has none.
      expect(others.filter((each) => !isInteger(quantized, each))).toEqual([])
      expect(() => checkQuantization(quantized)).not.toThrow()
      expect(() => draftSteps(quantized, 'int8', 64, 64)).not.toThrow()
    }
  })

  test('head: classifier and pool read floats', () => {
    const graph = tiny()
    const quantized = quantizeGraph(graph, everywhere(graph, { low: -1, high: 1 }), { keep: ['head'] })
    expect(conversions(quantized)).toEqual(['out.dequantize'])
    expect(node(quantized, 'pool')).toMatchObject({ input: { tensor: 'out.float' } })
  })

  test('The first layer sees the picture as it is', () => {
    const graph = tiny()
    const quantized = quantizeGraph(graph, everywhere(graph, { low: -1, high: 1 }, ['stem']), { keep: ['stem'] })
    expect(conversions(quantized)).toEqual(['stem.quantize'])
    expect(Object.keys(quantized.quantization!)).toEqual(['stem.int8', 'out'])
    expect(node(quantized, 'out')).toMatchObject({ input: { tensor: 'stem.int8' } })
  })

  test('A sum with a float side, and one whose own layer is float', () => {
    const graph = graphOf((net) => {
      const a = lift(net, 8, 'a')
      const b = net.conv('b', a, 8)
      return { c: net.conv('c', b, 8, { residual: a }) }
    })
    const keepA = quantizeGraph(graph, everywhere(graph, { low: -1, high: 1 }, ['a']), { keep: ['a'] })
    expect(node(keepA, 'c')).toMatchObject({ residual: 'a.int8' })
    expect(conversions(keepA)).toEqual(['a.quantize', 'c.dequantize'])
    const keepC = quantizeGraph(graph, everywhere(graph, { low: -1, high: 1 }, ['c']), { keep: ['c'] })
    expect(node(keepC, 'c')).toMatchObject({ input: { tensor: 'b.float' }, residual: 'a.float' })
    expect(keepC.outputs).toEqual({ c: 'c' })
  })

  test('An output that is stored as integers comes back as floats', () => {
    const graph = graphOf((net) => ({ a: lift(net, 8, 'a') }))
    const quantized = quantizeGraph(graph, everywhere(graph, { low: -1, high: 1 }))
    expect(quantized.outputs).toEqual({ a: 'a.float' })
  })

  test('A block by its name; an unknown name is an error that lists names', () => {
    const graph = buildNetwork('dy-mobile', { width: 0.5, kernels: 2 })
    const quantized = quantizeGraph(graph, everywhere(graph, { low: -1, high: 1 }), { keep: ['s2.1'] })
    const float = quantized.nodes
      .filter((each) => 'params' in each && !isInteger(quantized, each))
      .map(({ name }) => name)
    expect(float).toEqual(['s2.1.coef', 's2.1.pw1', 's2.1.dw', 's2.1.pw2'])
    expect(() => rangeGroups(graph, ['s2.9'])).toThrow(/no layer called "s2\.9".*expected head or some of stem, s1\.0/)
  })
})

test('The float graph is left as it was', () => {
  const graph = tiny()
  const before = JSON.stringify(graph)
  quantizeGraph(graph, everywhere(graph, { low: -1, high: 1 }), { keep: ['stem'] })
  expect(JSON.stringify(graph)).toBe(before)
})
