// Logits of a bundle for raw pictures of the network's own input size, for dynedge_train.evaluate to compare with PyTorch's:
//   npx tsx models/sdk_logits.ts bundle.safetensors pictures.u8 logits.f32 [simd|relaxed]
// pictures.u8: uint8, NHWC, one after another; logits.f32: float32 [pictures, classes].
import { readFileSync, writeFileSync } from 'node:fs'
import { normaliseTables } from '../src/image/normalise.ts'
import { loader } from '../src/load.ts'
import type { Variant } from '../src/runtime/module.ts'

const [bundle, pictures, output, variant] = process.argv.slice(2)
if (!output) throw new Error('usage: sdk_logits.ts bundle.safetensors pictures.u8 logits.f32 [simd|relaxed]')

const load = loader({
  wasm: async (name) => new Uint8Array(readFileSync(new URL(`../build/${name}.wasm`, import.meta.url))),
})
const net = await load(new Uint8Array(readFileSync(bundle)), { variant: variant as Variant | undefined })
const [height, width] = net.input.size
const bytes = readFileSync(pictures)
const values = height * width * 3
const tables = normaliseTables(net.input)
const data = new Float32Array(values)
const count = bytes.length / values
const logits = new Float32Array(count * net.graph.classes)
for (let picture = 0; picture < count; ++picture) {
  for (let i = 0; i < values; ++i) data[i] = tables[(i % 3) * 256 + bytes[picture * values + i]]
  logits.set(net.runSync({ data, height, width }).logits, picture * net.graph.classes)
  if ((picture + 1) % 1000 === 0) process.stderr.write(`${picture + 1} of ${count}\n`)
}
writeFileSync(output, new Uint8Array(logits.buffer))
console.log(JSON.stringify({ network: net.name, precision: net.precision, variant: net.variant, pictures: count }))
