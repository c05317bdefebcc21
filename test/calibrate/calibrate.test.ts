import { beforeAll, describe, expect, test } from 'vitest'
import { type CalibrateOptions, calibrate } from '../../src/calibrate/calibrate.ts'
import { foldedState } from '../../src/calibrate/folded.ts'
import { Runner } from '../../src/calibrate/runner.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { isInteger } from '../../src/graph/integer.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { calmState, kernels, pictures, SIZE, tensorsOf } from './support.ts'

let module: WebAssembly.Module
beforeAll(async () => {
  module = await kernels()
})

const OPTIONS: CalibrateOptions = { observer: 'mse', equalize: true, biasCorrection: true, keep: [], bits: 7 }
const SMALL = { width: 0.25, kernels: 2, classes: 10 }
const mobile = buildNetwork('dy-mobile', SMALL)
const shuffle = buildNetwork('dy-shuffle', SMALL)
const some = pictures(4)
const run = (graph: Graph, state: StateDict, options: Partial<CalibrateOptions> = {}, on = some) =>
  calibrate(module, graph, state, on, SIZE, { ...OPTIONS, ...options })

/** How far the mean results of channels are apart, in parts of the values' size; mean over layers. */
function meanOff(graph: Graph, float: StateDict, made: ReturnType<typeof run>): number {
  const totals = new Map<string, { error: Float64Array; size: number }>()
  const exactly = new Runner(module, graph, float, 'f32', SIZE)
  const integers = new Runner(module, made.graph, made.state, 'int8', SIZE)
  for (const picture of some) {
    const [exact, got] = [tensorsOf(exactly, picture), tensorsOf(integers, picture)]
    for (const node of graph.nodes) {
      const [wanted, values] = [exact.get(node.output), got.get(node.output)]
      if (node.op !== 'conv' || !wanted || !values) continue
      const about = totals.get(node.output) ?? { error: new Float64Array(node.channels), size: 0 }
      totals.set(node.output, about)
      wanted.forEach((value, i) => {
        about.error[i % node.channels] += values[i] - value
        about.size += Math.abs(value)
      })
    }
  }
  const shares = [...totals.values()].map(({ error, size }) => error.reduce((sum, e) => sum + Math.abs(e), 0) / size)
  return shares.reduce((sum, share) => sum + share, 0) / shares.length
}

test.each([
  ['dy-mobile', mobile],
  ['dy-shuffle', shuffle],
  ['mobilenetv2', buildNetwork('mobilenetv2', SMALL)],
])('%s: integers follow the float network, every layer is measured', (_, graph) => {
  const { measured, graph: quantized } = run(graph, calmState(graph))
  expect(measured.pictures).toBe(some.length)
  expect(measured.noise.get('logits')!.decibels).toBeGreaterThan(15)
  for (const [tensor, { decibels, worst }] of measured.noise) {
    expect([tensor, decibels > 8]).toEqual([tensor, true])
    expect(worst!.decibels).toBeLessThanOrEqual(decibels)
  }
  // Right halves of shuffles are never made whole.
  const whole = Object.keys(quantized.quantization!).filter((tensor) => !tensor.endsWith('.R.pw2'))
  expect([...measured.noise.keys()]).toEqual(expect.arrayContaining(whole))
  expect(quantized.nodes.filter((node) => 'params' in node && !isInteger(quantized, node))).toEqual([])
})

test('8 bits are closer than 7', () => {
  const decibels = (bits: 7 | 8) => run(mobile, calmState(mobile), { bits }).measured.noise.get('last')!.decibels
  expect(decibels(8)).toBeGreaterThan(decibels(7) + 3)
})

test('Bias correction brings the mean results of channels together', () => {
  const state = calmState(mobile)
  const off = (biasCorrection: boolean) => meanOff(mobile, state, run(mobile, state, { biasCorrection }))
  expect(off(true)).toBeLessThan(0.6 * off(false))
})

test('The same pictures give the same network; the given weights stay as they are', () => {
  const state = calmState(shuffle)
  const before = [...state].map(([, { data }]) => data.slice())
  const [first, second] = [run(shuffle, state), run(shuffle, state)]
  expect(first.graph.quantization).toEqual(second.graph.quantization)
  expect(first.state).toEqual(second.state)
  expect([...state].map(([, { data }]) => data)).toEqual(before)
})

test('Without equalization and correction the weights are the folded ones', () => {
  const state = calmState(shuffle)
  const plain = run(shuffle, state, { equalize: false, biasCorrection: false })
  expect(plain.equalized).toEqual([])
  expect(plain.state).toEqual(foldedState(shuffle, state))
  expect(run(shuffle, state).equalized).toContain('s2.1.R.pw1')
})

