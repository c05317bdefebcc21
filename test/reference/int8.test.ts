import { describe, expect, test } from 'vitest'
import type { Conv, Graph, Quantization } from '../../src/graph/graph.ts'
import { type StateDict, seededState } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { quantizeGraph } from '../../src/pack/quantize-graph.ts'
import { runReference } from '../../src/reference.ts'
import { quantizePixels, runInt8Reference } from '../../src/reference-int8.ts'
import { digestOf, goldenFiles, goldenNetwork, goldenPicture, readGolden } from '../golden/int8.ts'

const tensor = (shape: number[], data: number[]) => ({ shape, data: Float32Array.from(data) })
const named = (state: Record<string, { shape: number[]; data: Float32Array }>): StateDict =>
  new Map(Object.entries(state))

function graph(nodes: Graph['nodes'], quantization: Record<string, Quantization>): Graph {
  const outputs = Object.fromEntries(nodes.map(({ output }) => [output, output]))
  return { network: 'test', width: 1, classes: 1, kernels: 1, input: 'image', outputs, nodes, quantization }
}

function conv(channels: number, options: Partial<Conv> = {}): Conv {
  return {
    op: 'conv',
    name: 'y',
    input: { tensor: 'image', channels: 3 },
    output: 'y',
    channels,
    kernel: 1,
    stride: 1,
    padding: 0,
    groups: 1,
    activation: 'none',
    params: { weight: 'w', bias: 'b' },
    ...options,
  }
}

describe('by hand', () => {
  const image: Quantization = { scale: 1, zero: 2, bits: 7 }

  test('float32 -> integers: halves to even, saturation on both sides', () => {
    const node = conv(1)
    const quantized = graph([node], { image: { scale: 0.5, zero: 2, bits: 7 }, y: image })
    const state = named({ w: tensor([1, 3, 1, 1], [1, 1, 1]), b: tensor([1], [0]) })
    const picture = Float32Array.of(0.25, 0.75, -0.25, -5, 1000, Number.POSITIVE_INFINITY)
    const { data } = runInt8Reference(quantized, state, picture, 1, 2).get('image')!
    // x / 0.5 + 2 = 2.5, 3.5, 1.5, -8, ...
    expect([...data]).toEqual([2, 4, 2, 0, 127, 127])
  })

  test('bytes -> integers through mean and deviation', () => {
    const found = quantizePixels(
      Uint8Array.of(0, 128, 255),
      { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.5] },
      {
        scale: 0.03125,
        zero: 64,
        bits: 7,
      },
    )
    // (0 - 0.5) / 0.25 = -2 -> 0; 0.0078.. -> 0.25 steps; 1 -> 32 steps.
    expect([...found]).toEqual([0, 64, 96])
  })

  test('a convolution: padding is the zero point, activation bounds are integers, rounding is once', () => {
    // Weights 127 and -127 at scale 1: sums are 127 (in - zero).
    const node = conv(2, { kernel: 3, padding: 1, input: { tensor: 'image', channels: 1 }, activation: 'relu6' })
    const w = tensor([2, 1, 3, 3], [...[0, 0, 0, 0, 127, 127, 0, 0, 0], ...[0, 0, 0, 0, -127, 0, 0, 0, 0]])
    const quantized = graph([node], { image, y: { scale: 127, zero: 5, bits: 7 } })
    const state = named({ w, b: tensor([2], [0, 127]) })
    const picture = Uint8Array.from([4, 7, 2, 0, 2, 2].flatMap((q) => [q, 0, 0]))
    const { data } = runInt8Reference(quantized, state, picture, 1, 6).get('y')!
    // Channel 0: (2 + 5, 5 + 0, 0 - 2, ...) / 1 + 5, cut to 5 .. 5 + rne(6 / 127); channel 1: -(in - 2) + 1 + 5.
    expect([...data.filter((_, i) => i % 2 === 0)]).toEqual([5, 5, 5, 5, 5, 5])
    const free = { ...node, activation: 'none' as const }
    const wide = runInt8Reference({ ...quantized, nodes: [free] }, state, picture, 1, 6).get('y')!.data
    expect([...wide.filter((_, i) => i % 2 === 0)]).toEqual([12, 10, 3, 3, 5, 5])
    expect([...wide.filter((_, i) => i % 2 === 1)]).toEqual([4, 1, 6, 8, 6, 6])
  })

  test('a residual in a scale of its own', () => {
    const node = conv(3, { residual: 'image' })
    const identity = [127, 0, 0, 0, 127, 0, 0, 0, 127]
    const quantized = graph([node], { image, y: { scale: 2, zero: 10, bits: 7 } })
    const state = named({ w: tensor([3, 3, 1, 1], identity), b: tensor([3], [0, 1, -1]) })
    const { data } = runInt8Reference(quantized, state, Uint8Array.of(5, 3, 0), 1, 1).get('y')!
    // (127 (q - 2) + b) / 2 + (q - 2) / 2 + 10: 202, 74.5 + ..., clamped and rounded.
    expect([...data]).toEqual([127, 74, 0])
  })

  test('a mean keeps extra bits for the classifier', () => {
    const pool = { op: 'globalpool', name: 'p', input: { tensor: 'image', channels: 3 }, output: 'p' } as const
    const fc = {
      op: 'linear',
      name: 'fc',
      input: { tensor: 'p', channels: 3 },
      output: 'logits',
      channels: 1,
      params: { weight: 'w', bias: 'b' },
    } as const
    const quantized = graph([pool, fc], { image })
    const state = named({ w: tensor([1, 3], [127, 0, -127]), b: tensor([1], [3]) })
    const tensors = runInt8Reference(quantized, state, Uint8Array.of(3, 2, 2, 4, 2, 0, 5, 2, 0), 1, 3)
    // Means 2, 0 and -4 / 3, in 256ths.
    expect([...tensors.get('p')!.data]).toEqual([512, 0, -341])
    expect(tensors.get('logits')!.data[0]).toBe(Math.fround(Math.fround(127 * (512 + 341) + 3 * 256) / 256))
  })

  test('coefficients: the exact sigmoid is within 2 units in the last place', () => {
    const coefficients = {
      op: 'coefficients',
      name: 'c',
      input: { tensor: 'image', channels: 3 },
      output: 'c',
      length: 64,
      params: { weight: 'w', bias: 'b' },
    } as const
    const biases = Array.from({ length: 64 }, (_, i) => Math.fround((i - 32) * 2.7))
    const state = named({ w: tensor([64, 3], Array(192).fill(0)), b: tensor([64], biases) })
    const { data } = runInt8Reference(graph([coefficients], { image }), state, Uint8Array.of(2, 2, 2), 1, 1).get('c')!
    for (const [i, found] of data.entries()) {
      const exact = 1 / (1 + Math.exp(-Math.min(Math.max(biases[i], -88), 87)))
      expect(Math.abs(found / exact - 1)).toBeLessThan(2 ** -22)
    }
  })
})

