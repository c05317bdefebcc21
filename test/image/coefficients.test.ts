import { describe, expect, test } from 'vitest'
import { bilinearTaps, ONE } from '../../src/image/coefficients.ts'

/** [first tap, weights] of every sample. */
function list(sourceSize: number, resizedSize: number, from = 0, to = resizedSize): [number, number[]][] {
  const { first, count, weights } = bilinearTaps(sourceSize, resizedSize, from, to)
  let at = 0
  return Array.from(first, (start, i) => {
    at += count[i]
    return [start, [...weights.subarray(at - count[i], at)]]
  })
}

describe('bilinear taps', () => {
  test('equal sizes copy', () => {
    for (const [i, [first, weights]] of list(5, 5).entries()) {
      expect(weights.length <= 2 && weights[i - first]).toBe(ONE)
      expect(weights.reduce((sum, weight) => sum + weight)).toBe(ONE)
    }
  })

  test('halving: triangle 1 3 3 1, cut at the edges', () => {
    const unit = ONE / 8
    expect(list(8, 4)).toEqual([
      [0, [3, 3, 1].map((weight) => Math.round((weight * ONE) / 7))],
      [1, [1, 3, 3, 1].map((weight) => weight * unit)],
      [3, [1, 3, 3, 1].map((weight) => weight * unit)],
      [5, [1, 3, 3].map((weight) => Math.round((weight * ONE) / 7))],
    ])
  })

  test('doubling: quarters between neighbours, edges copied', () => {
    const weightsOf = list(2, 4).map(([first, weights]) => [0, 1].map((j) => (weights[j - first] ?? 0) / ONE))
    expect(weightsOf).toEqual([
      [1, 0],
      [0.75, 0.25],
      [0.25, 0.75],
      [0, 1],
    ])
  })

  test('a range is a part of the whole', () => {
    expect(list(97, 31, 10, 20)).toEqual(list(97, 31).slice(10, 20))
  })

  test('any sizes: windows move forward inside the source, weights are positive and sum to one', () => {
    for (const sourceSize of [1, 2, 3, 10, 97, 640, 6000])
      for (const resizedSize of [1, 2, 3, 10, 96, 97, 224, 341, 1000]) {
        const { first, count, weights, most } = bilinearTaps(sourceSize, resizedSize, 0, resizedSize)
        let at = 0
        for (let i = 0; i < resizedSize; i++) {
          const last = first[i] + count[i]
          expect(first[i]).toBeGreaterThanOrEqual(i ? first[i - 1] : 0)
          expect(last).toBeLessThanOrEqual(sourceSize)
          expect(last).toBeGreaterThanOrEqual(i ? first[i - 1] + count[i - 1] : 1)
          let sum = 0
          for (let j = 0; j < count[i]; j++) sum += weights[at++]
          expect(Math.abs(sum - ONE)).toBeLessThanOrEqual(count[i] / 2)
        }
        expect(at).toBe(weights.length)
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0)
        expect(most).toBe(Math.max(...count))
      }
  })
})
