import { beforeAll, describe, expect, test } from 'vitest'
import { Axis } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { seededState } from '../../src/graph/parameters.ts'
import { buildNetwork, NETWORKS } from '../../src/networks/index.ts'
import { type Bands, inBands } from '../../src/plan/bands.ts'
import { planNetwork } from '../../src/plan/plan.ts'
import { type Precision, weightLayouts, weightTensors } from '../../src/plan/weights.ts'
import { quantized } from '../helpers/quantized.ts'
import { Placed } from '../helpers/run.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { graphOf, lift } from '../kernels/graphs.ts'

/** Bands of `rows` rows, whatever the pictures take. */
const ofRows =
  (rows: number): Bands =>
  (draft, graph, bytesOf) =>
    inBands(draft, graph, bytesOf, 0, rows)

/** A block: a few channels, many, a 3x3 convolution in groups of `members`, few again; with a residual where it may be. */
function block(members: number, stride: number, kernels: number, outputs: string[] = []): Graph {
  return graphOf((net) => {
    const x = lift(net, 8)
    const coefficients = kernels ? net.coefficients('b.coef', x, (48 + 48 + 8) * kernels) : undefined
    const dynamic = (conv: number) => coefficients && { dynamic: { coefficients, from: conv * 48 * kernels, kernels } }
    const wide = net.conv('wide', x, 48, { activation: 'relu6', ...dynamic(0) })
    const options = { kernel: 3, stride, groups: 48 / members, activation: 'relu' as const }
    const narrow = net.conv('narrow', wide, 48, { ...options, ...dynamic(1) })
    const out = net.conv('out', narrow, 8, { ...(stride === 1 && { residual: x }), ...dynamic(2) })
    const made = { wide, narrow }
    // What follows wants a frame: rows of `out` lie apart.
    const end = net.conv('end', out, 5, { kernel: 3 })
    return { out, end, ...Object.fromEntries(outputs.map((name) => [name, made[name as keyof typeof made]])) }
  })
}

/** The 3x3 convolution's steps. */
const spatial = ({ plan }: Placed) =>
  plan.steps.filter(({ label, words }) => /^narrow\b/.test(label) && words.Kernel === 3 && words.Axis === Axis.Rows)

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  test.each(['f32', 'w8', 'int8'] as Precision[])('%s: bands of any number of rows change no bit', (precision) => {
    const random = randomFrom(seed)
    for (const members of [1, 2, 6])
      for (const stride of [1, 2])
        for (const kernels of [0, 2])
          for (const [height, width] of [
            [17, 7],
            [33, 12],
          ]) {
            const plain = block(members, stride, kernels)
            const state = seededState(plain, seed)
            const graph = precision === 'int8' ? quantized(plain, state, 16, seed) : plain
            const picture = Float32Array.from({ length: height * width * 3 }, () => random() * 4 - 2)
            const outputs = (placed: Placed) => Object.values(graph.outputs).map((name) => placed.read(name))
            const whole = new Placed(backend, graph, state, precision, height, width)
            whole.run(picture)
            expect(spatial(whole)).toHaveLength(1)
            const want = outputs(whole)
            for (const rows of [1, 2, 3, 5]) {
              const context = `${[members, stride, kernels]} ${height}x${width}, ${rows} rows, SEED=${seed}`
              const placed = new Placed(backend, graph, state, precision, height, width, undefined, ofRows(rows))
              const steps = spatial(placed)
              expect(steps.length, context).toBe(Math.ceil(Math.ceil(height / stride) / rows))
              const sum = steps.reduce((all, { multiplyAdds }) => all + multiplyAdds, 0)
              expect(sum, context).toBeCloseTo(spatial(whole)[0].multiplyAdds, 3)
              for (const shares of [1, 2, 3]) {
                placed.run(picture, shares)
                expect(outputs(placed), context).toEqual(want)
              }
            }
          }
  })

  test('a middle that is an output stays whole', () => {
    for (const outputs of [[], ['wide'], ['narrow']]) {
      const graph = block(1, 1, 0, outputs)
      const placed = new Placed(backend, graph, seededState(graph, seed), 'f32', 24, 24, undefined, ofRows(2))
      expect(spatial(placed), `${outputs}`).toHaveLength(outputs.length ? 1 : 12)
    }
  })
})

/** Bytes of the arena at a square input. */
function arena(name: string, precision: Precision, side: number, bands?: Bands): number {
  const graph = buildNetwork(name)
  const tensors = weightLayouts(graph).flatMap((layout) => weightTensors(layout, precision))
  const places = new Map(tensors.map((tensor) => [tensor.name, { offset: 0, bytes: 2 ** 30 }]))
  return planNetwork(graph, precision, places, 2 ** 30, side, side, { bands }).arenaBytes
}

test.each(NETWORKS)('%s: bands never cost memory', (name) => {
  for (const side of [96, 224, 448]) {
    const [whole, banded] = [undefined, inBands].map((bands) => arena(name, 'f32', side, bands))
    expect(banded, `${side}`).toBeLessThanOrEqual(whole)
  }
})

test('MobileNetV2 takes at most 4 MB beside its weights at 224 x 224, 6 MB whole', () => {
  expect(arena('mobilenetv2', 'f32', 224, inBands)).toBeLessThan(4 * 2 ** 20)
  expect(arena('mobilenetv2', 'f32', 224)).toBeGreaterThan(5.5 * 2 ** 20)
})
