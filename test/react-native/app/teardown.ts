import { load } from '../../../src/native.ts'
import { furnish, host } from './engine.ts'

// The runtime ends while every thread is at work and more waits. `first` says what goes first.

furnish()
const [bundle, first] = host.files.map((bytes) => new Uint8Array(bytes))
const module = host.__turboModuleProxy('Dynedge')!

async function all() {
  const data = new Float32Array(320 * 320 * 3)
  const nets = await Promise.all(Array.from({ length: 6 }, () => load(bundle, { maxInput: [320, 320] })))
  const never = () => host.print('a promise was settled')
  const [disposed, ...others] = nets
  disposed.run({ data, height: 320, width: 320 }).catch(() => {})
  disposed.dispose()
  for (const net of others) {
    for (let i = 0; i < 3; ++i) net.run({ data, height: 320, width: 320 }).then(never, never)
    net.profile().then(never, never)
  }
  for (let i = 0; i < 20; ++i)
    module
      .instantiate(2 ** 25)
      .digestLater(0, 2 ** 25)
      .then(never, never)
  host.print('under way')
  host.end(first.length ? 'runtime' : undefined)
}

all().catch((error) => host.print(`${error}`))
