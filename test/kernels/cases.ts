import type { Activation, Graph, Use } from '../../src/graph/graph.ts'
import type { ConvOptions } from '../../src/networks/builder.ts'
import { randomFrom, seed } from '../helpers/wasm.ts'
import { between, graphOf, lift, single } from './graphs.ts'

/** One graph at one input size. */
export interface Case {
  graph: Graph
  height: number
  width: number
  what: string
}

/** Sizes around the tiles of 3, 4 and 8 pixels, and rectangles. */
export const SIZES: [height: number, width: number][] = [
  ...([
    [1, 1],
    [1, 3],
    [3, 1],
    [2, 2],
    [5, 1],
    [1, 7],
    [3, 3],
    [4, 2],
    [3, 5],
    [2, 7],
  ] as [number, number][]),
  ...([
    [4, 4],
    [8, 1],
    [1, 9],
    [9, 5],
    [8, 8],
    [1, 31],
    [31, 2],
    [7, 11],
  ] as [number, number][]),
]
const ACTIVATIONS: readonly Activation[] = ['none', 'relu', 'relu6']
const GROUPS_OF_TWO = [4, 6, 8, 10, 14, 16, 18, 28, 58]
const GROUPS_OF_SIX = [6, 12, 18, 24, 30, 66]
const KERNEL_COUNTS = [1, 2, 3, 6, 8]

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** One of `list`, by turns, so that every combination of sizes gets some value of it. */
const turn = <T>(list: readonly T[], index: number): T => list[index % list.length]

/** Graphs in which every kernel of the table stands, by what they are about; run in every precision. */
export const CASES: Record<string, () => Generator<Case>> = {
  'pointwise: every count of pixels, inputs and outputs around its tiles': pointwise,
  'pointwise: wide layers on few pixels, split by panels; more panels than stay in L1': wide,
  'pointwise: residual, stride 2 and an input with a frame': residuals,
  'full 1x1: channels around its tiles, both strides': () => full(1),
  'full 3x3: channels around its tiles, both strides': () => full(3),
  'full 5x5: channels around its tiles, both strides': () => full(5),
  'full 7x7: channels around its tiles, both strides': () => full(7),
  'full 3x3: stride 3, dynamic': fullDynamic,
  'depthwise 3x3, stride 1': () => depthwise(1),
  'depthwise 3x3, stride 2': () => depthwise(2),
  'grouped 3x3, 6 channels per group, stride 1': () => grouped(6, 1, GROUPS_OF_SIX),
  'grouped 3x3, 6 channels per group, stride 2': () => grouped(6, 2, GROUPS_OF_SIX),
  'grouped 3x3, 2 channels per group, stride 1': () => grouped(2, 1, GROUPS_OF_TWO),
  'grouped 3x3, 2 channels per group, stride 2': () => grouped(2, 2, GROUPS_OF_TWO),
  'dynamic pointwise: every number of fixed kernels, one coefficient vector for several layers': dynamicPointwise,
  'shuffles: 1:1 in two groups, 3:1 and 2:2 in four, ranges of channels left and right': shuffles,
  'max pool, global pool, linear, softmax, coefficients': pools,
  'coefficients and pools of a range of channels': ranges,
  'random graphs of three layers': randomGraphs,
}

function* pointwise(): Generator<Case> {
  for (const channels of [...range(1, 20), 23, 24, 66]) {
    const activation = turn(ACTIVATIONS, channels)
    const [height, width] = turn(SIZES, channels)
    yield { graph: single(channels, 23, { activation }), height, width, what: `${channels}->23` }
    yield { graph: single(13, channels, { activation }), height, width, what: `13->${channels}` }
  }
  for (const [height, width] of SIZES) yield { graph: single(162, 20, {}), height, width, what: '162->20' }
}

function* wide(): Generator<Case> {
  for (const cout of [64, 68, 71, 162, 320, 516])
    for (const side of [1, 2, 3])
      yield { graph: single(66, cout, { activation: 'relu' }), height: side, width: side, what: `66->${cout}` }
}

function* residuals(): Generator<Case> {
  for (const [index, [height, width]] of SIZES.entries()) {
    const channels = turn([1, 3, 4, 6, 8, 12, 13, 24], index)
    const activation = turn(ACTIVATIONS, index)
    const residual = graphOf((net) => {
      const x = lift(net, channels)
      const y = net.conv('mid', x, channels + 3, { activation: 'relu' })
      return { x, out: net.conv('out', y, channels, { residual: x, activation }) }
    })
    yield { graph: residual, height, width, what: `residual ${channels}` }
    yield { graph: single(channels, 9, { stride: 2, activation }), height, width, what: `stride 2 ${channels}` }
    const framed = graphOf((net) => {
      const x = lift(net, channels)
      return {
        full: net.conv('full', x, 5, { kernel: 3 }),
        out: net.conv('out', x, 10, { stride: 1 + (index & 1) }),
      }
    })
    yield { graph: framed, height, width, what: `frame ${channels}` }
  }
}

