import { beforeAll, describe, expect, test } from 'vitest'
import { Side } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { type Convolution, convolutionStep, convolved, inputBytes, LOOPS, OneStep, sideBytes } from './i8-step.ts'

const SIZES = [
  [1, 1],
  [1, 2],
  [1, 3],
  [2, 2],
  [1, 5],
  [7, 1],
  [2, 4],
  [3, 3],
  [2, 6],
  [5, 3],
  [4, 4],
  [17, 1],
  [1, 23],
  [5, 8],
] as const
const DEPTHS = [4, 8, 12, 16, 20, 24, 28, 32, 36, 44, 64, 100]
const LANES = [4, 8, 12, 16, 20, 24, 28, 40]
const turn = <T>(list: readonly T[], index: number): T => list[index % list.length]

/** What it sums: anything, or the largest sums there are, of either sign. */
type Values = 'any' | 'largest' | 'least'

describe.each(variants())('$name', ({ bytes, name }) => {
  let backend: Backend
  const random = randomFrom(seed)
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })
  const loops =
    name === 'simd'
      ? [LOOPS.any, LOOPS.words, LOOPS.bytes]
      : [LOOPS.any, LOOPS.dot, LOOPS.wide, LOOPS.pairs, LOOPS.words]

  /** A convolution of random values; about half of its outputs are clamped. */
  function some(shape: Partial<Convolution>, values: Values = 'any'): Convolution {
    const top = shape.top ?? 127
    const integer = (from: number, to: number) => from + Math.floor(random() * (to - from + 1))
    const conv: Convolution = {
      kernel: 1,
      stride: 1,
      height: 1,
      width: 1,
      taps: 4,
      pixel: shape.taps ?? 4,
      lanes: 8,
      top,
      mode: Side.None,
      group: 0,
      outZero: integer(0, top),
      sideZero: integer(0, top),
      low: 0,
      high: top,
      ratio: Math.fround(0.1 + random()),
      byPanels: false,
      block: 2,
      ...shape,
      input: new Uint8Array(),
      weight: new Int8Array(),
      bias: new Int32Array(),
      factor: new Float32Array(),
      side: new Uint8Array(),
    }
    const { kernel, taps, lanes } = conv
    const depth = kernel * kernel * taps
    conv.input = Uint8Array.from({ length: inputBytes(conv) }, () => (values === 'any' ? integer(0, top) : top))
    conv.weight = Int8Array.from({ length: lanes * depth }, () =>
      values === 'any' ? integer(-127, 127) : values === 'largest' ? 127 : -127,
    )
    conv.bias = Int32Array.from({ length: lanes }, () => integer(-20000, 20000))
    // Spread of a sum of random products, so that quantized outputs cover their range and pass its ends.
    const spread = Math.sqrt(depth) * 73 * top * 0.58
    conv.factor = Float32Array.from({ length: lanes }, () => ((0.5 + random()) * top) / spread / 2)
    conv.side = Uint8Array.from({ length: sideBytes(conv) }, () => integer(0, top))
    return conv
  }

  /** Runs it with every loop of the build, in one share and in three, and compares every byte. */
  function check(conv: Convolution): void {
    const { step, operands } = convolutionStep(conv)
    const alone = new OneStep(backend, step, operands)
    const want = convolved(conv, alone.poison('out'))
    for (const loop of loops)
      for (const threads of [1, 3]) {
        alone.poison('out')
        alone.run(loop, threads)
        const got = alone.read('out')
        alone.checkGuards('out')
        const at = got.findIndex((byte, i) => byte !== want[i])
        if (at >= 0) {
          const { input, weight, bias, factor, side, ...shape } = conv
          expect.fail(
            `byte ${at} of ${got.length} is ${got[at]}, not ${want[at]}: loop ${loop}, ${threads} threads, SEED=${seed}, ${JSON.stringify(shape)}`,
          )
        }
      }
  }

  test('pointwise: every depth and count of lanes and pixels around the tiles', () => {
    DEPTHS.forEach((taps, d) => {
      LANES.forEach((lanes, l) => {
        const [height, width] = turn(SIZES, d * 3 + l)
        check(some({ taps, lanes, height, width, block: 1 + ((d + l) % 3) }))
      })
    })
    SIZES.forEach(([height, width], i) => {
      check(
        some({ taps: turn(DEPTHS, i), lanes: turn(LANES, i + 3), height, width, byPanels: true, block: 1 + (i % 3) }),
      )
    })
  })

  test('pointwise: bounds, a stride, a wider pixel', () => {
    SIZES.forEach(([height, width], i) => {
      const taps = turn(DEPTHS, i)
      const outZero = turn([0, 5, 64, 127], i)
      const low = turn([0, outZero], i)
      const high = turn([127, Math.min(127, outZero + 40)], i >> 1)
      check(
        some({ taps, lanes: turn(LANES, i), height, width, pixel: taps + 8, stride: 1 + (i & 1), outZero, low, high }),
      )
    })
  })

  test('pointwise: residual', () => {
    SIZES.forEach(([height, width], i) => {
      check(some({ taps: turn(DEPTHS, i), lanes: turn(LANES, i), height, width, mode: Side.Add }))
      check(some({ taps: 8, lanes: turn(LANES, i + 1), height, width, mode: Side.Add, low: 3, high: 90, top: 255 }))
    })
  })

  test('pointwise: zipped, no byte past the real channels', () => {
    for (let lanes = 1; lanes <= 26; ++lanes)
      for (const mode of [Side.Zip2, Side.Zip4, Side.ZipPairs]) {
        if (mode === Side.ZipPairs && lanes % 2) continue
        const [height, width] = turn(SIZES, lanes)
        check(some({ taps: turn(DEPTHS, lanes), lanes, height, width, mode, group: mode === Side.Zip4 ? lanes : 0 }))
      }
  })

  test('pointwise: values up to 255 and the largest sums of either sign', () => {
    for (const top of [127, 255] as const)
      for (const values of ['any', 'largest', 'least'] as const)
        for (const taps of [4, 8, 12, 28, 100, 1024]) check(some({ taps, lanes: 12, height: 3, width: 3, top }, values))
  })

  test('pointwise: sums and factors at the ends of their ranges', () => {
    for (const bias of [2 ** 30, -(2 ** 30), 0, 1])
      for (const factor of [2 ** -30, 2 ** -24, 2 ** -22, 2 ** -6, 0.5, 1, 2 ** 20, 2 ** 100, 2 ** -120]) {
        const conv = some({ taps: 4, lanes: 8, height: 2, width: 2 })
        conv.bias.fill(bias)
        conv.factor.fill(factor)
        check(conv)
      }
  })

  test('pointwise: halves round to even', () => {
    for (const outZero of [0, 3, 64])
      for (const factor of [0.5, 0.25, 0.125]) {
        const conv = some({ taps: 4, lanes: 40, outZero })
        conv.weight.fill(0)
        conv.bias = Int32Array.from({ length: 40 }, (_, i) => i - 20)
        conv.factor.fill(factor)
        check(conv)
      }
  })

  test('pointwise: product and sum of a residual are rounded one after the other', () => {
    // 9 * f(1 / 3) rounds to 3, and -2.5 + 3 + 4 to the even 4; a fused multiply-add gives a little more than 4.5, thus 5.
    const conv = some({ lanes: 16, width: 3, mode: Side.Add, outZero: 4, sideZero: 7, ratio: Math.fround(1 / 3) })
    conv.weight.fill(0)
    conv.bias.fill(-5)
    conv.factor.fill(0.5)
    conv.side.fill(16)
    expect(convolved(conv, new Uint8Array(100))[0]).toBe(4)
    check(conv)
  })

  test.each([2, 3, 5])('full %ix%i: runs along a row and single taps, both strides', (kernel) => {
    SIZES.forEach(([height, width], i) => {
      const taps = turn([4, 8, 12, 16, 24], i)
      const lanes = turn(LANES, i)
      check(some({ kernel, taps, lanes, height, width, stride: 1 + (i & 1), top: turn([127, 127, 255], i) }))
      check(some({ kernel, taps, lanes, height, width, pixel: taps + 4, stride: 2 - (i & 1) }))
    })
    for (const values of ['largest', 'least'] as const)
      check(some({ kernel, taps: 24, lanes: 16, height: 3, width: 5, stride: 2 }, values))
  })
})
