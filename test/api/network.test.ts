import { afterAll, expect, test, vi } from 'vitest'
import { LABELS, load } from '../helpers/bundles.ts'
import { checkedBundles } from './bundles.ts'
import { CHECKS, type Place } from './checks.ts'

const bundles = checkedBundles()
vi.stubGlobal('fetch', async (address: string) =>
  address.endsWith('.not')
    ? new Response(null, { status: 404 })
    : new Response(bundles.small as BodyInit, { headers: { 'content-type': 'application/octet-stream' } }),
)
afterAll(() => vi.unstubAllGlobals())
const place: Place = {
  load,
  bundles,
  labels: LABELS,
  variant: 'simd',
  address: 'https://example.com/small.safetensors',
}

test.each(Object.keys(CHECKS))('a network in Node: %s', async (name) => {
  const found = await CHECKS[name](place)
  for (const numbers of Object.values(found)) expect(numbers.every(Number.isFinite)).toBe(true)
})
