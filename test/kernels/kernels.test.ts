import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import type { Use } from '../../src/graph/graph.ts'
import { KERNELS } from '../../src/kernels.ts'
import type { ConvOptions } from '../../src/networks/builder.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { compare, SIZES, used } from './compare.ts'
import { graphOf, lift, single } from './graphs.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const ACTIVATIONS = ['none', 'relu', 'relu6'] as const
const GROUPS_OF_TWO = [4, 6, 8, 10, 14, 16, 18, 28, 58]
const GROUPS_OF_SIX = [6, 12, 18, 24, 30, 66]
const KERNEL_COUNTS = [1, 2, 3, 6, 8]
const PRECISIONS: Precision[] = ['f32', 'w8']

/** One of `list`, by turns, so that every combination of sizes gets some value of it. */
const turn = <T>(list: readonly T[], index: number): T => list[index % list.length]

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  describe.each(PRECISIONS)('%s', (precision) => {
    const run = (graph: Parameters<typeof compare>[1], height: number, width: number, what = '') =>
      compare(backend, graph, precision, height, width, what)

    test('pointwise: every count of pixels, inputs and outputs around its tiles', () => {
      for (const channels of [...range(1, 20), 23, 24, 66]) {
        const activation = turn(ACTIVATIONS, channels)
        const [height, width] = turn(SIZES, channels)
        run(single(channels, 23, { activation }), height, width, `${channels}->23`)
        run(single(13, channels, { activation }), height, width, `13->${channels}`)
      }
      for (const [height, width] of SIZES) run(single(162, 20, {}), height, width, '162->20')
    })

    test('pointwise: wide layers on few pixels, split by panels; more panels than stay in L1', () => {
      for (const cout of [64, 68, 71, 162, 320])
        for (const side of [1, 2, 3]) run(single(66, cout, { activation: 'relu' }), side, side, `66->${cout}`)
    })

    test('pointwise: residual, stride 2 and an input with a frame', () => {
      SIZES.forEach(([height, width], index) => {
        const channels = turn([1, 3, 4, 6, 8, 12, 13, 24], index)
        const activation = turn(ACTIVATIONS, index)
        const residual = graphOf((net) => {
          const x = lift(net, channels)
          const y = net.conv('mid', x, channels + 3, { activation: 'relu' })
          return { x, out: net.conv('out', y, channels, { residual: x, activation }) }
        })
        run(residual, height, width, `residual ${channels}`)
        run(single(channels, 9, { stride: 2, activation }), height, width, `stride 2 ${channels}`)
        const framed = graphOf((net) => {
          const x = lift(net, channels)
          return {
            full: net.conv('full', x, 5, { kernel: 3 }),
            out: net.conv('out', x, 10, { stride: 1 + (index & 1) }),
          }
        })
        run(framed, height, width, `frame ${channels}`)
      })
    })

    test.each([1, 3, 5, 7])('full %ix%i: channels around its tiles, both strides', (kernel) => {
      for (const cin of [1, 3, 5])
        for (const cout of range(1, 17)) {
          const [height, width] = turn(SIZES, cin + cout)
          for (const stride of [1, 2])
            run(
              full(cin, cout, kernel, stride, turn(ACTIVATIONS, cout)),
              height,
              width,
              `${cin}->${cout} stride ${stride}`,
            )
        }
      for (const [height, width] of SIZES) run(full(3, 6, kernel, 2, 'relu6'), height, width, '3->6')
    })

    test('full 3x3: stride 3, residual, dynamic', () => {
      SIZES.forEach(([height, width], index) => {
        run(single(3, 9, { kernel: 3, stride: 3 }), height, width, 'stride 3')
        run(single(5, 10, { kernel: 3, activation: 'relu' }, turn(KERNEL_COUNTS, index)), height, width, 'dynamic')
      })
    })

    test.each([1, 2])('depthwise 3x3, stride %i', (stride) => {
      SIZES.forEach(([height, width], index) => {
        for (const channels of [turn(range(2, 20), index), 24, 66]) {
          const options = { kernel: 3, stride, groups: channels, activation: turn(ACTIVATIONS, index) }
          run(single(channels, channels, options), height, width, `${channels}`)
          run(single(channels, channels, options, turn(KERNEL_COUNTS, index)), height, width, `${channels} dynamic`)
        }
      })
    })

    test.each([
      [6, 1, GROUPS_OF_SIX],
      [6, 2, GROUPS_OF_SIX],
      [2, 1, GROUPS_OF_TWO],
      [2, 2, GROUPS_OF_TWO],
    ] as const)('grouped 3x3, %i channels per group, stride %i', (members, stride, counts) => {
      SIZES.forEach(([height, width], index) => {
        for (const channels of [counts[0], turn(counts.slice(1), index), counts.at(-1)!]) {
          const options: ConvOptions = {
            kernel: 3,
            stride,
            groups: channels / members,
            activation: turn(ACTIVATIONS, index),
          }
          run(between(channels, options, 0), height, width, `${channels}`)
          run(between(channels, options, turn(KERNEL_COUNTS, index)), height, width, `${channels} dynamic`)
        }
      })
    })

    test('dynamic pointwise: every number of fixed kernels, one coefficient vector for several layers', () => {
      for (const kernels of [...KERNEL_COUNTS, 5, 64])
        for (const channels of [1, 4, 7, 12, 18]) {
          const graph = graphOf((net) => {
            const x = lift(net, 10)
            const coefficients = net.coefficients('c.coef', x, 2 * channels * kernels)
            const a = net.conv('a', x, channels, { activation: 'relu6', dynamic: { coefficients, from: 0, kernels } })
            return {
              a,
              out: net.conv('out', a, channels, {
                residual: a,
                dynamic: { coefficients, from: channels * kernels, kernels },
              }),
            }
          })
          const [height, width] = turn(SIZES, channels + kernels)
          run(graph, height, width, `g ${kernels} channels ${channels}`)
        }
    })

    test('shuffles: 1:1 in two groups, 3:1 and 2:2 in four, ranges of channels left and right', () => {
      SIZES.forEach(([height, width], index) => {
        for (const quarter of [1, 2, 3, 4, 5, 7, 8, 11, turn([14, 22, 29], index)])
          for (const [groups, left, right] of [
            [2, quarter, quarter],
            [4, 3 * quarter, quarter],
            [4, 2 * quarter, 2 * quarter],
          ]) {
            const activation = turn(ACTIVATIONS, quarter)
            const graph = graphOf((net) => {
              const a = net.conv('a', net.image, left, { activation: 'relu' })
              const b = net.conv('b', net.image, 5)
              const x = net.shuffle('x', a, net.conv('r', b, right, { activation }), groups)
              if (groups === 4 && left === right) return { x } as Record<string, Use>
              // The unit of stride 1: the left range passes through, the right one is convolved.
              const y = net.conv('s', { ...x, from: left, channels: right }, right, { activation })
              return { x, y: net.shuffle('y', { ...x, from: 0, channels: left }, y, groups) }
            })
            run(graph, height, width, `${left}:${right} in ${groups}`)
          }
      })
    })

    test('max pool, global pool, linear, softmax, coefficients', () => {
      SIZES.forEach(([height, width], index) => {
        for (const channels of [turn(range(1, 20), index), 66]) {
          const graph = graphOf((net) => {
            const x = lift(net, channels)
            const pooled = net.maxpool(
              'max',
              x,
              Math.min(height, width) < 2 ? 3 : turn([3, 2, 5], index),
              1 + (index & 1),
            )
            const coefficients = net.coefficients('c.coef', x, 3 * channels)
            net.conv('dynamic', x, channels, { dynamic: { coefficients, from: 0, kernels: 3 } })
            net.classifier(pooled, turn([1, 2, 3, 4, 5, 8, 9, 10, 33], index), 'fc')
            const [pool, logits, softmax] = ['pool', 'logits', 'probabilities'].map((tensor) => ({ tensor, channels }))
            return { pooled, coefficients, pool, logits, softmax }
          })
          run(graph, height, width, `${channels}`)
        }
      })
    })

    test('coefficients and pools of a range of channels', () => {
      SIZES.forEach(([height, width], index) => {
        const graph = graphOf((net) => {
          const x = lift(net, 24)
          const part = { ...x, from: turn([4, 8, 12, 5], index), channels: turn([4, 5, 7, 12], index) }
          const coefficients = net.coefficients('c.coef', part, 14)
          return { coefficients, out: net.conv('out', part, 7, { dynamic: { coefficients, from: 0, kernels: 2 } }) }
        })
        run(graph, height, width, `range ${index}`)
      })
    })

    test('random graphs of three layers', () => {
      const random = randomFrom(seed)
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]
      for (let round = 0; round < 60; ++round) {
        const channels = pick([2, 6, 10, 12, 18, 30])
        const groups = pick([1, channels, ...(channels % 6 ? [channels / 2] : [channels / 6, channels / 2])])
        const kernels = pick([0, ...KERNEL_COUNTS])
        const options = { kernel: 3, stride: pick([1, 2]), groups, activation: pick(ACTIVATIONS) }
        run(
          between(channels, options, kernels),
          1 + Math.floor(random() * 14),
          1 + Math.floor(random() * 14),
          `round ${round}`,
        )
      }
    })
  })
})