test.each([
  ['head', 'fc'],
  ['stem', 'stem'],
  ['s2.1.dw', 's2.1.dw'],
  ['s3.0.coef', 's3.0.coef'],
  ['s4.1', 's4.1.pw2'],
])('%s stays float32 and runs between integers', (keep, layer) => {
  const { graph, measured } = run(mobile, calmState(mobile), { keep: [keep] })
  expect(isInteger(graph, graph.nodes.find(({ name }) => name === layer)!)).toBe(false)
  expect(measured.noise.get('logits')!.decibels).toBeGreaterThan(15)
})

test('A shuffle whose right half comes from a float layer', () => {
  const { graph, measured } = run(shuffle, calmState(shuffle), { keep: ['s3.2.R.pw2'] })
  expect(graph.nodes.map(({ name }) => name)).toContain('s3.1.dequantize')
  expect(measured.noise.get('logits')!.decibels).toBeGreaterThan(15)
})

test('Progress goes from nothing to all, in order', () => {
  const shares: number[] = []
  const phases = new Set<string>()
  run(shuffle, calmState(shuffle), {
    onProgress: (phase, share) => {
      phases.add(phase)
      shares.push(share)
    },
  })
  expect([...phases]).toEqual(['observing', 'observing the equalized network', 'correcting biases', 'measuring'])
  expect(shares).toEqual([...shares].sort((a, b) => a - b))
  expect(shares.at(-1)).toBeCloseTo(1, 9)
})

test('A picture on which the float network runs away is left out', () => {
  const state = calmState(mobile)
  const many = pictures(12)
  const wild = many[0].map((value) => value * 100)
  const { graph, measured, runaways } = run(mobile, state, {}, [many[0], wild, ...many.slice(1)])
  expect([runaways, measured.pictures]).toEqual([[1], 12])
  expect(graph.quantization).toEqual(run(mobile, state, {}, many).graph.quantization)
})

test('Where many pictures differ much, none is left out', () => {
  const many = pictures(12).map((picture, i) => (i % 4 ? picture : picture.map((value) => value * 100)))
  expect(run(mobile, calmState(mobile), {}, many).runaways).toEqual([])
})

describe('Bad input', () => {
  const changed = (change: (state: StateDict) => void) => {
    const state = calmState(mobile)
    change(state)
    return state
  }

  test('No pictures', () => expect(() => run(mobile, calmState(mobile), {}, [])).toThrow(/no pictures to calibrate on/))

  test('One picture is enough to run', () => {
    const { measured } = run(mobile, calmState(mobile), {}, some.slice(0, 1))
    expect([measured.pictures, measured.agreeing]).toEqual([1, 1])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('A weight that is %s', (value) => {
    const state = changed((s) => {
      s.get('last.conv.weight')!.data[3] = value
    })
    expect(() => run(mobile, state)).toThrow(new RegExp(`last\\.conv\\.weight has ${value} at 3, expected finite`))
  })

  test('Weights that overflow', () => {
    const state = changed((s) => {
      for (const name of ['s1.0.pw2.conv.weight', 's2.0.proj.conv.weight']) s.get(name)!.data.fill(1e30)
    })
    expect(() => run(mobile, state)).toThrow(/not finite; its weights are damaged|the network overflows/)
  })

  test('A layer whose results are always zero', () => {
    const state = changed((s) => {
      for (const name of ['s2.0.proj.conv.weight', 's2.0.proj.bn.bias', 's2.0.proj.bn.running_mean'])
        s.get(name)!.data.fill(0)
    })
    const { graph, measured } = run(mobile, state)
    expect(graph.quantization!['s2.0.proj']).toEqual({ scale: Math.fround(1 / 127), zero: 0, bits: 7 })
    expect(measured.noise.get('s2.0.proj')!.worst).toBeUndefined()
    expect(measured.noise.get('logits')!.decibels).toBeGreaterThan(15)
  })

  test('Channels that are always zero beside others that are not', () => {
    const state = changed((s) => {
      for (const part of ['weight', 'bias']) s.get(`stem.bn.${part}`)!.data.fill(0, 0, 4)
    })
    const { measured, state: made } = run(mobile, state)
    expect(measured.noise.get('logits')!.decibels).toBeGreaterThan(15)
    for (const [name, { data }] of made) expect([name, data.every(Number.isFinite)]).toEqual([name, true])
  })

  test('A picture of one colour', () => {
    const { measured } = run(mobile, calmState(mobile), {}, [new Float32Array(SIZE[0] * SIZE[1] * 3)])
    expect(measured.noise.get('logits')!.decibels).toBeGreaterThan(15)
  })
})
