// node app.js ADDRESS: what an app in Node, Deno or Bun does; prints its answers. ADDRESS is that of the bundle on a server.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { load } from 'dynedge'
import { load as loadInline } from 'dynedge/inline'
import url, { info } from 'dynedge-models/dy-mobile-cifar10/int8'

const picture = { data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) >> 5), width: 64, height: 64 }
const tensor = {
  data: Float32Array.from({ length: 64 * 48 * 3 }, (_, i) => ((i * i) % 97) / 24 - 2),
  height: 64,
  width: 48,
}

async function answer(load, bundle, options = {}) {
  const net = await load(bundle, options)
  const top = await net.classify(picture)
  const { logits } = await net.run(tensor)
  const digest = createHash('sha256').update(new Uint8Array(logits.buffer)).digest('hex')
  const { variant, threads } = net
  net.dispose()
  return { top, digest, variant, threads }
}

const refused = (error) => ({ code: error.code, message: error.message })
const { integrity } = info
const answers = {
  here: await answer(load, url, { integrity }),
  served: await answer(load, process.argv[2]),
  bytes: await answer(load, await readFile(new URL(url))),
  worker: await answer(load, url, { worker: true, integrity }),
  threads: await answer(load, url, { threads: 2 }),
  both: await answer(load, url, { threads: 2, worker: true }),
  inline: await answer(loadInline, await readFile(new URL(url))),
  missing: await load(new URL('nothing.safetensors', url), { worker: true }).catch(refused),
}
console.log(JSON.stringify(answers))

// Networks that nobody disposes of keep no process alive.
for (const options of [{ worker: true }, { threads: 2 }]) await (await load(url, options)).run(tensor)
