import { beforeAll, describe, expect, test } from 'vitest'
import { Axis } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import { roundEven } from '../../src/graph/integer.ts'
import { kernelFor } from '../../src/kernels.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { LOOPS, OneStep } from './i8-step.ts'

const f = Math.fround

/** A 3 x 3 convolution on bytes in which an output lane sees few input lanes. */
interface Spatial {
  does: 'depthwise' | 'grouped6' | 'grouped2'
  lanes: number
  height: number
  width: number
  stride: 1 | 2
  top: 127 | 255
  outZero: number
  low: number
  high: number
  input: Uint8Array
  /** [lane][tap][member] */
  weight: Int8Array
  bias: Int32Array
  factor: Float32Array
}

const MEMBERS = { depthwise: 1, grouped6: 6, grouped2: 2 }
const BLOCK = { depthwise: 8, grouped6: 12, grouped2: 8 }
const DEPTH = { depthwise: 9, grouped6: 56, grouped2: 20 }
/** Bytes between the lanes of two pixels: what is written there went too far. */
const GAP = 8

/** The input lane of member `m` of what output lane `lane` sums: docs/quantization.md, Memory. */
function inputLane(does: Spatial['does'], lane: number, m: number): number {
  if (does === 'depthwise') return lane
  const first = lane - (lane % BLOCK[does])
  const place = lane - first
  if (does === 'grouped2') return first + (place % 4) * 2 + m
  return first + (m < 4 ? (place % 2) * 4 + m : 8 + (place % 2) * 2 + m - 4)
}

/** Where the weight of a tap and a member lies: its k. */
function depthOf(does: Spatial['does'], tap: number, m: number): number {
  if (does === 'grouped6' && m < 4) return tap * 4 + m
  return (does === 'grouped6' ? 36 : 0) + (tap >> 1) * 4 + (tap & 1) * 2 + (m & 1)
}

function packed({ does, lanes, weight }: Spatial): Int8Array {
  const block = BLOCK[does]
  const out = new Int8Array(Math.ceil(lanes / block) * block * DEPTH[does])
  const members = MEMBERS[does]
  for (let lane = 0; lane < lanes; ++lane)
    for (let tap = 0; tap < 9; ++tap)
      for (let m = 0; m < members; ++m) {
        const value = weight[(lane * 9 + tap) * members + m]
        const number = Math.floor(lane / block)
        if (does === 'depthwise') out[number * 72 + tap * 8 + (lane % 8)] = value
        else {
          const k = depthOf(does, tap, m)
          out[(number * (DEPTH[does] / 4) + (k >> 2)) * 4 * block + (lane % block) * 4 + (k & 3)] = value
        }
      }
  return out
}

function filled<T extends Int32Array | Float32Array>(values: T, block: number): T {
  const out = new (values.constructor as new (length: number) => T)(Math.ceil(values.length / block) * block)
  out.set(values)
  return out
}

function oneStep(backend: Backend, conv: Spatial): OneStep {
  const { does, lanes, height, width, stride } = conv
  const pixel = lanes + GAP
  const inRow = ((width - 1) * stride + 3) * pixel
  const step = {
    kernel: kernelFor(does, 'i8'),
    node: 0,
    label: does,
    operands: { In: 'in', Out: 'out', Weights: 'weight', Bias: 'bias', Factors: 'factor' },
    words: {
      Units: height,
      Axis: Axis.Rows,
      InRow: inRow,
      InPixel: pixel,
      OutRow: width * pixel,
      OutPixel: pixel,
      Rows: height,
      Columns: width,
      Depth: DEPTH[does],
      Lanes: lanes,
      Stride: stride,
      Kernel: 3,
      OutZero: conv.outZero,
      Top: conv.top,
    },
    multiplyAdds: 0,
    low: conv.low,
    high: conv.high,
  }
  return new OneStep(backend, step, {
    weights: { weight: packed(conv), bias: filled(conv.bias, BLOCK[does]), factor: filled(conv.factor, BLOCK[does]) },
    arena: { in: conv.input, out: new Uint8Array(height * width * pixel) },
  })
}

/** What the step writes; bytes between pixels stay `poisoned`. */
function expected(conv: Spatial, poisoned: Uint8Array): Uint8Array {
  const { does, lanes, height, width, stride } = conv
  const pixel = lanes + GAP
  const inRow = ((width - 1) * stride + 3) * pixel
  const members = MEMBERS[does]
  const out = poisoned.slice()
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x)
      for (let lane = 0; lane < lanes; ++lane) {
        let sum = conv.bias[lane]
        for (let tap = 0; tap < 9; ++tap) {
          const at = (y * stride + Math.floor(tap / 3)) * inRow + (x * stride + (tap % 3)) * pixel
          for (let m = 0; m < members; ++m)
            sum += conv.input[at + inputLane(does, lane, m)] * conv.weight[(lane * 9 + tap) * members + m]
        }
        const v = f(f(sum) * conv.factor[lane])
        out[(y * width + x) * pixel + lane] = Math.min(Math.max(roundEven(v + conv.outZero), conv.low), conv.high)
      }
  return out
}

