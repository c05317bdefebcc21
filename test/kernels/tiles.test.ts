import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { seededState } from '../../src/graph/parameters.ts'
import { Placed } from '../helpers/run.ts'
import { instantiate, randomFrom, seed, variants } from '../helpers/wasm.ts'
import { CASES } from './cases.ts'

/** Pixels of a pointwise tile that `usePixels` takes; 8 takes the tiles for arm64, in the grouped kernels too. */
const PIXELS = [1, 2, 3, 4, 5, 6, 8]
const NAMES = Object.keys(CASES).filter((name) => /pointwise|shuffles|random|channels per group/.test(name))

describe.each(variants())('$name: tiles of float32 convolutions differ in no bit', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  test.each(NAMES)('%s', (name) => {
    const random = randomFrom(seed)
    for (const { graph, height, width, what } of CASES[name]()) {
      const placed = new Placed(backend, graph, seededState(graph, seed), 'f32', height, width)
      const picture = Float32Array.from({ length: height * width * 3 }, () => random() * 4 - 2)
      const arenaOf = (pixels: number, threads: number) => {
        backend.exports.usePixels(pixels)
        placed.run(picture, threads)
        backend.exports.usePixels(0)
        return placed.arena()
      }
      const expected = arenaOf(0, 1)
      for (const pixels of PIXELS)
        for (const threads of [1, 3])
          if (Buffer.compare(expected, arenaOf(pixels, threads)) !== 0)
            expect.fail(`${pixels} pixels, ${threads} shares: ${what} ${height}x${width} SEED=${seed}`)
    }
  })
})
