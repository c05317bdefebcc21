import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { checkedBundles } from '../api/bundles.ts'
import { CHECKS, type Place } from '../api/checks.ts'
import { LABELS, load } from '../helpers/bundles.ts'
import { temporary } from '../native/support.ts'
import { BUILT, builtHost, bundled, ran } from './host.ts'

// The same checks as in Node, on what `npm run build` makes for React Native, in an engine without WebAssembly, on the C that the kernels are
// translated to.

const folder = temporary()
const bundles = checkedBundles()
const place: Place = {
  load,
  bundles,
  labels: LABELS,
  variant: 'simd',
  address: 'https://example.com/small.safetensors',
}
let lines: Record<string, { error?: string; exact?: number[]; near?: number[] }>

beforeAll(async () => {
  const host = builtHost()
  const script = await bundled('app/network.ts', folder, 'android', BUILT)
  const { small, seven, headless, damaged, forged, int8 } = bundles
  const files = Object.entries({ small, seven, headless, damaged, forged, int8, labels: JSON.stringify(LABELS) })
  const printed = ran(host, [script, ...files.map(([name, data]) => folder.write(name, data))])
  lines = Object.fromEntries(printed.map((line) => JSON.parse(line)).map((line) => [line.name, line]))
  vi.stubGlobal('fetch', async (address: string) =>
    address.endsWith('.not') ? new Response(null, { status: 404 }) : new Response(bundles.small as BodyInit),
  )
}, 600_000)

afterAll(() => {
  vi.unstubAllGlobals()
  folder.clean()
})

test('the engine has neither WebAssembly nor TextDecoder', () => {
  expect(lines.engine).toMatchObject({ wasm: 'undefined', decoder: 'undefined' })
})

test.each(Object.keys(CHECKS))('a network in React Native: %s', async (name) => {
  expect(lines[name]?.error).toBeUndefined()
  expect(lines[name]).toBeDefined()
  const { exact = [], near = [] } = await CHECKS[name](place)
  expect(lines[name].exact ?? []).toEqual(exact)
  const found = lines[name].near ?? []
  expect(found).toHaveLength(near.length)
  found.forEach((value, index) => {
    expect(Math.abs(value - near[index]), `${value}, in Node ${near[index]}`).toBeLessThanOrEqual(1e-5)
  })
})
