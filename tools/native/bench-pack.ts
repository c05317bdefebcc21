// Bundles with random weights and a program, and a picture, for tools/native/bench.mjs.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addPrograms } from '../../src/host/programs.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { integerBundle, seededBundle, seededTensor } from '../../test/helpers/bundles.ts'

const [folder, side, networks, precisions] = process.argv.slice(2)
const size = Number(side)
for (const network of networks.split(','))
  for (const precision of precisions.split(',')) {
    const graph = buildNetwork(network)
    const bundle = precision === 'int8' ? integerBundle(graph, null) : seededBundle(graph, precision as Precision, null)
    writeFileSync(join(folder, `${network}-${precision}.safetensors`), addPrograms(bundle, [[size, size]]))
  }
writeFileSync(join(folder, 'picture.f32'), seededTensor(size, size).data)
