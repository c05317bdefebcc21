import { beforeAll, describe, expect, test } from 'vitest'
import { Axis } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import { roundEven } from '../../src/graph/integer.ts'
import { kernelFor } from '../../src/kernels.ts'
import type { PlannedStep } from '../../src/plan/program.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { OneStep } from './i8-step.ts'

const f = Math.fround

/** A dynamic layer, its numbers in plain order. */
interface Fusion {
  lanes: number
  /** Weights of one fixed kernel; 9 of a depthwise layer. */
  depth: number
  group: number
  block: 8 | 12
  planar: boolean
  /** [lane][kernel][depth] */
  kernels: Int8Array
  /** [lane][kernel], [lane][1 + kernel], [lane][kernel] */
  scales: Float32Array
  biases: Float32Array
  coefficients: Float32Array
  inScale: number
  outScale: number
  inZero: number
}

interface Fused {
  /** [lane][depth] */
  weight: Int8Array
  bias: Int32Array
  factor: Float32Array
}

/** docs/quantization.md, Dynamic convolution, line by line. */
function fused(layer: Fusion): Fused {
  const { lanes, depth, group } = layer
  const out: Fused = {
    weight: new Int8Array(lanes * depth),
    bias: new Int32Array(lanes),
    factor: new Float32Array(lanes),
  }
  let h = 0
  while (2 ** h < group * 127) ++h
  for (let t = 0; t < lanes; ++t) {
    const eta = layer.coefficients.subarray(t * group, (t + 1) * group)
    const c = eta.map((value, i) => f(value * layer.scales[t * group + i]))
    let largest = Math.max(...c.map(Math.abs))
    if (largest < 2 ** -100) largest = 1
    const e = c.map((value) => roundEven(f(value * f(32767 / largest))))
    const a = Array.from({ length: depth }, (_, k) => {
      let sum = 0
      for (let i = 0; i < group; ++i) sum += e[i] * layer.kernels[(t * group + i) * depth + k]
      return Math.floor((sum + 2 ** (h - 1)) / 2 ** h)
    })
    let scaled = Math.min(32767, Math.floor((127 * 32768) / Math.max(1, ...a.map(Math.abs))))
    if (layer.planar) {
      const sums = [1, -1].map((sign) => a.reduce((sum, value) => sum + Math.max(0, sign * value), 0))
      scaled = Math.min(scaled, Math.floor((253 * 32768) / Math.max(1, ...sums)))
    }
    let w = a.map((value) => Math.floor((value * scaled + 2 ** 14) / 2 ** 15))
    const weightScale = f(f(largest * f((2 ** h * 32768) / 32767)) / f(scaled))
    let b = layer.biases[t * (group + 1)]
    for (let i = 0; i < group; ++i) b = f(b + f(eta[i] * layer.biases[t * (group + 1) + 1 + i]))
    let u = f(layer.inScale * weightScale)
    if (Math.abs(f(b / u)) > 2 ** 30) {
      w = w.map(() => 0)
      u = f(Math.abs(b) * 2 ** -30)
    }
    const start = Math.min(Math.max(roundEven(f(b / u)), -(2 ** 30)), 2 ** 30)
    out.weight.set(w, t * depth)
    out.bias[t] = start - layer.inZero * w.reduce((sum, value) => sum + value, 0)
    out.factor[t] = f(u / layer.outScale)
  }
  return out
}

/** Its step, with operands packed as docs/quantization.md says. */
function fusionStep(layer: Fusion): { step: PlannedStep; operands: ConstructorParameters<typeof OneStep>[2] } {
  const { lanes, depth, group, block, planar } = layer
  const pairs = Math.ceil(group / 2)
  const whole = Math.ceil(lanes / block) * block
  const padded = Math.ceil(depth / 4) * 4
  const weight = new Int8Array(lanes * padded * pairs * 2)
  for (let lane = 0; lane < lanes; ++lane)
    for (let i = 0; i < group; ++i)
      for (let k = 0; k < depth; ++k)
        weight[(((lane * (padded / 4) + (k >> 2)) * pairs + (i >> 1)) * 4 + (k & 3)) * 2 + (i & 1)] =
          layer.kernels[(lane * group + i) * depth + k]
  return {
    step: {
      kernel: kernelFor('fuse', 'i8'),
      node: 0,
      label: 'fuse',
      operands: {
        Out: 'out',
        Side: 'bias',
        Factors: 'factor',
        Weights: 'weight',
        Bias: 'biases',
        Scales: 'scales',
        Coefficients: 'coefficients',
      },
      words: {
        Units: whole / block,
        Axis: Axis.Panels,
        Depth: padded,
        Lanes: lanes,
        Block: block,
        Group: group,
        CoefficientsAt: 16,
        Planar: planar ? 1 : 0,
        InZero: layer.inZero,
      },
      multiplyAdds: 0,
      floats: { InScale: layer.inScale, OutScale: layer.outScale },
    },
    operands: {
      weights: { weight, biases: layer.biases, scales: layer.scales },
      arena: {
        coefficients: Float32Array.from([9e9, Number.NaN, -9e9, 9e9, ...layer.coefficients]),
        out: new Uint8Array(whole * (planar ? 9 : padded)),
        bias: new Uint8Array(whole * 4),
        factor: new Uint8Array(whole * 4),
      },
    },
  }
}

