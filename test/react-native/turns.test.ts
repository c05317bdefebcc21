import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { smallBundle } from '../helpers/bundles.ts'
import { temporary } from '../native/support.ts'
import { builtHost, bundled, ran } from './host.ts'

const folder = temporary()
let host: string
/** What came of each part, by what it tells. */
const parts = new Map<string, Map<string, unknown[]>>()
const toldIn = (part: string) => (what: string) => parts.get(part)?.get(what) ?? []

beforeAll(async () => {
  host = builtHost()
  const printed = ran(host, [await bundled('app/turns.ts', folder), folder.write('small', smallBundle())])
  let part = new Map<string, unknown[]>()
  for (const line of printed) {
    const { what, told } = JSON.parse(line)
    if (what === 'part') {
      part = new Map()
      parts.set(told, part)
    } else part.set(what, [...(part.get(what) ?? []), told])
  }
}, 600_000)

afterAll(() => folder.clean())

describe('calls of a network in React Native', () => {
  test('that overlap take turns, and each gives its own', () => {
    const told = toldIn('calls that overlap take turns, and each gives its own')
    expect(told('order')).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8]])
    expect(told('own')).toEqual([Array(9).fill(true)])
    expect(told('codes')).toEqual([[null, null, null, 'bad-input', null, null, null, null, null]])
    expect(told('profile')[0]).toBeGreaterThan(20)
    expect(told('ms')[0]).toBeGreaterThan(0)
  })

  test('have taken their bytes when they return', () => {
    expect(toldIn('the bytes of a call are its own as soon as it is made')('own')).toEqual([true, true, true])
  })

  test('leave no place for runSync, which says what to do', () => {
    const told = toldIn('runSync beside other calls')
    for (const what of ['meanwhile', 'still'])
      expect(told(what), what).toEqual([
        expect.objectContaining({ code: 'usage', message: expect.stringMatching(/await them first, or use run\(\)/) }),
      ])
    expect(told('describe')).toEqual([{ gave: 'dy-mobile' }])
    expect(told('kept')).toEqual([{ gave: 0 }])
    expect(told('afterwards')).toEqual([true])
  })

  test('let JavaScript go on', () => {
    expect(toldIn('JavaScript goes on while a picture runs')('turns')[0]).toBeGreaterThan(5)
  })

  test('end at once, all of them, when their network is disposed of', () => {
    const told = toldIn('dispose while calls wait and run')
    expect(told('settled at once')).toEqual([4])
    expect(told('codes')).toEqual([Array(4).fill('disposed')])
    expect(told('afterwards')).toEqual(Array(4).fill(expect.objectContaining({ code: 'disposed' })))
    const hundred = toldIn('a hundred networks disposed of at work')
    for (const code of hundred('codes')[0] as string[]) expect(['disposed', 'none']).toContain(code)
    expect(hundred('disposed')[0]).toBeGreaterThanOrEqual(34)
  })

  test('end when their signal says so, under way or waiting, and no other does', () => {
    const told = toldIn('signals')
    expect([told('first'), told('second'), told('third')]).toEqual([['aborted'], ['aborted'], [true]])
    expect(told('listeners')).toEqual([[0, 0, 0]])
    expect(told('before')).toEqual([expect.objectContaining({ code: 'aborted' })])
    for (const what of ['last', 'unmoved', 'the very last']) expect(told(what), what).toEqual([true])
    expect(told('kernels')).toEqual(['aborted'])
  })

  test('that trap are errors, and the next one works', () => {
    const told = toldIn('a trap')
    expect(told('trapped')).toEqual(
      Array(2).fill(
        expect.objectContaining({ code: 'trap', message: expect.stringMatching(/^The module trapped in steps 0 to/) }),
      ),
    )
    expect(told('next')).toEqual([true, true])
  })

  test('may be larger than maxInput between others', () => {
    const told = toldIn('larger pictures between others')
    expect([told('own'), told('more memory')]).toEqual([[true], [true]])
  })

  test('keep kernels from one to the next', () => {
    const told = toldIn('kernels that stand')
    expect(told('own')).toEqual([true])
    const [kept] = told('kept') as number[][]
    expect(kept).toEqual([0, 1, expect.any(Number), expect.any(Number), 1, 0, 1])
  })
})

test.each(['the module with the runtime', 'the runtime first'])(
  'the end, with every thread at work: %s',
  async (first) => {
    const script = await bundled('app/teardown.ts', folder)
    const files = [
      folder.write('small', smallBundle()),
      folder.write('first', first === 'the runtime first' ? '1' : ''),
    ]
    for (let round = 0; round < 2; ++round) expect(ran(host, [script, ...files])).toEqual(['under way'])
  },
)
