import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { NETWORKS } from '../../src/networks/index.ts'
import { Placed } from '../helpers/run.ts'
import { instantiate, variants } from '../helpers/wasm.ts'
import { digestOf, goldenFiles, goldenNetwork, goldenPicture, readGolden } from './int8.ts'

// The plain reference meets the same digests in test/reference/int8.test.ts, an arm64 processor in test/golden/arm64.ts.

test('there is a fixture for every network, and for 8-bit activations; no two pictures have the same logits', () => {
  const goldens = goldenFiles().map(readGolden)
  for (const network of NETWORKS) expect(goldens.map((golden) => golden.network)).toContain(network)
  expect(new Set(goldens.map(({ bits }) => bits))).toEqual(new Set([7, 8]))
  const digests = goldens.flatMap(({ pictures }) => pictures.map(({ digest }) => digest))
  expect(digests.length).toBe(2 * goldens.length)
  expect(new Set(digests).size).toBe(digests.length)
})

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  test.each(goldenFiles())('%s', async (file) => {
    const golden = readGolden(file)
    const { graph, state } = goldenNetwork(golden)
    const placed = new Placed(backend, graph, state, 'int8', golden.height, golden.width)
    for (const { seed, logits, digest } of golden.pictures) {
      placed.run(goldenPicture(golden, seed))
      const found = placed.read(graph.outputs.logits)
      expect([...found.subarray(0, logits.length)], `picture ${seed}`).toEqual(logits)
      expect(await digestOf(found), `picture ${seed}`).toBe(digest)
    }
  })
})
