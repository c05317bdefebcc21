import { beforeAll, describe, expect, test } from 'vitest'
import { Axis } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import { roundEven } from '../../src/graph/integer.ts'
import { kernelFor } from '../../src/kernels.ts'
import type { PlannedStep } from '../../src/plan/program.ts'
import { instantiate, randomFrom, reserve, seed, variants } from '../helpers/wasm.ts'
import { OneStep } from './i8-step.ts'

const f = Math.fround
const SIZES = [
  [1, 1, 4],
  [3, 5, 4],
  [2, 7, 12],
  [5, 1, 24],
] as const
/** Scale, zero point, top. */
const QUANTIZATIONS = [
  [f(0.1), 0, 127],
  [f(0.0234), 64, 127],
  [1, 127, 127],
  [f(1 / 3), 131, 255],
  [f(1e-30), 255, 255],
  [2 ** 100, 3, 127],
] as const

/** docs/quantization.md, Tensors; a NaN counts as 0. */
function quantized(x: number, scale: number, zero: number, top: number): number {
  const v = Number.isNaN(x) ? 0 : f(x / scale)
  return Math.min(Math.max(roundEven(v + zero), 0), top)
}

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  const random = randomFrom(seed)
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  /** In range and far out of it, halves between two integers, and what is no number. */
  function awkward(length: number, scale: number): Float32Array {
    const special = [
      0,
      -0,
      Number.NaN,
      -Number.NaN,
      Infinity,
      -Infinity,
      3.4e38,
      -3.4e38,
      1e-45,
      2 ** 23 * scale,
      -(2 ** 24) * scale,
    ]
    return Float32Array.from({ length }, (_, i) => {
      if (i % 3 === 0) return (Math.floor(random() * 400) - 200 + 0.5) * scale
      if (i % 3 === 1) return (random() * 400 - 200) * scale
      return special[Math.floor(random() * special.length)]
    })
  }

  const step = (
    does: 'quantize' | 'dequantize',
    [rows, columns, lanes]: readonly number[],
    rest: Partial<PlannedStep>,
  ) => ({
    kernel: kernelFor(does, 'i8'),
    node: 0,
    label: does,
    operands: { In: 'in', Out: 'out' },
    multiplyAdds: 0,
    ...rest,
    words: { Units: rows, Axis: Axis.Rows, Rows: rows, Columns: columns, Lanes: lanes, ...rest.words },
  })

  test('quantize: halves, values out of range, infinities and NaN; pixels wider than their lanes', () => {
    for (const [scale, zero, top] of QUANTIZATIONS)
      for (const size of SIZES) {
        const [rows, columns, lanes] = size
        const input = awkward(rows * columns * lanes, scale)
        const outPixel = lanes + 4
        const quantize = step('quantize', size, {
          words: {
            InRow: columns * lanes * 4,
            InPixel: lanes * 4,
            OutRow: columns * outPixel,
            OutPixel: outPixel,
            OutZero: zero,
            Top: top,
          },
          floats: { OutScale: scale },
        })
        const alone = new OneStep(backend, quantize, {
          weights: {},
          arena: { in: input, out: new Uint8Array(rows * columns * outPixel) },
        })
        const want = alone.poison('out').slice()
        input.forEach((x, i) => {
          want[Math.floor(i / lanes) * outPixel + (i % lanes)] = quantized(x, scale, zero, top)
        })
        for (const threads of [1, 3]) {
          alone.poison('out')
          alone.run(undefined, threads)
          alone.checkGuards('out')
          expect(alone.read('out'), `scale ${scale}, zero ${zero}, SEED=${seed}`).toEqual(want)
        }
      }
  })

  test('dequantize: every stored value', () => {
    for (const [scale, zero, top] of QUANTIZATIONS) {
      const input = Uint8Array.from({ length: top + 1 }, (_, i) => i)
      const columns = input.length / 8
      const dequantize = step('dequantize', [2, columns, 4], {
        words: { InRow: columns * 4, InPixel: 4, OutRow: columns * 16, OutPixel: 16, InZero: zero, Top: top },
        floats: { InScale: scale },
      })
      const alone = new OneStep(backend, dequantize, {
        weights: {},
        arena: { in: input, out: new Float32Array(input.length) },
      })
      alone.poison('out')
      alone.run()
      alone.checkGuards('out')
      const want = Float32Array.from(input, (q) => scale * (q - zero))
      expect(new Float32Array(alone.read('out').buffer), `scale ${scale}, zero ${zero}`).toEqual(want)
    }
  })

  test('rows of a picture: by table from bytes, by division from float32', () => {
    const count = 9
    for (const stride of [4, 12])
      for (const [scale, zero, top] of QUANTIZATIONS) {
        const at = reserve(backend, 4096)
        const memory = new Uint8Array(backend.memory.buffer, at, 4096).fill(0xa5)
        const [target, source, tables] = [16, 512, 1024]
        const want = memory.slice(0, 512)
        for (let i = 0; i < 768; ++i) memory[tables + i] = random() * 256
        for (let i = 0; i < 4 * count; ++i) memory[source + i] = random() * 256
        for (let x = 0; x < count; ++x) {
          for (let c = 0; c < 3; ++c)
            want[target + x * stride + c] = memory[tables + 256 * c + memory[source + 4 * x + c]]
          want[target + x * stride + 3] = 0
        }
        backend.exports.u8_normalise_row(at + target, at + source, at + tables, count, stride)
        expect(memory.slice(0, 512), `SEED=${seed}`).toEqual(want)

        const values = awkward(3 * count, scale)
        new Float32Array(backend.memory.buffer, at + source, values.length).set(values)
        for (let x = 0; x < count; ++x)
          for (let c = 0; c < 3; ++c) want[target + x * stride + c] = quantized(values[3 * x + c], scale, zero, top)
        backend.exports.f32_quantise_row(at + target, at + source, count, scale, zero, top, stride)
        expect(memory.slice(0, 512), `scale ${scale}, zero ${zero}, SEED=${seed}`).toEqual(want)
      }
  })
})
