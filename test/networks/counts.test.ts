import { expect, test } from 'vitest'
import { count } from '../../src/graph/counts.ts'
import { buildNetwork } from '../../src/networks/index.ts'

/** M of the papers. */
const M = 2 ** 20

/** The "counted" columns of the networks' specification, by its counting rule at 224 x 224: parameters and multiply-adds in M. */
const COUNTED: [name: string, kernels: number | undefined, parameters: number | undefined, multiplyAdds: number][] = [
  ['dy-mobile', 1, 2.649, 133.1],
  ['dy-mobile', 2, 3.592, 134.1],
  ['dy-mobile', 4, 5.479, 135.9],
  ['dy-mobile', 6, 7.367, 137.8],
  ['dy-mobile', undefined, 7.367, 137.8],
  ['fix-mobile', undefined, 2.17, 131.2],
  ['dy-shuffle-1.5', undefined, 10.995, 179.8],
  ['dy-shuffle', undefined, undefined, 93.1],
  ['fix-shuffle-1.5', undefined, 2.47, 170.2],
  // torchvision: 3,504,872 and 2,278,604 parameters; ShuffleNetV2's own paper: 144.9 million multiply-adds.
  ['mobilenetv2', undefined, 3_504_872 / M, 286.9],
  ['shufflenetv2', undefined, 2_278_604 / M, 144.9e6 / M],
]

test.each(COUNTED)('%s, g_t %s', (name, kernels, parameters, multiplyAdds) => {
  const counts = count(buildNetwork(name, { kernels }))
  const off = (found: number, expected: number) => Math.abs(found / M / expected - 1)
  if (parameters) expect(off(counts.parameters, parameters)).toBeLessThan(0.005)
  expect(off(counts.multiplyAdds, multiplyAdds)).toBeLessThan(0.025)
})

test('Networks with public weights have exactly their parameters', () => {
  expect(count(buildNetwork('mobilenetv2')).parameters).toBe(3_504_872)
  expect(count(buildNetwork('shufflenetv2')).parameters).toBe(2_278_604)
})

test('The dynamic overhead is fusion, coefficient FC, and an add per pooled element', () => {
  const one = count(buildNetwork('dy-mobile', { kernels: 1 }))
  const fixed = count(buildNetwork('fix-mobile'))
  const block = (name: string) => one.layers.find((layer) => layer.name === name)!
  const ordinary = (name: string) => fixed.layers.find((layer) => layer.name === name)!
  expect(block('s4.1.pw1').multiplyAdds - ordinary('s4.1.pw1').multiplyAdds).toBe(66 * 66)
  expect(block('s4.1.coef').multiplyAdds).toBe(66 * 3 * 66 + 14 * 14 * 66)
})

test('Totals are sums of the layers', () => {
  for (const name of ['dy-mobile', 'dy-shuffle-1.5', 'mobilenetv2']) {
    const { layers, parameters, multiplyAdds } = count(buildNetwork(name))
    expect(layers.reduce((sum, layer) => sum + layer.parameters, 0)).toBe(parameters)
    expect(layers.reduce((sum, layer) => sum + layer.multiplyAdds, 0)).toBe(multiplyAdds)
  }
})
