import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { KERNELS } from '../../src/kernels.ts'
import { instantiate, variants } from '../helpers/wasm.ts'
import { CASES, randomGraphs } from './cases.ts'
import { compareIntegers, type Options, used } from './compare-int8.ts'

/** Every case runs in one of them. */
const OPTIONS: Options[] = [
  { bits: 7, mood: 'ordinary' },
  { bits: 7, mood: 'largest' },
  { bits: 8, mood: 'ordinary' },
  { bits: 7, mood: 'dead' },
  { bits: 7, mood: 'saturated' },
  { bits: 8, mood: 'largest' },
  { bits: 7, mood: 'biased' },
]

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  test.each(Object.entries(CASES))('%s', (_, cases) => {
    let turn = 0
    for (const each of cases()) compareIntegers(backend, each, OPTIONS[turn++ % OPTIONS.length])
  })

  test.each(OPTIONS)('random graphs, $bits bits, $mood weights', (options) => {
    for (const each of randomGraphs()) compareIntegers(backend, each, options)
  })

  test.each(['lift', 'mid', 'out', 'c.coef'])('%s kept in float32', (kept) => {
    let turn = 0
    for (const each of randomGraphs()) {
      if (!each.graph.nodes.some(({ name }) => name === kept)) continue
      compareIntegers(backend, each, { ...OPTIONS[turn++ % OPTIONS.length], keep: [kept] })
    }
  })
})

test('every integer kernel of the table has run', () => {
  const integer = KERNELS.filter(({ dtype }) => dtype === 'i8').map(({ name }) => name)
  expect([...used].filter((name) => name.startsWith('i8_')).sort()).toEqual(integer.sort())
})
