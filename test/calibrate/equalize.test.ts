import { beforeAll, describe, expect, test } from 'vitest'
import { collect } from '../../src/calibrate/collect.ts'
import { equalizablePairs, equalize } from '../../src/calibrate/equalize.ts'
import { foldedState } from '../../src/calibrate/folded.ts'
import { Runner } from '../../src/calibrate/runner.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { runReference } from '../../src/reference.ts'
import { graphOf, lift } from '../kernels/graphs.ts'
import { calmState, kernels, pictures, SIZE } from './support.ts'

let module: WebAssembly.Module
beforeAll(async () => {
  module = await kernels()
})

const names = (graph: Graph) => equalizablePairs(graph).map(({ first, second }) => `${first.name} ${second.name}`)

describe('Where it applies', () => {
  test('Dy-shuffle: inside of the branches', () => {
    const pairs = names(buildNetwork('dy-shuffle', { width: 0.5, kernels: 2 }))
    expect(pairs.slice(0, 4)).toEqual([
      's2.0.L.dw s2.0.L.pw',
      's2.0.R.pw1 s2.0.R.dw',
      's2.0.R.dw s2.0.R.pw2',
      's2.1.R.pw1 s2.1.R.dw',
    ])
    expect(pairs.filter((pair) => /stem|conv5/.test(pair))).toEqual([])
  })

  test('MobileNetV2: only results without activation that nobody adds', () => {
    expect(names(buildNetwork('mobilenetv2', {}))).toEqual(['s1.0.project s2.0.expand', 's7.0.project last'])
  })

  test.each<[string, () => Graph]>([
    ['relu6', () => graphOf((net) => ({ b: net.conv('b', net.conv('a', net.image, 8, { activation: 'relu6' }), 8) }))],
    [
      'two readers',
      () =>
        graphOf((net) => {
          const a = lift(net, 8, 'a')
          return { b: net.conv('b', a, 8), c: net.conv('c', a, 8) }
        }),
    ],
    [
      'added',
      () =>
        graphOf((net) => {
          const a = lift(net, 8, 'a')
          return { b: net.conv('b', a, 8, { residual: a }) }
        }),
    ],
    [
      'an output',
      () =>
        graphOf((net) => {
          const a = lift(net, 8, 'a')
          return { a, b: net.conv('b', a, 8) }
        }),
    ],
    ['a part of it', () => graphOf((net) => ({ b: net.conv('b', { ...lift(net, 8, 'a'), from: 4, channels: 4 }, 8) }))],
  ])('Not through %s', (_, graph) => expect(names(graph())).toEqual([]))
})

test.each([
  ['dy-shuffle', { width: 0.5, kernels: 2, classes: 10 }],
  ['mobilenetv2', { width: 0.35, classes: 10 }],
] as const)('%s: the same answers, more even channels', (name, options) => {
  const graph = buildNetwork(name, options)
  const state = calmState(graph)
  const some = pictures(3)
  const folded = foldedState(graph, state)
  const look = () => collect(new Runner(module, graph, folded, 'f32', SIZE), some)
  const before = look()
  const scaled = equalize(graph, folded, before)
  expect(scaled).toEqual(equalizablePairs(graph).map(({ first }) => first.name))
  const logits = (weights: typeof state) => runReference(graph, weights, 'f32', some[0], ...SIZE).get('logits')!.data
  const [wanted, got] = [logits(state), logits(folded)]
  const size = Math.max(...wanted.map(Math.abs))
  const furthest = Math.max(...wanted.map((value, i) => Math.abs(got[i] - value)))
  expect(furthest).toBeLessThan(1e-5 * size)
  const after = look()
  const unevenness = (seen: typeof before, tensor: string) => {
    const { reaches } = seen.get(tensor)!
    const used = reaches.filter((reach) => reach > 0)
    return Math.max(...used) / (used.reduce((sum, reach) => sum + reach, 0) / used.length)
  }
  const [first, second] = [before, after].map((seen) =>
    scaled.reduce((sum, tensor) => sum + unevenness(seen, tensor), 0),
  )
  expect(second).toBeLessThan(first)
})
