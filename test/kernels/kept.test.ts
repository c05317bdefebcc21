import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { CASES, type Case, randomGraphs } from './cases.ts'
import { FUSED, KEPT, Stream } from './kept-stream.ts'

const PRECISIONS: Precision[] = ['f32', 'w8', 'int8']
const KINDS = ['full 3x3: stride 3', 'depthwise 3x3, stride 1', 'grouped 3x3', 'dynamic pointwise']

/** Graphs of every kind of dynamic layer, with padding lanes and without. */
function* dynamicCases(): Generator<Case> {
  for (const [what, cases] of Object.entries(CASES)) if (KINDS.some((kind) => what.startsWith(kind))) yield* cases()
  yield* randomGraphs()
}

const CHOSEN = [...dynamicCases()].filter(({ graph }) => graph.nodes.some((node) => node.op === 'conv' && node.dynamic))

/** A picture, again, a little brighter, another, and the first. */
function framesOf({ height, width }: Case): Float32Array[] {
  const random = randomFrom(seed)
  const noise = () => Float32Array.from({ length: height * width * 3 }, () => random() * 4 - 2)
  const first = noise()
  return [first, first.slice(), first.map((value) => value + 0.02), noise(), first]
}

describe.each(variants())('$name', ({ bytes }) => {
  const backends = {} as { keeping: Backend; plain: Backend }
  beforeAll(async () => {
    backends.keeping = await instantiate(bytes)
    backends.plain = await instantiate(bytes)
  })

  const count = (stream: Stream, state: number) =>
    stream.fusions.flatMap((step) => stream.states(step)).filter((each) => each === state).length

  describe.each(PRECISIONS)('%s', (precision) => {
    test('tolerance 0: to the bit what a network computes that keeps none, in any number of shares', () => {
      let kept = 0
      for (const each of CHOSEN) {
        const stream = new Stream(backends, each, precision, 0)
        for (const threads of [1, 3]) {
          stream.keeping.forget()
          for (const picture of framesOf(each)) {
            stream.runAlike(picture, threads)
            kept += count(stream, KEPT)
          }
        }
      }
      expect(kept).toBeGreaterThan(CHOSEN.length)
    })

    test('what stands is what plain loops say, fused from the coefficients that are noted', () => {
      let [kept, fused, mixed] = [0, 0, 0]
      for (const [index, each] of CHOSEN.entries()) {
        // Half of them is every kind of layer, and half the time.
        if (index % 2) continue
        const stream = new Stream(backends, each, precision, [0.001, 0.02, 10][(index / 2) % 3])
        for (const picture of framesOf(each)) {
          stream.runChecked(picture)
          kept += count(stream, KEPT)
          fused += count(stream, FUSED)
          for (const step of stream.fusions) if (new Set(stream.states(step)).size > 1) ++mixed
        }
      }
      expect(kept).toBeGreaterThan(CHOSEN.length)
      expect(fused).toBeGreaterThan(CHOSEN.length)
      expect(mixed).toBeGreaterThan(0)
    })
  })

  test('coefficients that are no numbers are fused anew, whatever the tolerance', () => {
    const stream = new Stream(backends, CHOSEN[0], 'f32', Number.POSITIVE_INFINITY)
    const [picture] = framesOf(CHOSEN[0])
    const broken = picture.map(() => Number.NaN)
    const states = [picture, picture, broken, broken, picture, picture].map((frame) => {
      stream.keeping.run(frame)
      return count(stream, KEPT) > 0
    })
    expect(states).toEqual([false, true, false, false, false, true])
  })
})
