import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { type Gains, seededState, seededUniform } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { runReference } from '../../src/reference.ts'
import { Placed } from '../helpers/run.ts'
import { instantiate, variants } from '../helpers/wasm.ts'

/** What models/make_fixtures.py writes: PyTorch's float64 results on seeded weights. */
interface Golden {
  network: string
  width: number
  classes: number
  g: number
  seed: number
  gains: Gains
  cases: {
    height: number
    width: number
    logits: number[]
    coefficients?: { block: string; count: number; sum: number; values: number[] }
  }[]
}

const FOLDER = new URL('../fixtures/golden/', import.meta.url)
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.json'))

/** H x W x 3, from the same formula as PyTorch's 3 x H x W. */
function seededPicture(seed: number, height: number, width: number): Float32Array {
  const planes = seededUniform('input', seed, 3 * height * width, (u) => (2 * u - 1) * 2)
  return Float32Array.from(planes, (_, i) => planes[(i % 3) * height * width + Math.floor(i / 3)])
}

/** Largest difference, in parts of the largest expected value; NaN where one is. */
function error(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [most, largest] = [0, 0]
  for (let i = 0; i < expected.length; ++i) {
    most = Math.max(most, Math.abs(found[i] - expected[i]))
    largest = Math.max(largest, Math.abs(expected[i]))
  }
  return most / largest
}

test('there is a fixture for every family', () => {
  expect(FILES.length).toBeGreaterThanOrEqual(10)
})

describe.each(FILES)('%s', (file) => {
  const golden: Golden = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))
  const { network, width, classes, seed } = golden
  const graph = buildNetwork(network, { width, classes, kernels: golden.g })
  const block = golden.cases[0].coefficients?.block
  if (block) graph.outputs.coefficients = `${block}.coef`
  const state = seededState(graph, seed, golden.gains)

  describe.each(variants())('$name', ({ bytes }) => {
    let backend: Backend
    beforeAll(async () => {
      backend = await instantiate(bytes)
    })

    test.each(golden.cases)('f32 equals PyTorch at $height x $width', ({ height, width, logits, coefficients }) => {
      const placed = new Placed(backend, graph, state, 'f32', height, width)
      placed.run(seededPicture(seed, height, width))
      expect(error(placed.read('logits'), logits)).toBeLessThan(1e-4)
      const probabilities = placed.read('probabilities')
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5)
      expect(probabilities.indexOf(Math.max(...probabilities))).toBe(logits.indexOf(Math.max(...logits)))
      if (!coefficients) return
      const eta = placed.read(`${coefficients.block}.coef`)
      expect(eta.length).toBe(coefficients.count)
      expect(error(eta.subarray(0, coefficients.values.length), coefficients.values)).toBeLessThan(1e-5)
      expect(Math.abs(eta.reduce((sum, value) => sum + value, 0) / coefficients.sum - 1)).toBeLessThan(1e-5)
    })

    test.each(golden.cases)(
      'w8 equals the reference with its dequantized weights at $height x $width',
      ({ height, width }) => {
        const picture = seededPicture(seed, height, width)
        const placed = new Placed(backend, graph, state, 'w8', height, width)
        placed.run(picture)
        const expected = runReference(graph, state, 'w8', picture, height, width)
        // A dynamic network's kernels are fused with 16-bit coefficients (6e-4 reached); a fixed one's weights are exact (1.3e-5).
        expect(error(placed.read('logits'), expected.get('logits')!.data)).toBeLessThan(graph.kernels ? 1.5e-3 : 5e-5)
      },
    )
  })

  test('the reference equals PyTorch', () => {
    const [{ height, width, logits }] = golden.cases
    expect(
      error(
        runReference(graph, state, 'f32', seededPicture(seed, height, width), height, width).get('logits')!.data,
        logits,
      ),
    ).toBeLessThan(1e-6)
  })
})
