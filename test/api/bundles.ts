import { packBundle } from '../../src/pack/pack.ts'
import { editHeader } from '../bundle/support.ts'
import { goldenNetwork, readGolden } from '../golden/int8.ts'
import { INPUT, smallBundle } from '../helpers/bundles.ts'
import type { Bundles } from './checks.ts'

/** What checks.ts loads. */
export function checkedBundles(): Bundles {
  const small = smallBundle()
  const damaged = small.slice()
  damaged[damaged.length - 100] ^= 1
  const { graph, state } = goldenNetwork(readGolden('shufflenetv2.json'))
  return {
    small,
    seven: smallBundle('f32', { classes: 7 }),
    headless: editHeader(small, (_, metadata) => delete metadata.graph.outputs.probabilities),
    damaged,
    forged: editHeader(small, (_, metadata) => Object.assign(metadata, { sha256: '00'.repeat(32) })),
    int8: packBundle(graph, state, 'int8', {
      input: { ...INPUT },
      labels: null,
      quantization: null,
      provenance: { weights: 'random' },
      licence: null,
    }),
  }
}
