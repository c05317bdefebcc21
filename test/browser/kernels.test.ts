import type { Server } from 'node:http'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { integerBundle, load, smallBundle } from '../helpers/bundles.ts'
import { openBrowser, serve } from './page.ts'

// net.kernels() with the scripts as they are published, whose internal names are short ones.
const [WIDTH, HEIGHT] = [80, 60]
const data = Array.from({ length: HEIGHT * WIDTH * 3 }, (_, i) => ((i * i) >> 5) & 255)
const bundles = {
  w8: smallBundle('w8'),
  int8: integerBundle(buildNetwork('dy-mobile', { width: 0.5, classes: 10 })),
}
let server: Server
let page: Page
let complaints: string[]
let close: () => Promise<void>

beforeAll(async () => {
  const type = 'application/octet-stream'
  const { server: started, origin } = await serve({
    '/w8': { type, bytes: bundles.w8 },
    '/int8': { type, bytes: bundles.int8 },
  })
  server = started
  ;({ page, complaints, close } = await openBrowser())
  await page.goto(`${origin}/`)
  await page.evaluate(`import('/dist/browser.js').then((sdk) => void Object.assign(globalThis, { sdk }))`)
})
afterAll(async () => {
  await close?.()
  server?.close()
})

test.each([
  ['w8', {}],
  ['w8', { worker: true }],
  ['int8', { worker: true }],
  ['int8', { keepKernels: 0.02 }],
] as const)('%s, %o: the numbers of Node, and the runs after it are undisturbed', async (name, options) => {
  const picture = { data: Uint8Array.from(data), width: WIDTH, height: HEIGHT }
  const here = await load(bundles[name], { variant: 'simd' })
  const all = await here.kernels(picture)
  const layers = [all[2].name, all[10].name]
  const expected = await here.kernels(picture, { layers, fixed: true })
  const seen = await page.evaluate(
    async (name, options, data, [width, height], layers) => {
      const { load } = (globalThis as unknown as { sdk: typeof Dynedge }).sdk
      const net = await load(`/${name}`, { ...options, variant: 'simd' })
      const picture = { data: Uint8Array.from(data), width, height }
      const before = await net.classify(picture)
      const found = await net.kernels(picture, { layers, fixed: true })
      const again = await net.kernels(picture, { layers, fixed: true })
      const after = await net.classify(picture)
      net.dispose()
      const plain = (layers: Dynedge.DynamicLayer[]) =>
        layers.map(({ coefficients, fused, fixed, ...layer }) => ({
          ...layer,
          coefficients: [...coefficients],
          fused: fused && [...fused],
          fixed: fixed && [...fixed],
        }))
      return { before, after, found: plain(found), same: JSON.stringify(plain(again)) === JSON.stringify(plain(found)) }
    },
    name,
    options,
    data,
    [WIDTH, HEIGHT] as const,
    layers,
  )
  expect(seen.after).toEqual(seen.before)
  expect(seen.same).toBe(true)
  expect(seen.found).toHaveLength(expected.length)
  seen.found.forEach((layer, index) => {
    const { coefficients, fused, fixed, ...rest } = expected[index]
    expect(layer).toMatchObject(rest)
    expect(layer.coefficients).toEqual([...coefficients])
    expect(layer.fused).toEqual(fused && [...fused])
    expect(layer.fixed).toEqual(fixed && [...fixed])
  })
  expect(complaints).toEqual([])
})
