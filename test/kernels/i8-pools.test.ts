import { beforeAll, describe, expect, test } from 'vitest'
import { Activation, Axis } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import { pooledBits, roundEven } from '../../src/graph/integer.ts'
import { kernelFor } from '../../src/kernels.ts'
import type { PlannedStep, Word } from '../../src/plan/program.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { OneStep, type Operands } from './i8-step.ts'

const f = Math.fround
const random = randomFrom(seed)
const under = (bound: number) => Math.floor(random() * bound)
const bytes = (length: number, top: number) => Uint8Array.from({ length }, () => under(top + 1))

function stepOf(
  does: PlannedStep['kernel']['does'],
  operands: PlannedStep['operands'],
  words: Partial<Record<Word, number>>,
  floats: PlannedStep['floats'] = {},
): PlannedStep {
  return { kernel: kernelFor(does, 'i8'), node: 0, label: does, operands, words, multiplyAdds: 0, floats }
}

/** Runs the step in several shares on a poisoned `out`, which must come out as `expected` makes of the poison. */
function check(
  backend: Backend,
  step: PlannedStep,
  operands: Operands,
  expected: (poison: Uint8Array) => Uint8Array,
): void {
  const one = new OneStep(backend, step, operands)
  const wanted = expected(one.poison('out').slice())
  for (const shares of [1, 2, 3, 5]) {
    one.poison('out')
    one.run(undefined, shares)
    const found = one.read('out')
    const wrong = found.findIndex((value, i) => value !== wanted[i])
    if (wrong >= 0)
      expect.fail(
        `byte ${wrong} is ${found[wrong]}, expected ${wanted[wrong]}; ${JSON.stringify(step.words)}, ${shares} shares, SEED=${seed}`,
      )
    one.checkGuards('out')
  }
}

/** exp(-y) and the sigmoid of docs/quantization.md, operation by operation. */
function sigmoid(y: number): number {
  const x = Math.min(Math.max(-y, -87), 88)
  const n = roundEven(f(x * f(1.4426950216293335)))
  const r = f(f(x - f(n * f(0.693359375))) - f(n * f(-2.1219444e-4)))
  let p = f(1.98756915e-4)
  for (const c of [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1])
    p = f(f(p * r) + f(c))
  p = f(f(f(p * f(r * r)) + r) + 1)
  return f(1 / f(1 + f(p * 2 ** n)))
}

function linear(backend: Backend, depth: number, lanes: number, activation: Activation, spread: number): void {
  const whole = Math.ceil(lanes / 8) * 8
  const input = Int16Array.from({ length: depth }, () => under(65536) - 32768)
  const weight = Int8Array.from({ length: lanes * depth }, () => under(255) - 127)
  const packed = new Int8Array(whole * depth)
  const bias = new Int32Array(whole)
  const factor = new Float32Array(whole)
  const out = new Float32Array(lanes)
  for (let lane = 0; lane < lanes; ++lane) {
    for (let k = 0; k < depth; ++k)
      packed[((lane >> 3) * (depth >> 2) + (k >> 2)) * 32 + (lane & 7) * 4 + (k & 3)] = weight[lane * depth + k]
    bias[lane] = Math.round((random() - 0.5) * 2 ** 30)
    let sum = bias[lane]
    for (let k = 0; k < depth; ++k) sum += input[k] * weight[lane * depth + k]
    factor[lane] = (spread * (random() - 0.5)) / Math.max(1, Math.abs(sum))
    const y = f(f(sum) * factor[lane])
    out[lane] = activation === Activation.Sigmoid ? sigmoid(y) : y
  }
  const words = {
    Units: whole / 8,
    Axis: Axis.Panels,
    Depth: depth,
    Lanes: lanes,
    Activation: activation,
  }
  check(
    backend,
    stepOf('linear', { In: 'in', Out: 'out', Weights: 'weight', Bias: 'bias', Factors: 'factor' }, words),
    {
      weights: { weight: packed, bias, factor },
      arena: { in: new Uint8Array(input.buffer), out: new Uint8Array(lanes * 4) },
    },
    () => new Uint8Array(out.buffer),
  )
}

/** A picture of bytes with bytes between its pixels and rows, that are nobody's. */
function picture(rows: number, columns: number, lanes: number, top: number) {
  const pixel = lanes + 4
  const row = columns * pixel + 12
  return { pixel, row, data: bytes(rows * row, top) }
}

