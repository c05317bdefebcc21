import { expect, test } from 'vitest'
import { packBundle } from '../../src/pack/pack.ts'
import { quantizePixels, runInt8Reference } from '../../src/reference-int8.ts'
import { goldenNetwork, goldenPicture, readGolden } from '../golden/int8.ts'
import { INPUT, load } from '../helpers/bundles.ts'
import { randomFrom, seed, variants } from '../helpers/wasm.ts'

const golden = readGolden('shufflenetv2.json')
const { graph, state } = goldenNetwork(golden)
const input = { ...INPUT, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as typeof INPUT
const bundle = packBundle(graph, state, 'int8', {
  input: { ...input },
  labels: null,
  quantization: null,
  provenance: { weights: 'random' },
  licence: null,
})

test.each(variants())('$name: RGBA bytes and tensors of any size, to the bit of the reference', async ({ name }) => {
  const network = await load(bundle, { variant: name })
  expect(network.precision).toBe('int8')
  const random = randomFrom(seed)
  const [height, width] = input.size
  const rgba = Uint8ClampedArray.from({ length: height * width * 4 }, () => random() * 256)
  const rgb = Uint8Array.from({ length: height * width * 3 }, (_, i) => rgba[Math.floor(i / 3) * 4 + (i % 3)])
  const stored = quantizePixels(rgb, input, graph.quantization![graph.input])
  const expected = runInt8Reference(graph, state, stored, height, width).get(graph.outputs.logits)!.data
  const { outputs } = await network.classifyFully({ data: rgba, width, height })
  expect([...outputs.logits], `SEED=${seed}`).toEqual([...expected])

  for (const [rows, columns] of [
    [37, 70],
    [96, 33],
  ]) {
    const data = goldenPicture({ height: rows, width: columns }, rows)
    const { logits } = await network.run({ data, height: rows, width: columns })
    const reference = runInt8Reference(graph, state, data, rows, columns).get(graph.outputs.logits)!.data
    expect([...logits], `${rows} x ${columns}`).toEqual([...reference])
  }
})