describe('a dynamic convolution by hand', () => {
  const quantization: Record<string, Quantization> = {
    image: { scale: 1, zero: 2, bits: 7 },
    y: { scale: 127, zero: 60, bits: 7 },
  }
  /** One pixel through one output channel of two fixed kernels; sigmoid(bias) are their coefficients. */
  function run(weight: number[], bias: number[], eta: number[], picture: number[]): number {
    const coefficients = {
      op: 'coefficients',
      name: 'c',
      input: { tensor: 'image', channels: 3 },
      output: 'c',
      length: 2,
      params: { weight: 'cw', bias: 'cb' },
    } as const
    const state = named({
      w: tensor([2, 3, 1, 1], weight),
      b: tensor([2], bias),
      cw: tensor([2, 3], Array(6).fill(0)),
      cb: tensor(
        [2],
        eta.map((value) => Math.log(value / (1 - value))),
      ),
    })
    const node = conv(1, { dynamic: { coefficients: 'c', from: 0, kernels: 2 } })
    return runInt8Reference(graph([coefficients, node], quantization), state, Uint8Array.from(picture), 1, 1).get('y')!
      .data[0]
  }

  test('half of one kernel, a quarter of the other', () => {
    // 0.5 [127 0 0] + 0.25 [0 508 0] = [63.5 127 0]: 63.5 * 10 + 127 * 20 = 3175 = 25 * 127.
    expect(run([127, 0, 0, 0, 508, 0], [0, 0], [0.5, 0.25], [12, 22, 99])).toBe(85)
  })

  test('biases take their coefficients', () => {
    expect(run([127, 0, 0, 0, 508, 0], [1270, 5080], [0.5, 0.25], [2, 2, 2])).toBe(60 + 5 + 10)
  })

  test('kernels that cancel leave the bias', () => {
    expect(run([127, 0, 0, -254, 0, 0], [0, 508], [0.5, 0.25], [100, 0, 0])).toBe(61)
  })

  test('kernels that are nothing beside the bias leave the bias', () => {
    expect(run([1e-12, 0, 0, 0, 1e-12, 0], [2540, 0], [0.5, 0.25], [100, 100, 0])).toBe(70)
  })

  test('coefficients that are nothing leave nothing', () => {
    expect(run([127, 0, 0, 0, 508, 0], [1270, 5080], [1e-37, 1e-37], [100, 100, 0])).toBe(60)
  })
})

test.each(['dy-mobile', 'dy-shuffle', 'mobilenetv2'])('%s: every tensor is near the float reference', (network) => {
  const float = buildNetwork(network, { width: 0.5, classes: 10, ...(network.startsWith('dy') && { kernels: 2 }) })
  const state = seededState(float, 11, { coefficients: 1, weights: 0.8 })
  const side = 48
  const picture = goldenPicture({ height: side, width: side }, 3)
  const exact = runReference(float, state, 'f32', picture, side, side)
  const ranges = new Map(
    [...exact].map(([name, { data }]) => [name, { low: Math.min(...data), high: Math.max(...data) }] as const),
  )
  const quantized = quantizeGraph(float, ranges)
  const found = runInt8Reference(quantized, state, picture, side, side)
  for (const [name, { data }] of found) {
    const expected = exact.get(name)?.data
    const stored = quantized.quantization![name]
    if (!expected || (!stored && data instanceof Int32Array)) continue
    let [signal, noise] = [0, 0]
    for (const [i, value] of expected.entries()) {
      signal += value ** 2
      noise += ((stored ? stored.scale * (data[i] - stored.zero) : data[i]) - value) ** 2
    }
    // Errors of seeded weights add up from layer to layer: 10 dB is what is left at the end, 0 a wrong formula.
    expect(10 * Math.log10(signal / noise), name).toBeGreaterThan(10)
  }
})

test.each(goldenFiles())('%s: the digest of the first picture', async (file) => {
  const golden = readGolden(file)
  const { graph, state } = goldenNetwork(golden)
  const [{ seed, logits, digest }] = golden.pictures
  const tensors = runInt8Reference(graph, state, goldenPicture(golden, seed), golden.height, golden.width)
  const found = Float32Array.from(tensors.get(graph.outputs.logits)!.data)
  expect([...found.subarray(0, logits.length)]).toEqual(logits)
  expect(await digestOf(found)).toBe(digest)
})