/** The fused layer in the order in which a convolution reads it. */
function packed({ lanes, depth, block, planar }: Fusion, { weight, bias, factor }: Fused): Fused {
  const whole = Math.ceil(lanes / block) * block
  const quads = Math.ceil(depth / 4)
  const out: Fused = {
    weight: new Int8Array(whole * (planar ? 9 : 4 * quads)),
    bias: new Int32Array(whole),
    factor: new Float32Array(whole),
  }
  out.bias.set(bias)
  out.factor.set(factor)
  for (let lane = 0; lane < lanes; ++lane)
    for (let k = 0; k < depth; ++k) {
      const number = Math.floor(lane / block)
      const at = planar
        ? number * 72 + k * 8 + (lane % 8)
        : (number * quads + (k >> 2)) * 4 * block + (lane % block) * 4 + (k & 3)
      out.weight[at] = weight[lane * depth + k]
    }
  return out
}

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

function check(backend: Backend, layer: Fusion, what: string): void {
  const { step, operands } = fusionStep(layer)
  const one = new OneStep(backend, step, operands)
  const { weight, bias, factor } = packed(layer, fused(layer))
  for (const shares of [1, 2, 3]) {
    for (const name of ['out', 'bias', 'factor']) one.poison(name)
    one.run(undefined, shares)
    for (const [name, data] of Object.entries({ out: weight, bias, factor })) {
      const found = one.read(name)
      const expected = bytesOf(data)
      const wrong = found.findIndex((value, i) => value !== expected[i])
      if (wrong >= 0)
        expect.fail(`${name}: byte ${wrong} is ${found[wrong]}, expected ${expected[wrong]}; ${what} SEED=${seed}`)
      one.checkGuards(name)
    }
  }
}

/** Values as training leaves them, unless `how` says otherwise. */
function random(shape: Pick<Fusion, 'lanes' | 'depth' | 'group' | 'block' | 'planar'>, how: Partial<How> = {}): Fusion {
  const { scale, bias, sparse, extreme } = { scale: 0.01, bias: 1, sparse: 0, extreme: false, ...how }
  const next = randomFrom(seed + shape.lanes + 31 * shape.depth + 997 * shape.group)
  const { lanes, depth, group } = shape
  const weight = () => {
    if (next() < sparse) return 0
    return extreme ? (next() < 0.5 ? 127 : -127) : Math.round(next() * 254 - 127)
  }
  return {
    ...shape,
    kernels: Int8Array.from({ length: lanes * group * depth }, weight),
    scales: Float32Array.from({ length: lanes * group }, () => (next() < sparse ? 0 : scale * (0.1 + next()))),
    biases: Float32Array.from({ length: lanes * (1 + group) }, () => bias * (next() * 2 - 1)),
    coefficients: Float32Array.from({ length: lanes * group }, () => (extreme ? 1 : next())),
    inScale: f(0.02 + next() * 0.05),
    outScale: f(0.02 + next() * 0.05),
    inZero: Math.floor(next() * 128),
  }
}

interface How {
  scale: number
  bias: number
  /** Part of weights and scales that is zero. */
  sparse: number
  /** Weights are -127 or 127, coefficients 1. */
  extreme: boolean
}

describe.each(variants())('i8_fuse, $name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 63, 64])('%i fixed kernels', (group) => {
    for (const block of [8, 12] as const)
      for (const lanes of [4, 8, 12, 20, 28])
        for (const depth of [4, 8, 12, 20, 56])
          check(backend, random({ lanes, depth, group, block, planar: false }), `g ${group}, ${lanes} x ${depth}`)
  })

  test.each([1, 2, 3, 4, 6, 7, 9])('depthwise, %i fixed kernels', (group) => {
    for (const lanes of [4, 8, 12, 24])
      for (const sparse of [0, 0.5]) {
        const shape = { lanes, depth: 9, group, block: 8, planar: true } as const
        check(backend, random(shape, { sparse }), `planar g ${group}, ${lanes}`)
      }
  })

  test('the deepest kernel; weights and coefficients at their ends', () => {
    check(backend, random({ lanes: 8, depth: 4096, group: 6, block: 8, planar: false }), '4096')
    for (const group of [1, 2, 6, 8, 64])
      for (const planar of [false, true]) {
        const depth = planar ? 9 : 60
        check(backend, random({ lanes: 12, depth, group, block: 8, planar }, { extreme: true }), `ends, g ${group}`)
      }
    const ones = random({ lanes: 8, depth: 9, group: 6, block: 8, planar: true }, { extreme: true })
    ones.kernels.fill(127)
    check(backend, ones, 'all 127')
    ones.kernels.fill(-127)
    check(backend, ones, 'all -127')
  })

  test.each([1e-45, 1e-40, 1e-38, 1e-32, 8e-31, 1e-20, 1e-6, 1, 1e10, 1e25])(
    'scales around %f, biases beside which they vanish',
    (scale) => {
      for (const bias of [0, 1e-30, 1e-3, 1, 1e6, 1e20])
        for (const planar of [false, true])
          for (const group of [1, 6, 11]) {
            const depth = planar ? 9 : 20
            const layer = random({ lanes: 16, depth, group, block: 8, planar }, { scale, bias })
            check(backend, layer, `scale ${scale}, bias ${bias}, g ${group}`)
          }
    },
  )

  test('dead channels: kernels, scales or coefficients of zero', () => {
    for (const group of [1, 4, 6, 10])
      for (const planar of [false, true]) {
        const depth = planar ? 9 : 24
        const layer = random({ lanes: 12, depth, group, block: 8, planar })
        layer.kernels.fill(0, 0, 2 * group * depth)
        layer.scales.fill(0, group, 3 * group)
        layer.coefficients.fill(0, 3 * group, 5 * group)
        layer.biases.fill(0, 2 * (group + 1), 4 * (group + 1))
        check(backend, layer, `dead, g ${group}`)
        check(backend, random({ lanes: 12, depth, group, block: 8, planar }, { sparse: 0.9 }), `sparse, g ${group}`)
      }
  })
})
