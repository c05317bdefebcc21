import { expect, test } from 'vitest'
import { metricsOf, reliability, share } from '../../src/cli/eval/metrics.ts'
import { limited, shardOf } from '../../src/cli/eval/select.ts'
import { type Answer, Tally } from '../../src/cli/eval/tally.ts'

const LABELS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

/** [true class, answer]: three right of five; the fourth is the second best, the last not among five. */
const seen: [number, Answer][] = [
  [0, { top: ranked([0, 1, 2, 3, 4], 0.9), loss: 0.105, own: 0.9 }],
  [0, { top: ranked([0, 1, 2, 3, 4], 0.6), loss: 0.511, own: 0.6 }],
  [1, { top: ranked([1, 0, 2, 3, 4], 0.62), loss: 0.478, own: 0.62 }],
  [1, { top: ranked([0, 1, 2, 3, 4], 0.8), loss: 2.3, own: 0.1 }],
  [6, { top: ranked([0, 1, 2, 3, 4], 1), loss: 9, own: 0.0001 }],
]

function ranked(indices: number[], first: number): Answer['top'] {
  return indices.map((index, i) => [index, i ? (1 - first) / 4 : first])
}

function sumsOf(answers: readonly [number, Answer][]) {
  const tally = new Tally(LABELS.length)
  for (const [label, answer] of answers) tally.add(label, answer)
  return tally.sums()
}

test('Metrics of five answers, by hand', () => {
  const metrics = metricsOf(sumsOf(seen), LABELS)
  expect(metrics).toMatchObject({ images: 5, top1: { correct: 3, share: 0.6 }, top5: { correct: 4, share: 0.8 } })
  expect(metrics.mean_loss).toBeCloseTo((0.105 + 0.511 + 0.478 + 2.3 + 9) / 5, 9)
  expect(metrics.mean_class_accuracy).toBeCloseTo((1 + 0.5 + 0) / 3, 12)
  // Bins of 1/15: 0.6 lies in (8/15, 9/15], 0.62 in the next, 0.8 in (11/15, 12/15], 0.9 and 1 in two more.
  const gaps = [1 - 0.6, 1 - 0.62, 0.8, 1 - 0.9, 1]
  expect(metrics.calibration_error).toBeCloseTo(gaps.reduce((sum, gap) => sum + gap) / 5, 6)
  expect(metrics.confused).toEqual([
    { label: 'b', predicted: 'a', images: 1, share: 0.5 },
    { label: 'g', predicted: 'a', images: 1, share: 1 },
  ])
  expect(metrics.per_class[0]).toEqual({
    ...{ index: 0, label: 'a', images: 2, correct: 2, accuracy: 1, taken_for_it: 2, mistaken_for: null },
  })
  expect(metrics.per_class[1]).toMatchObject({ accuracy: 0.5, mistaken_for: { index: 0, label: 'a', images: 1 } })
  expect(metrics.per_class[2]).toMatchObject({ images: 0, accuracy: null })
})

test('Two answers of one bin are averaged before they are compared', () => {
  const both: [number, Answer][] = [
    [0, { top: ranked([0, 1, 2, 3, 4], 0.91), loss: 0.1, own: 0.91 }],
    [1, { top: ranked([0, 1, 2, 3, 4], 0.93), loss: 2, own: 0.02 }],
  ]
  expect(metricsOf(sumsOf(both), LABELS).calibration_error).toBeCloseTo(0.92 - 0.5, 6)
  const bin = reliability(sumsOf(both)).find(({ images }) => images > 0)!
  expect(bin).toMatchObject({ images: 2, accuracy: 0.5, from: 13 / 15, to: 14 / 15 })
  expect(bin.confidence).toBeCloseTo(0.92, 6)
})

test('Top-5 is not given where it means nothing', () => {
  const tally = new Tally(5)
  tally.add(0, { top: [[1, 0.9]], loss: 1, own: 0.1 })
  expect(metricsOf(tally.sums(), ['a', 'b', 'c', 'd', 'e']).top5).toBeNull()
})

test("Wilson's interval", () => {
  expect(share(8345, 10_000)).toMatchObject({ share: 0.8345 })
  expect(share(8345, 10_000).low).toBeCloseTo(0.8271, 4)
  expect(share(8345, 10_000).high).toBeCloseTo(0.8417, 4)
  expect(share(0, 10).low).toBe(0)
  expect(share(0, 10).high).toBeCloseTo(0.2775, 4)
  expect(share(10, 10).low).toBeCloseTo(0.7225, 4)
  expect(share(10, 10).high).toBeCloseTo(1, 12)
})

test('Sums do not depend on order or parts', () => {
  const answers = Array.from({ length: 500 }, (_, i): [number, Answer] => {
    const confidence = 0.2 + 0.8 * Math.abs(Math.sin(i * 7.1))
    return [i % 7, { top: ranked([(i * 3) % 7], confidence), loss: Math.abs(Math.sin(i)) / 3, own: 0.5 }]
  })
  const whole = sumsOf(answers)
  expect(sumsOf([...answers].reverse())).toEqual(whole)
  const merged = new Tally(LABELS.length)
  for (const index of [3, 1, 2]) merged.addSums(sumsOf(shardOf(answers, { index, of: 3 })))
  expect(merged.sums()).toEqual(whole)
  expect(metricsOf(merged.sums(), LABELS)).toEqual(metricsOf(whole, LABELS))
})

test('Parts are disjoint, cover all, and are of about one size; more parts than files leave some empty', () => {
  const files = Array.from({ length: 103 }, (_, i) => i)
  for (const of of [1, 2, 7, 103, 150]) {
    const parts = Array.from({ length: of }, (_, i) => shardOf(files, { index: i + 1, of }))
    expect(parts.flat().sort((a, b) => a - b)).toEqual(files)
    const sizes = parts.map(({ length }) => length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
  }
})

test('A limit takes from everywhere', () => {
  const files = Array.from({ length: 100 }, (_, i) => i)
  expect(limited(files, 5)).toEqual([0, 20, 40, 60, 80])
  expect(limited(files, 99)).toHaveLength(99)
  expect(new Set(limited(files, 99)).size).toBe(99)
  expect(limited(files, 100)).toEqual(files)
  expect(limited(files)).toEqual(files)
})