function globalPool(
  backend: Backend,
  rows: number,
  columns: number,
  lanes: number,
  top: 127 | 255,
  full = false,
): void {
  const { pixel, row, data } = picture(rows, columns, lanes, top)
  if (full) data.fill(top)
  const zero = full ? 0 : under(top + 1)
  const ratio = f(2 ** pooledBits(lanes, top) / (rows * columns)) * (random() < 0.2 ? 300 : 1)
  const means = new Int16Array(lanes)
  for (let lane = 0; lane < lanes; ++lane) {
    let sum = 0
    for (let y = 0; y < rows; ++y) for (let x = 0; x < columns; ++x) sum += data[y * row + x * pixel + lane]
    const mean = roundEven(f(f(sum - zero * rows * columns) * f(ratio)))
    means[lane] = Math.min(Math.max(mean, -32768), 32767)
  }
  const words = {
    Units: Math.ceil(lanes / 8),
    Axis: Axis.Quads,
    Lanes: lanes,
    InRow: row,
    InPixel: pixel,
    InRows: rows,
    InColumns: columns,
    InZero: zero,
  }
  check(
    backend,
    stepOf('globalpool', { In: 'in', Out: 'out' }, words, { Ratio: ratio }),
    { weights: {}, arena: { in: data, out: new Uint8Array(lanes * 2) } },
    () => new Uint8Array(means.buffer),
  )
}

function maxPool(backend: Backend, rows: number, columns: number, lanes: number, kernel: number, stride: number): void {
  const { pixel, row, data } = picture(rows, columns, lanes, 255)
  const reach = (kernel - 1) >> 1
  const [height, width] = [rows, columns].map((side) => Math.floor((side - 1) / stride) + 1)
  const outPixel = lanes + 8
  const words = {
    Units: height,
    Axis: Axis.Rows,
    Lanes: lanes,
    Kernel: kernel,
    Stride: stride,
    InRow: row,
    InPixel: pixel,
    InRows: rows,
    InColumns: columns,
    OutRow: width * outPixel,
    OutPixel: outPixel,
    Rows: height,
    Columns: width,
  }
  check(
    backend,
    stepOf('maxpool', { In: 'in', Out: 'out' }, words),
    { weights: {}, arena: { in: data, out: new Uint8Array(height * width * outPixel) } },
    (out) => {
      for (let y = 0; y < height; ++y)
        for (let x = 0; x < width; ++x)
          for (let lane = 0; lane < lanes; ++lane) {
            let largest = 0
            for (let v = y * stride - reach; v < y * stride - reach + kernel; ++v)
              for (let u = x * stride - reach; u < x * stride - reach + kernel; ++u)
                if (v >= 0 && v < rows && u >= 0 && u < columns)
                  largest = Math.max(largest, data[v * row + u * pixel + lane])
            out[(y * width + x) * outPixel + lane] = largest
          }
      return out
    },
  )
}

function border(backend: Backend, rows: number, columns: number, lanes: number, frame: number): void {
  const zero = under(256)
  const row = columns * lanes
  const words = { Units: rows, Axis: Axis.Rows, Rows: rows, OutRow: row, OutPixel: lanes, Kernel: frame, InZero: zero }
  check(
    backend,
    stepOf('border', { Out: 'out' }, words),
    { weights: {}, arena: { out: new Uint8Array(rows * row) } },
    (out) =>
      out.map((value, i) => {
        const y = Math.floor(i / row)
        const x = Math.floor((i % row) / lanes)
        return y < frame || y >= rows - frame || x < frame || x >= columns - frame ? zero : value
      }),
  )
}

describe.each(variants())('int8 linear layers and pools, $name', ({ bytes: binary }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(binary)
  })

  test.each([Activation.None, Activation.Sigmoid])('linear, function %i', (activation) => {
    for (const depth of [4, 8, 12, 20, 64, 324])
      for (const lanes of [4, 8, 12, 20, 24, 100]) linear(backend, depth, lanes, activation, 20)
  })

  test('sigmoid far from zero', () => {
    for (const spread of [1e-20, 1e-3, 1, 100, 500, 1e6, 1e30]) linear(backend, 8, 100, Activation.Sigmoid, spread)
  })

  test('global pool: areas around what int16 holds, both kinds of activations', () => {
    for (const top of [127, 255] as const) {
      for (const lanes of [4, 8, 12, 24, 28, 32, 36, 68])
        for (const [rows, columns] of [
          [1, 1],
          [2, 3],
          [7, 7],
          [3, 256],
          [2, 257],
          [1, 258],
          [2, 515],
        ])
          globalPool(backend, rows, columns, lanes, top)
      for (const columns of [257, 258, 600]) globalPool(backend, 2, columns, 36, top, true)
    }
  })

  test('max pool: windows, strides, lanes around sixteen', () => {
    for (const lanes of [4, 8, 12, 16, 20, 24, 36])
      for (const [rows, columns] of [
        [1, 1],
        [1, 5],
        [4, 3],
        [7, 8],
      ])
        for (const kernel of [1, 2, 3, 5])
          for (const stride of [1, 2, 3]) maxPool(backend, rows, columns, lanes, kernel, stride)
  })

  test('border', () => {
    for (const frame of [1, 2, 3])
      for (const lanes of [4, 12, 20])
        for (const side of [1, 4]) border(backend, side + 2 * frame, 5 + 2 * frame, lanes, frame)
  })
})