function* full(kernel: number): Generator<Case> {
  for (const cin of [1, 3, 5])
    for (const cout of range(1, 17)) {
      const [height, width] = turn(SIZES, cin + cout)
      for (const stride of [1, 2]) {
        const graph = single(cin, cout, { kernel, stride, activation: turn(ACTIVATIONS, cout) })
        yield { graph, height, width, what: `${cin}->${cout} stride ${stride}` }
      }
    }
  for (const [height, width] of SIZES)
    yield { graph: single(3, 6, { kernel, stride: 2, activation: 'relu6' }), height, width, what: '3->6' }
}

function* fullDynamic(): Generator<Case> {
  for (const [index, [height, width]] of SIZES.entries()) {
    yield { graph: single(3, 9, { kernel: 3, stride: 3 }), height, width, what: 'stride 3' }
    const graph = single(5, 10, { kernel: 3, activation: 'relu' }, turn(KERNEL_COUNTS, index))
    yield { graph, height, width, what: 'dynamic' }
  }
}

function* depthwise(stride: number): Generator<Case> {
  for (const [index, [height, width]] of SIZES.entries())
    for (const channels of [turn(range(2, 20), index), 24, 66]) {
      const options = { kernel: 3, stride, groups: channels, activation: turn(ACTIVATIONS, index) }
      yield { graph: single(channels, channels, options), height, width, what: `${channels}` }
      const graph = single(channels, channels, options, turn(KERNEL_COUNTS, index))
      yield { graph, height, width, what: `${channels} dynamic` }
    }
}

function* grouped(members: number, stride: number, counts: readonly number[]): Generator<Case> {
  for (const [index, [height, width]] of SIZES.entries())
    for (const channels of [counts[0], turn(counts.slice(1), index), counts.at(-1)!]) {
      const options: ConvOptions = {
        kernel: 3,
        stride,
        groups: channels / members,
        activation: turn(ACTIVATIONS, index),
      }
      yield { graph: between(channels, options, 0), height, width, what: `${channels}` }
      yield {
        graph: between(channels, options, turn(KERNEL_COUNTS, index)),
        height,
        width,
        what: `${channels} dynamic`,
      }
    }
}

function* dynamicPointwise(): Generator<Case> {
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
      yield { graph, height, width, what: `g ${kernels} channels ${channels}` }
    }
}

function* shuffles(): Generator<Case> {
  for (const [index, [height, width]] of SIZES.entries())
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
        yield { graph, height, width, what: `${left}:${right} in ${groups}` }
      }
}

function* pools(): Generator<Case> {
  for (const [index, [height, width]] of SIZES.entries())
    for (const channels of [turn(range(1, 20), index), 66]) {
      const graph = graphOf((net) => {
        const x = lift(net, channels)
        const kernel = Math.min(height, width) < 2 ? 3 : turn([3, 2, 5], index)
        const pooled = net.maxpool('max', x, kernel, 1 + (index & 1))
        const coefficients = net.coefficients('c.coef', x, 3 * channels)
        net.conv('dynamic', x, channels, { dynamic: { coefficients, from: 0, kernels: 3 } })
        net.classifier(pooled, turn([1, 2, 3, 4, 5, 8, 9, 10, 33], index), 'fc')
        const [pool, logits, softmax] = ['pool', 'logits', 'probabilities'].map((tensor) => ({ tensor, channels }))
        return { pooled, coefficients, pool, logits, softmax }
      })
      yield { graph, height, width, what: `${channels}` }
    }
}

function* ranges(): Generator<Case> {
  for (const [index, [height, width]] of SIZES.entries()) {
    const graph = graphOf((net) => {
      const x = lift(net, 24)
      const part = { ...x, from: turn([4, 8, 12, 5], index), channels: turn([4, 5, 7, 12], index) }
      const coefficients = net.coefficients('c.coef', part, 14)
      return { coefficients, out: net.conv('out', part, 7, { dynamic: { coefficients, from: 0, kernels: 2 } }) }
    })
    yield { graph, height, width, what: `range ${index}` }
  }
}

export function* randomGraphs(): Generator<Case> {
  const random = randomFrom(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]
  for (let round = 0; round < 60; ++round) {
    const channels = pick([2, 6, 10, 12, 18, 30])
    const groups = pick([1, channels, ...(channels % 6 ? [channels / 2] : [channels / 6, channels / 2])])
    const kernels = pick([0, ...KERNEL_COUNTS])
    const options = { kernel: 3, stride: pick([1, 2]), groups, activation: pick(ACTIVATIONS) }
    const [height, width] = [1 + Math.floor(random() * 14), 1 + Math.floor(random() * 14)]
    yield { graph: between(channels, options, kernels), height, width, what: `round ${round}` }
  }
}
