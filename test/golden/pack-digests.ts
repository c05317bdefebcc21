// Writes the networks of test/fixtures/int8 as bundles into a folder. Started by tools/digests.mjs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packBundle } from '../../src/pack/pack.ts'
import { INPUT } from '../helpers/bundles.ts'
import { goldenFiles, goldenNetwork, readGolden } from './int8.ts'

const [folder, only = ''] = process.argv.slice(2)
for (const file of goldenFiles().filter((name) => name.startsWith(only))) {
  const { graph, state } = goldenNetwork(readGolden(file))
  const provenance = { weights: 'random' }
  const description = { input: { ...INPUT }, labels: null, quantization: null, provenance, licence: null }
  writeFileSync(join(folder, file.replace('.json', '.safetensors')), packBundle(graph, state, 'int8', description))
}
