import { expect, test } from 'vitest'
import { count } from '../../src/graph/counts.ts'
import { buildNetwork, NETWORKS } from '../../src/networks/index.ts'
import { dynedge, json } from './support.ts'

test('--json: raw integers of every network', () => {
  const expected = NETWORKS.map((name) => {
    const { parameters, multiplyAdds } = count(buildNetwork(name))
    return { name, parameters, multiply_adds: multiplyAdds }
  })
  expect(json(['networks'])).toEqual({ networks: expected })
})

test('--json of one network: its layers as well', () => {
  const { networks } = json(['networks', 'dy-mobile', '--kernels', '2', '--classes', '10', '--size', '96x64'])
  const { layers, parameters, multiplyAdds } = count(buildNetwork('dy-mobile', { kernels: 2, classes: 10 }), 96, 64)
  expect(networks).toHaveLength(1)
  expect(Object.keys(networks[0])).toEqual(['name', 'parameters', 'multiply_adds', 'layers'])
  expect(networks[0]).toMatchObject({ name: 'dy-mobile', parameters, multiply_adds: multiplyAdds })
  expect(networks[0].layers).toHaveLength(layers.length)
  expect(networks[0].layers[0]).toMatchObject({ name: 'stem', parameters: 928, multiply_adds: 48 * 32 * 32 * 27 })
})

test('For people: counts with their unit', () => {
  const { stdout } = dynedge(['networks'])
  expect(stdout).toMatch(/^network +parameters, M = 2\^20 +millions +multiply-adds, M = 2\^20 +millions$/m)
  expect(stdout).toMatch(/^dy-mobile +7\.367 +7\.724 +137\.798 +144\.492$/m)
})

test('For people: the layer table, with totals', () => {
  const { stdout } = dynedge(['networks', 'dy-shuffle-1.5'])
  expect(stdout).toMatch(/^s2\.0\.R\.dw +conv +88-> +88 k3 s2 g44 +56-> 28 DYN +\d+ +\d+$/m)
  expect(stdout).toMatch(/^parameters +10\.995 M \(2\^20\), 11\.529 million$/m)
})

test('--width without a name leaves out networks with a width of their own', () => {
  const names = json(['networks', '--width', '0.5']).networks.map(({ name }: { name: string }) => name)
  expect(names).toEqual(NETWORKS.filter((name) => !name.includes('1.5')))
})
