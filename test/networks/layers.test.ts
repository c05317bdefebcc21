import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { layerTable } from '../../src/cli/layers.ts'
import { buildNetwork } from '../../src/networks/index.ts'

const table = (name: string) =>
  readFileSync(new URL(`../fixtures/networks/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')

// A projection stands before the convolution that adds it here, after it in the tables: their order within a block is no fact of the network.
test.each([
  ['dy-mobile', 'dy-mobile-1.0', 77],
  ['dy-shuffle', 'dy-shuffle-1.0', 73],
  ['dy-shuffle-1.5', 'dy-shuffle-1.5', 73],
])('%s has the layers of its table, line by line', (name, file, lines) => {
  const expected = table(file)
  const found = layerTable(buildNetwork(name), 224, 224).map((line) => line.trimEnd())
  expect(expected).toHaveLength(lines)
  expect([...found].sort()).toEqual(expected.map((line) => line.trimEnd()).sort())
})

test('Order: shuffle networks are listed as in their tables; so is Dy-mobile without its projections', () => {
  for (const name of ['dy-shuffle-1.0', 'dy-shuffle-1.5'])
    expect(layerTable(buildNetwork(name), 224, 224)).toEqual(table(name))
  const main = (lines: string[]) => lines.filter((line) => !line.includes('.proj '))
  expect(main(layerTable(buildNetwork('dy-mobile'), 224, 224))).toEqual(main(table('dy-mobile-1.0')))
})

test('Sizes that are not square show both sides', () => {
  expect(layerTable(buildNetwork('dy-mobile'), 224, 192)[0]).toBe(
    'stem       conv    3->  32 k3 s2 g1   224x192->112x96 fixed',
  )
})

test('Other widths, classes and g_t', () => {
  const lines = layerTable(buildNetwork('dy-mobile-0.5', { classes: 10, kernels: 2 }), 224, 224)
  expect(lines[1]).toBe('s1.0.coef  coef   16->72')
  expect(lines.at(-1)).toBe('fc         fc 1280->10')
})

test.each([
  ['nope', {}, /No network is called "nope"; there are dy-mobile/],
  ['constructor', {}, /No network is called/],
  ['dy-mobile-0', {}, /width is 0/],
  ['dy-mobile-0.5', { width: 1 }, /width 0.5, but width 1/],
  ['dy-mobile', { classes: 1.5 }, /classes is 1.5/],
  ['dy-mobile', { kernels: 65 }, /kernels \(g_t\) is 65/],
])('%s %o is refused', (name, options, words) => {
  expect(() => buildNetwork(name, options)).toThrow(words)
})
