import { phone } from './phone.ts'
import './react-native-own.ts'
import { load } from '../../../src/native.ts'
import { type Bundles, CHECKS, type Place } from '../../api/checks.ts'
import { ending, host } from './engine.ts'

// Every check of test/api/checks.ts, a line of JSON for each: its name, and what it gave or threw.

const names = ['small', 'seven', 'headless', 'damaged', 'forged', 'int8'] as const
const bundles = Object.fromEntries(
  names.map((name, index) => [name, new Uint8Array(host.files[index])]),
) as unknown as Bundles
const labels = JSON.parse(String.fromCharCode(...new Uint8Array(host.files[names.length])))
// JavaScriptCore on Linux has it; that of an app has not, nor has Hermes.
Reflect.deleteProperty(globalThis, 'WebAssembly')
const address = 'https://example.com/small.safetensors'
phone.answers.set(address, { bytes: bundles.small })
phone.answers.set(`${address}.not`, { bytes: new Uint8Array(0), status: 404 })
const place: Place = { load, bundles, labels, variant: 'relaxed', address }

async function all() {
  for (const [name, check] of Object.entries(CHECKS)) {
    let found: object
    try {
      found = await check(place)
    } catch (error) {
      found = { error: `${error}\n${(error as Error).stack}` }
    }
    host.print(JSON.stringify({ name, ...found }))
  }
  const net = await load(bundles.small, { maxInput: [8, 8] })
  const none = { wasm: typeof WebAssembly, decoder: typeof globalThis.TextDecoder }
  net.dispose()
  host.print(JSON.stringify({ name: 'engine', ...none }))
}

ending(all())
