import { describe, expect, test } from 'vitest'
import type { Conv, Graph, Linear, Quantization } from '../../src/graph/graph.ts'
import type { FoldedLayer } from '../../src/pack/fold.ts'
import { quantizeLayer } from '../../src/pack/quantize.ts'

const IN: Quantization = { scale: 0.5, zero: 3, bits: 7 }
const OUT: Quantization = { scale: 0.25, zero: 10, bits: 7 }

/** x -> y, one convolution. */
function conv(channels: number, options: Partial<Conv> = {}): Conv {
  return {
    op: 'conv',
    name: 'layer',
    input: { tensor: 'x', channels: 2 },
    output: 'y',
    channels,
    kernel: 1,
    stride: 1,
    padding: 0,
    groups: 1,
    activation: 'none',
    params: { weight: 'w' },
    ...options,
  }
}

function graph(node: Conv, input = IN, output = OUT): Graph {
  return {
    network: 'test',
    width: 1,
    classes: 1,
    kernels: 0,
    input: 'x',
    outputs: {},
    nodes: [node],
    quantization: { x: input, y: output },
  }
}

function folded(weight: number[], bias: number[], constant: number[] = []): FoldedLayer {
  const rows = bias.length
  return {
    weight: Float64Array.from(weight),
    rows,
    bias: Float64Array.from(bias),
    constant: Float64Array.from(constant),
  }
}

const quantize = (node: Conv, layer: FoldedLayer, input = IN, output = OUT) =>
  quantizeLayer(graph(node, input, output), node, layer)

describe('a fixed layer', () => {
  test('weights, biases and factors as the document says', () => {
    const layer = quantize(conv(2), folded([12.7, -6.3, 0.254, 0.01], [1, -0.5]))
    expect([...layer.scale]).toEqual([0.1, 0.002].map(Math.fround))
    expect([...layer.weight]).toEqual([127, -63, 127, 5])
    expect([...layer.factor]).toEqual([(0.5 * layer.scale[0]) / 0.25, (0.5 * layer.scale[1]) / 0.25].map(Math.fround))
    // 1 / (0.5 * 0.1) = 20; -0.5 / (0.5 * 0.002) = -500; less the zero point times the weights.
    expect([...layer.bias]).toEqual([20 - 3 * 64, -500 - 3 * 132])
  })

  test('halves go to the even integer', () => {
    const { weight } = quantize(conv(1, { input: { tensor: 'x', channels: 4 } }), folded([127, 0.5, 1.5, -2.5], [0]))
    expect([...weight]).toEqual([127, 0, 2, -2])
  })

  test('a channel of zeros keeps its bias; of nothing at all, stays nothing', () => {
    const { weight, bias, factor } = quantize(conv(2), folded([0, 0, 0, 0], [7.5, 0]))
    expect([...weight]).toEqual([0, 0, 0, 0])
    expect(bias[0]).toBe(2 ** 30)
    expect(bias[0] * factor[0] * OUT.scale).toBeCloseTo(7.5, 5)
    expect(bias[1]).toBe(0)
  })

  test('a bias far beyond the weights raises their scale until it fits', () => {
    const { weight, bias, factor } = quantize(conv(1), folded([1e-9, -2e-9], [1000]))
    expect([...weight]).toEqual([0, 0])
    expect(bias[0] * factor[0] * OUT.scale).toBeCloseTo(1000, 3)
  })

  test('weights of a dead channel vanish without an underflow', () => {
    const { weight, scale, factor } = quantize(conv(2), folded([1e-60, -1e-60, 1, 1], [0, 0]))
    expect([...weight]).toEqual([0, 0, 127, 127])
    for (const value of [...scale, ...factor]) expect(value).toBeGreaterThanOrEqual(2 ** -126)
  })

  test('a depthwise channel: weights of one sign sum to at most 258, no finer scale would do', () => {
    const node = conv(3, { kernel: 3, padding: 1, groups: 3, input: { tensor: 'x', channels: 3 } })
    const positive = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    const mixed = [1, -0.9, 0.8, -0.7, 0.6, -0.5, 0.4, -0.3, 0.2]
    const slim = [1, 0, 0.001, 0, 0, 0, 0, 0, 0]
    const { weight, scale } = quantize(node, folded([...positive, ...mixed, ...slim], [0, 0, 0]))
    const sum = (row: number, sign: number) =>
      weight.slice(9 * row, 9 * row + 9).reduce((total, value) => total + Math.max(0, sign * value), 0)
    expect(sum(0, 1)).toBeLessThanOrEqual(258)
    expect(sum(0, 1)).toBeGreaterThan(250)
    expect(sum(1, 1)).toBeLessThanOrEqual(258)
    expect(sum(1, 1)).toBeGreaterThan(250)
    expect(sum(1, -1)).toBeLessThanOrEqual(258)
    expect(scale[2]).toBe(Math.fround(1 / 127))
  })

  test('a full convolution of one group is free of that limit', () => {
    const node = conv(1, { kernel: 3, padding: 1, input: { tensor: 'x', channels: 1 } })
    expect([...quantize(node, folded(Array(9).fill(1), [0])).weight]).toEqual(Array(9).fill(127))
  })
})

