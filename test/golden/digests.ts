// Which variants meet the digests of test/fixtures/int8 in the Node that runs this. Started by tools/digests.mjs.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { load } from '../helpers/bundles.ts'
import { variants } from '../helpers/wasm.ts'
import { digestOf, goldenPicture, readGolden } from './int8.ts'

const [folder] = process.argv.slice(2)
console.log(`Node ${process.versions.node}, V8 ${process.versions.v8}, ${process.arch}`)
let wrong = 0
for (const file of readdirSync(folder)) {
  const golden = readGolden(file.replace('.safetensors', '.json'))
  const { height, width } = golden
  for (const { name } of variants()) {
    const network = await load(join(folder, file), { variant: name })
    for (const { seed, digest } of golden.pictures) {
      const { logits } = await network.run({ data: goldenPicture(golden, seed), height, width })
      const found = await digestOf(logits)
      if (found !== digest) ++wrong
      console.log(`${file} ${name} picture ${seed}: ${found === digest ? 'equal' : `${found}, expected ${digest}`}`)
    }
  }
}
console.log(wrong ? `${wrong} differ` : 'all equal')
process.exitCode = wrong ? 1 : 0
