import { describe, expect, test } from 'vitest'
import { DynedgeError } from '../../src/errors.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { buildNetwork, NETWORKS } from '../../src/networks/index.ts'
import { ARENA_ALIGNMENT, type Life, placeTensors } from '../../src/plan/arena.ts'
import { keepKernels } from '../../src/plan/keep.ts'
import { assignLanes } from '../../src/plan/lanes.ts'
import { pictureBytes } from '../../src/plan/pictures.ts'
import { type Plan, type PlanOptions, planNetwork } from '../../src/plan/plan.ts'
import { type Precision, weightLayouts, weightTensors } from '../../src/plan/weights.ts'
import { randomFrom, seed } from '../helpers/wasm.ts'

/** Plans with every weight where a bundle would have it. */
function plan(graph: Graph, precision: Precision, height: number, width: number, options?: PlanOptions): Plan {
  const places = new Map<string, { offset: number; bytes: number }>()
  let end = 0
  for (const layout of weightLayouts(graph))
    for (const { name, dtype, elements } of weightTensors(layout, precision)) {
      const bytes = Math.ceil((elements * (dtype === 'F32' ? 4 : 1)) / 64) * 64
      places.set(name, { offset: end, bytes })
      end += bytes
    }
  return planNetwork(graph, precision, places, end, height, width, options)
}

describe('arena', () => {
  test('never lets two living tensors share a byte, and wastes little', () => {
    const random = randomFrom(seed)
    for (let round = 0; round < 300; ++round) {
      const lives: Life[] = Array.from({ length: 1 + Math.floor(random() * 40) }, () => {
        const first = Math.floor(random() * 30)
        return { bytes: 1 + Math.floor(random() ** 3 * 5000), first, last: first + Math.floor(random() * 8) }
      })
      const { offsets, bytes } = placeTensors(lives)
      lives.forEach((a, i) => {
        expect(offsets[i] % ARENA_ALIGNMENT).toBe(0)
        expect(offsets[i] + a.bytes).toBeLessThanOrEqual(bytes)
        lives.forEach((b, j) => {
          const together = i < j && a.first <= b.last && b.first <= a.last
          const apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i]
          if (together && !apart) expect.fail(`${i} and ${j} overlap, round ${round} SEED=${seed}`)
        })
      })
      const needed = Math.max(
        ...Array.from({ length: 40 }, (_, step) =>
          lives.reduce((sum, { first, last, bytes }) => sum + (first <= step && step <= last ? bytes : 0), 0),
        ),
      )
      expect(bytes, `round ${round} SEED=${seed}`).toBeLessThan(1.8 * needed + lives.length * ARENA_ALIGNMENT)
    }
  })
})

describe.each(NETWORKS)('%s', (name) => {
  const graph = buildNetwork(name, { classes: 10 })

  test.each(['f32', 'w8'] as Precision[])(
    '%s: tensors that are alive together lie apart at every step',
    (precision) => {
      const { steps, tensors, arenaBytes } = plan(graph, precision, 96, 72)
      const lives = new Map(
        tensors
          .filter(({ base }) => base === 'arena')
          .map((tensor) => [tensor.name, { ...tensor, first: Infinity, last: -1 }]),
      )
      steps.forEach(({ operands }, step) => {
        for (const tensor of Object.values(operands)) {
          const life = lives.get(tensor)
          if (!life) continue
          life.first = Math.min(life.first, step)
          life.last = step
        }
      })
      lives.get(graph.input)!.first = 0
      for (const tensor of Object.values(graph.outputs)) lives.get(tensor)!.last = steps.length
      const all = [...lives.values()]
      for (const a of all) {
        expect(a.offset + a.bytes).toBeLessThanOrEqual(arenaBytes)
        for (const b of all) {
          const together = a !== b && a.first <= b.last && b.first <= a.last
          if (together && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes)
            expect.fail(`${a.name} and ${b.name} overlap`)
        }
      }
    },
  )

  test('lanes hold every channel once, and padding -1; taps hold every index of a row once', () => {
    for (const [tensor, lanes] of assignLanes(graph)) {
      expect(lanes.length % 4, tensor).toBe(0)
      const channels = lanes.filter((lane) => lane >= 0).sort()
      expect(channels, tensor).toEqual(Int32Array.from(channels.keys()))
      expect(lanes.length - channels.length, tensor).toBeLessThan(tensor.endsWith('.coef') ? lanes.length / 2 + 1 : 8)
    }
    for (const { node, taps, lanes, block } of weightLayouts(graph)) {
      const used = taps.filter((tap) => tap >= 0).sort()
      expect(used, node.name).toEqual(Int32Array.from(used.keys()))
      const row = node.op === 'conv' ? (node.input.channels / node.groups) * node.kernel ** 2 : node.input.channels
      expect(used.length, node.name).toBe(row)
      expect(lanes.length, node.name).toBeGreaterThanOrEqual(4)
      expect([1, 2, 3]).toContain(block)
    }
  })

  test('steps name only tensors that are placed, pictures have room for their frame', () => {
    const { steps, tensors, pictures, program } = plan(graph, 'w8', 64, 64)
    const names = new Map(tensors.map((tensor) => [tensor.name, tensor]))
    for (const { label, operands } of steps)
      for (const tensor of Object.values(operands)) expect(names.has(tensor), `${label}: ${tensor}`).toBe(true)
    for (const [tensor, picture] of pictures) expect(names.get(tensor)!.bytes, tensor).toBe(pictureBytes(picture))
    expect(program.length % 4).toBe(0)
  })
})

