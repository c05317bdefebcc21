// npx tsx test/golden/make-int8.ts: writes test/fixtures/int8 with the plain reference.
import { rmSync, writeFileSync } from 'node:fs'
import { seededState } from '../../src/graph/parameters.ts'
import { buildNetwork, NETWORKS } from '../../src/networks/index.ts'
import { rangeGroups } from '../../src/pack/quantize-graph.ts'
import { runReference } from '../../src/reference.ts'
import { runInt8Reference } from '../../src/reference-int8.ts'
import { digestOf, GOLDEN_FOLDER, goldenFiles, goldenNetwork, goldenPicture, type Int8Golden } from './int8.ts'

const SEED = 20205
const SIDE = 64
const PICTURES = [1, 2]

/** Random kernels of a dynamic network add up: with larger weights its values leave float32 behind. */
const gainsOf = (network: string) => ({ coefficients: 1.5, weights: network.startsWith('dy') ? 0.6 : 0.9 })

/** Least number with 8 bits of mantissa that is not below `value`: exact in float32, short in the file. */
function rounded(value: number): number {
  const unit = 2 ** (Math.floor(Math.log2(value)) - 7)
  return Math.ceil(value / unit) * unit
}

async function make(network: string, bits: 7 | 8): Promise<Int8Golden> {
  const golden: Int8Golden = {
    network,
    bits,
    seed: SEED,
    gains: gainsOf(network),
    height: SIDE,
    width: SIDE,
    quantization: {},
    pictures: [],
  }
  const float = buildNetwork(network)
  const state = seededState(float, SEED, golden.gains)
  const tensors = runReference(float, state, 'f32', goldenPicture(golden, PICTURES[0]), SIDE, SIDE)
  const top = 2 ** bits - 1
  for (const group of rangeGroups(float)) {
    const values = group.flatMap((tensor) => [...tensors.get(tensor)!.data])
    const low = values.reduce((least, value) => Math.min(least, value), 0)
    const high = values.reduce((most, value) => Math.max(most, value), 0)
    const scale = rounded((high - low) / top)
    golden.quantization[group[0]] = [scale, Math.round(-low / scale)]
  }
  const { graph } = goldenNetwork(golden)
  for (const seed of PICTURES) {
    const result = runInt8Reference(graph, state, goldenPicture(golden, seed), SIDE, SIDE)
    const logits = Float32Array.from(result.get(graph.outputs.logits)!.data)
    golden.pictures.push({ seed, logits: [...logits.subarray(0, 4)], digest: await digestOf(logits) })
  }
  return golden
}

for (const file of goldenFiles()) rmSync(new URL(file, GOLDEN_FOLDER))
for (const [name, bits] of [
  ...NETWORKS.map((network) => [network, 7] as const),
  ['dy-shuffle', 8] as const,
  ['mobilenetv2', 8] as const,
]) {
  const golden = await make(name, bits)
  const file = `${name}${bits === 8 ? '-8-bits' : ''}.json`
  writeFileSync(new URL(file, GOLDEN_FOLDER), `${JSON.stringify(golden)}\n`)
  console.log(file, golden.pictures.map(({ logits }) => logits.join(' ')).join(' | '))
}