/** Weights of one sign of a depthwise channel sum to 258 at most where activations have 7 bits. */
function bounded(weights: Int8Array): Int8Array {
  for (const sign of [1, -1]) {
    let room = 258
    weights.forEach((value, i) => {
      if (value * sign <= 0) return
      weights[i] = sign * Math.min(value * sign, room)
      room -= weights[i] * sign
    })
  }
  return weights
}

function random(
  shape: Pick<Spatial, 'does' | 'lanes' | 'height' | 'width' | 'stride' | 'top'>,
  extreme = false,
): Spatial {
  const { does, lanes, height, width, stride, top } = shape
  const next = randomFrom(seed + lanes * 7 + height * 31 + width * 101 + stride)
  const members = MEMBERS[does]
  const weight = Int8Array.from({ length: lanes * 9 * members }, () =>
    extreme ? (next() < 0.6 ? 127 : -127) : Math.round(next() * 254 - 127),
  )
  if (does === 'depthwise' && top === 127)
    for (let lane = 0; lane < lanes; ++lane) weight.set(bounded(weight.slice(lane * 9, lane * 9 + 9)), lane * 9)
  const inputBytes = ((height - 1) * stride + 3) * ((width - 1) * stride + 3) * (lanes + GAP)
  const low = Math.floor(next() * 40)
  return {
    ...shape,
    outZero: Math.floor(next() * (top + 1)),
    low,
    high: low + Math.floor(next() * (top + 1 - low)),
    input: Uint8Array.from({ length: inputBytes }, () =>
      extreme ? (next() < 0.7 ? top : 0) : Math.floor(next() * (top + 1)),
    ),
    weight,
    bias: Int32Array.from({ length: lanes }, () => Math.round((next() - 0.5) * (next() < 0.1 ? 2 ** 31 - 2e7 : 40000))),
    factor: Float32Array.from({ length: lanes }, () => {
      const kind = next()
      return kind < 0.05 ? 0 : kind < 0.1 ? 1e30 : kind < 0.15 ? 1e-40 : 0.02 * next() * next()
    }),
  }
}

function check(backend: Backend, conv: Spatial): void {
  const one = oneStep(backend, conv)
  const poisoned = one.poison('out').slice()
  const wanted = expected(conv, poisoned)
  for (const [loop, number] of Object.entries(LOOPS))
    for (const shares of number === LOOPS.any ? [1, 2, 3] : [1]) {
      one.poison('out')
      one.run(number, shares)
      const found = one.read('out')
      const wrong = found.findIndex((value, i) => value !== wanted[i])
      if (wrong >= 0) {
        const { does, lanes, height, width, stride, top } = conv
        const what = `${does} ${lanes} lanes, ${height}x${width}, stride ${stride}, top ${top}, loop ${loop}, ${shares} shares`
        expect.fail(`byte ${wrong} is ${found[wrong]}, expected ${wanted[wrong]}; ${what} SEED=${seed}`)
      }
      one.checkGuards('out')
    }
}

const SIZES = [
  [1, 1],
  [1, 2],
  [2, 3],
  [3, 4],
  [1, 5],
  [4, 6],
  [2, 7],
  [5, 8],
  [7, 9],
  [2, 14],
  [3, 31],
]

describe.each(variants())('int8 convolutions of few lanes, $name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  describe.each([
    ['depthwise', [4, 8, 12, 16, 20, 36, 68]],
    ['grouped6', [12, 24, 36, 60]],
    ['grouped2', [8, 16, 24, 56]],
  ] as const)('%s', (does, counts) => {
    test.each([
      [1, 127],
      [2, 127],
      [1, 255],
      [2, 255],
    ] as const)('stride %i, values up to %i', (stride, top) => {
      SIZES.forEach(([height, width], index) => {
        for (const lanes of [counts[index % counts.length], counts[0], counts[counts.length - 1]])
          check(backend, random({ does, lanes, height, width, stride, top }))
      })
    })

    test.each([127, 255] as const)('weights and activations at their ends, values up to %i', (top) => {
      for (const stride of [1, 2] as const)
        for (const lanes of counts) check(backend, random({ does, lanes, height: 3, width: 5, stride, top }, true))
    })
  })

  test('more lanes than scratch holds the weights of', () => {
    for (const height of [1, 2])
      check(backend, random({ does: 'depthwise', lanes: 652, height, width: 9, stride: 1, top: 127 }))
  })

  test('the largest sums that a depthwise channel may have', () => {
    for (const sign of [1, -1]) {
      const conv = random({ does: 'depthwise', lanes: 8, height: 2, width: 5, stride: 1, top: 127 })
      conv.input.fill(127)
      for (let lane = 0; lane < 8; ++lane) {
        const row = [127, 127, 4, 0, 0, 0, 0, 0, 0]
        conv.weight.set(
          [...row.slice(lane), ...row.slice(0, lane)].map((value) => sign * value),
          lane * 9,
        )
      }
      conv.bias.fill(0)
      conv.factor.fill(f(100 / 32766))
      Object.assign(conv, { low: 0, high: 127, outZero: sign > 0 ? 0 : 127 })
      check(backend, conv)
    }
  })
})