test('a linear layer: the scale of a mean with its extra bits', () => {
  const node: Linear = {
    op: 'linear',
    name: 'fc',
    input: { tensor: 'pool', channels: 2 },
    output: 'logits',
    channels: 1,
    params: { weight: 'w' },
  }
  const whole: Graph = {
    ...graph(conv(2)),
    nodes: [conv(2), { op: 'globalpool', name: 'pool', input: { tensor: 'y', channels: 2 }, output: 'pool' }, node],
  }
  const { bias, factor, scale } = quantizeLayer(whole, node, folded([1, -1], [0.5]))
  const unit = OUT.scale / 256
  expect(factor[0]).toBe(Math.fround(unit * scale[0]))
  expect(bias[0]).toBe(Math.round(0.5 / (unit * scale[0])))
})

test('a dynamic layer: a scale per fixed kernel, biases as they are', () => {
  const node = conv(1, { dynamic: { coefficients: 'c', from: 0, kernels: 3 } })
  const layer = quantize(node, folded([1, -0.5, 0, 0, 0.9e-3, 2e-3], [0.1, 0.2, 0.3], [0.4]))
  expect([...layer.weight]).toEqual([127, -64, 0, 0, 57, 127])
  expect([...layer.scale]).toEqual([1 / 127, 0, 2e-3 / 127].map(Math.fround))
  expect([...layer.kernelBias]).toEqual([0.1, 0.2, 0.3].map(Math.fround))
  expect([...layer.constant]).toEqual([Math.fround(0.4)])
  expect([layer.bias.length, layer.factor.length]).toEqual([0, 0])
})

describe('refused', () => {
  const dynamic = { coefficients: 'c', from: 0, kernels: 1 }
  const deep = 2 ** 16 + 2 ** 12
  const cases: [what: string, node: Conv, layer: FoldedLayer, words: RegExp][] = [
    ['factors beyond float32', conv(1), folded([1e41, 1], [0]), /too large for float32/],
    ['a bias beyond float32', conv(1), folded([1, 1], [1e60]), /too large for float32/],
    ['a layer that vanishes', conv(2), folded([1e-50, 0, 0, 1e-60], [1, 1]), /too small for float32 scales in every/],
    [
      'a sum beyond int32',
      conv(1, { input: { tensor: 'x', channels: deep } }),
      folded(Array(deep).fill(1), [0]),
      /sums 69632 products, of which int32 holds 66572/,
    ],
    ['fixed kernels beyond float32', conv(1, { dynamic }), folded([1e38, 1], [0], [0]), /too large for float32/],
    ['their bias beyond float32', conv(1, { dynamic }), folded([1, 1], [1e39], [0]), /outside float32/],
    ['a constant beyond float32', conv(1, { dynamic }), folded([1, 1], [0], [-1e39]), /outside float32/],
    [
      'fixed kernels too long to fuse',
      conv(1, { dynamic, input: { tensor: 'x', channels: 5000 } }),
      folded(Array(5000).fill(1), [0], [0]),
      /5000 weights a channel in its fixed kernels, expected 4096/,
    ],
  ]
  test.each(cases)('%s', (_, node, layer, words) => {
    expect(() => quantize(node, layer)).toThrow(words)
    expect(() => quantize(node, layer)).toThrow(expect.objectContaining({ code: 'bad-model' }))
  })
})
