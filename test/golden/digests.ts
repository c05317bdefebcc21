// Which variants meet the digests of test/fixtures/int8 in the Node that runs this. Started by tools/digests.mjs.
import { Placed } from '../helpers/run.ts'
import { instantiate, variants } from '../helpers/wasm.ts'
import { digestOf, goldenFiles, goldenNetwork, goldenPicture, readGolden } from './int8.ts'

console.log(`Node ${process.versions.node}, V8 ${process.versions.v8}, ${process.arch}`)
let wrong = 0
for (const file of goldenFiles()) {
  const golden = readGolden(file)
  const { graph, state } = goldenNetwork(golden)
  for (const { name, bytes } of variants()) {
    const placed = new Placed(await instantiate(bytes), graph, state, 'int8', golden.height, golden.width)
    for (const { seed, digest } of golden.pictures) {
      placed.run(goldenPicture(golden, seed))
      const found = await digestOf(placed.read(graph.outputs.logits))
      if (found !== digest) ++wrong
      console.log(`${file} ${name} picture ${seed}: ${found === digest ? 'equal' : `${found}, expected ${digest}`}`)
    }
  }
}
console.log(wrong ? `${wrong} differ` : 'all equal')
process.exitCode = wrong ? 1 : 0
