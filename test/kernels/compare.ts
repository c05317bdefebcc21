import { expect } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { seededState } from '../../src/graph/parameters.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { runReference } from '../../src/reference.ts'
import { Placed } from '../helpers/run.ts'
import { randomFrom, seed, tolerance } from '../helpers/wasm.ts'
import { fusingErrors } from './fusing-error.ts'

/** Kernels of the table that a comparison has run, by name. */
export const used = new Set<string>()

/** The outputs of `graph` in wasm, in one share and in 2, 3 and 5, against the plain reference. */
export function compare(
  backend: Backend,
  graph: Graph,
  precision: Precision,
  height: number,
  width: number,
  what = '',
): void {
  const context = `${what} ${height}x${width} ${precision} SEED=${seed}`
  const random = randomFrom(seed)
  const picture = Float32Array.from({ length: height * width * 3 }, () => random() * 4 - 2)
  const state = seededState(graph, seed)
  const placed = new Placed(backend, graph, state, precision, height, width)
  for (const { kernel } of placed.plan.steps) used.add(kernel.name)
  placed.run(picture)
  const expected = runReference(graph, state, precision, picture, height, width)
  const layers = graph.nodes.filter((node) => 'params' in node).length
  const fusing = precision === 'w8' ? fusingErrors(graph, state, expected) : undefined
  for (const tensor of Object.values(graph.outputs)) {
    const { data } = expected.get(tensor)!
    const found = placed.read(tensor)
    const magnitude = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
    const bound = tolerance(DEPTH * layers, magnitude) + (fusing?.get(tensor) ?? 0)
    expect(found.length, context).toBe(data.length)
    const wrong = found.findIndex((value, i) => !(Math.abs(value - data[i]) <= bound))
    if (wrong >= 0)
      expect.fail(`${tensor}[${wrong}] is ${found[wrong]}, expected ${data[wrong]} +- ${bound}; ${context}`)
  }
  const arena = placed.arena()
  for (const threads of [2, 3, 5]) {
    placed.run(picture, threads)
    if (Buffer.compare(arena, placed.arena()) !== 0) expect.fail(`${threads} shares differ from one; ${context}`)
  }
}

/** Deepest sum of the graphs here: 162 channels, or 7 x 7 taps of 5. */
const DEPTH = 256
