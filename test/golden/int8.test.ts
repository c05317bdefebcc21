import { describe, expect, test } from 'vitest'
import { NETWORKS } from '../../src/networks/index.ts'
import { Placed } from '../helpers/run.ts'
import { instantiate, variants } from '../helpers/wasm.ts'
import { digestOf, goldenFiles, goldenNetwork, goldenPicture, readGolden } from './int8.ts'

// The plain reference meets the same digests in test/reference/int8.test.ts; other processors with tools/digests.mjs.

test('there is a fixture for every network, and for 8-bit activations; no two pictures have the same logits', () => {
  const goldens = goldenFiles().map(readGolden)
  for (const network of NETWORKS) expect(goldens.map((golden) => golden.network)).toContain(network)
  expect(new Set(goldens.map(({ bits }) => bits))).toEqual(new Set([7, 8]))
  const digests = goldens.flatMap(({ pictures }) => pictures.map(({ digest }) => digest))
  expect(digests.length).toBe(2 * goldens.length)
  expect(new Set(digests).size).toBe(digests.length)
})

describe.each(goldenFiles())('%s', (file) => {
  const golden = readGolden(file)
  const { graph, state } = goldenNetwork(golden)

  test.each(variants())('$name', async ({ bytes }) => {
    const placed = new Placed(await instantiate(bytes), graph, state, 'int8', golden.height, golden.width)
    for (const { seed, logits, digest } of golden.pictures) {
      placed.run(goldenPicture(golden, seed))
      const found = placed.read(graph.outputs.logits)
      expect([...found.subarray(0, logits.length)], `picture ${seed}`).toEqual(logits)
      expect(await digestOf(found), `picture ${seed}`).toBe(digest)
    }
  })
})