/** A full convolution of `cin` channels; only that of 3 reads the picture itself. */
function full(cin: number, cout: number, kernel: number, stride: number, activation: (typeof ACTIVATIONS)[number]) {
  return single(cin, cout, { kernel, stride, activation })
}

/** A grouped convolution as networks have it: between two pointwise ones, whose weights take its order of channels. */
function between(channels: number, options: ConvOptions, kernels: number) {
  return graphOf((net) => {
    const x = lift(net, channels)
    const coefficients = kernels ? net.coefficients('c.coef', x, channels * kernels) : undefined
    const y = net.conv('mid', x, channels, {
      ...options,
      ...(coefficients && { dynamic: { coefficients, from: 0, kernels } }),
    })
    return { mid: y, out: net.conv('out', y, 7) }
  })
}

describe('the kernel table', () => {
  test('has one row per op code, each with its source', () => {
    const format = readFileSync(new URL('../../assembly/program/format.ts', import.meta.url), 'utf8')
    const names = [.../enum Op \{(.*?)\}/s.exec(format)![1].matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
    expect(KERNELS.map(({ name }) => name).sort()).toEqual([...names].sort())
    for (const { name, op } of KERNELS) expect(op, name).toBe(names.indexOf(name) + 1)
    for (const { source, name } of KERNELS)
      expect(existsSync(new URL(`../../assembly/${source}`, import.meta.url)), name).toBe(true)
  })

  afterAll(() => {
    expect([...used].sort()).toEqual(KERNELS.map(({ name }) => name).sort())
  })
})