test.each(NETWORKS)('%s: steps that may run beside each other share no tensor, and theirs lie apart', (name) => {
  const { steps, tensors } = plan(buildNetwork(name, { classes: 10 }), 'w8', 96, 72, { threads: true })
  const arena = new Map(tensors.filter(({ base }) => base === 'arena').map((tensor) => [tensor.name, tensor]))
  let group: typeof steps = []
  let besides = 0
  for (const step of steps) {
    if (!step.words.Beside) group = []
    for (const mine of Object.values(step.operands).flatMap((operand) => arena.get(operand) ?? []))
      for (const other of group)
        for (const theirs of Object.values(other.operands).flatMap((operand) => arena.get(operand) ?? [])) {
          const apart = mine.offset + mine.bytes <= theirs.offset || theirs.offset + theirs.bytes <= mine.offset
          if (!apart) expect.fail(`${step.label} ${mine.name} and ${other.label} ${theirs.name}`)
        }
    if (group.length) ++besides
    group.push(step)
  }
  expect(steps[0].words.Beside).toBe(undefined)
  expect(besides).toBeGreaterThan(10)
})

test('Dy-mobile takes at most 4 MB beside its weights at 224 x 224', () => {
  expect(plan(buildNetwork('dy-mobile'), 'f32', 224, 224).arenaBytes).toBeLessThan(4 * 2 ** 20 - 256 * 1024)
})

test.each(['dy-mobile', 'dy-shuffle'])('%s: kernels that are kept lie in bytes that nothing else uses', (name) => {
  const graph = buildNetwork(name, { classes: 10 })
  const plain = plan(graph, 'f32', 96, 72)
  const { steps, tensors, arenaBytes, keeps } = plan(graph, 'f32', 96, 72, { keep: keepKernels(0.5, DynedgeError) })
  expect([plain.keeps, keeps]).toEqual([false, true])
  expect(steps.map(({ label }) => label)).toEqual(plain.steps.map(({ label }) => label))
  const fusions = steps.filter(({ kernel }) => kernel.does === 'fuse')
  const arena = tensors.filter(({ base }) => base === 'arena')
  for (const { operands, words, floats } of fusions) {
    expect([words.Keeps, floats?.Tolerance]).toEqual([1, 0.5])
    for (const lasting of [operands.Kept, operands.Out, operands.Side]) {
      const { offset, bytes } = arena.find((tensor) => tensor.name === lasting)!
      const sharing = arena.filter((other) => offset < other.offset + other.bytes && other.offset < offset + bytes)
      expect(sharing.map((tensor) => tensor.name)).toEqual([lasting])
      expect(offset + bytes).toBeLessThanOrEqual(arenaBytes)
    }
  }
  expect(fusions.length).toBe(graph.nodes.filter((node) => node.op === 'conv' && node.dynamic).length)
})

test('a picture smaller than a window is refused by name; every larger one is planned', () => {
  const graph = buildNetwork('dy-shuffle', { classes: 10 })
  expect(() => plan(graph, 'f32', 0, 64)).toThrow(/smaller than its/)
  for (const side of [1, 2, 3, 7, 31, 33, 64, 224, 225])
    expect(plan(graph, 'f32', side, 40).pictures.get('logits')!.shape.channels).toBe(10)
})

test('equal arguments give equal programs', () => {
  const graph = buildNetwork('dy-mobile', { classes: 10 })
  expect(plan(graph, 'w8', 64, 64).program).toEqual(
    plan(buildNetwork('dy-mobile', { classes: 10 }), 'w8', 64, 64).program,
  )
  expect(plan(graph, 'w8', 64, 64).program).not.toEqual(plan(graph, 'w8', 64, 65).program)
})
