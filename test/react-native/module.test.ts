import { afterAll, beforeAll, expect, test } from 'vitest'
import { instantiate, readWasm } from '../helpers/wasm.ts'
import { temporary } from '../native/support.ts'
import type { Line } from './app/engine.ts'
import { builtHost, bundled, ran } from './host.ts'

const folder = temporary()
let lines: Line[]
const line = (what: string) => lines.find((found) => found.what === what)!

beforeAll(async () => {
  lines = ran(builtHost(), [await bundled('app/module.ts', folder)]).map((text) => JSON.parse(text))
}, 600_000)

afterAll(() => folder.clean())

test('memory is whole pages, and stays the same buffer', () => {
  expect(line('pages').gave).toBe(1_048_576)
  expect(line('the same buffer').gave).toBe(true)
})

test('there are the functions that the module exports, and they take as many numbers', async () => {
  const { exports } = await instantiate(readWasm('simd'))
  const functions = Object.entries(exports).filter(([, value]) => typeof value === 'function')
  expect(line('counts').gave).toEqual(Object.fromEntries(functions.map(([name, { length }]) => [name, length])))
})

test('every wrong argument of every method is refused with a code and a message that says what was passed', () => {
  const wrong = lines.filter(({ what }) => /^(instantiate\(|count |argument )/.test(what))
  expect(wrong.length).toBeGreaterThan(800)
  for (const { what, gave, code, message, isError } of wrong) {
    expect([gave, code, isError], what).toEqual([undefined, 'bad-input', true])
    expect(message, what).toMatch(/expected/)
  }
  expect(line('argument crc32c 1 a function').message).toBe(
    'crc32c: argument 2 is a function, expected an integer from -2147483648 to 4294967295.',
  )
  expect(line('argument f32_quantise_row 3 1e300').message).toMatch(/1e\+300, expected a finite float32/)
  expect(line('instantiate(NaN)').message).toMatch(/got NaN, expected an integer of bytes from \d+ to 4294901760/)
})

test('an instance has the threads that it is asked for', () => {
  expect(line('threads').gave).toEqual([1, 1, 3, 16])
})

test('a trap is an error, and the next call works', () => {
  expect(line('checksum').gave).toBe('e3069283')
  for (const what of ['trap', 'trap by a negative address'])
    expect(line(what)).toMatchObject({
      code: 'trap',
      message: 'The module trapped in crc32c: access outside its memory.',
    })
  expect(line('checksum after the trap').gave).toBe('e3069283')
  expect(line('a wrong program').gave).toBe(true)
})

test('what was disposed of has given its memory back and refuses calls', () => {
  expect(line('a call after dispose')).toMatchObject({ code: 'disposed', isError: true })
  expect(line('memory after dispose').gave).toBe(0)
  expect(line('100 instances of 64 MB').gave).toBe('done')
})

test('a hundred instances, each with a memory of its own', () => {
  expect(line('100 instances at once').gave).toBe(true)
})

test('an app without the native part is told so', () => {
  expect(line('a module of another name').gave).toBe(null)
  expect(line('load without the native part')).toMatchObject({ code: 'not-linked' })
  expect(line('load without the native part').message).toMatch(/Expo Go.*development build.*pod install/)
})

test('a call is timed', () => {
  expect(line('microseconds a call').gave).toBeGreaterThan(0)
})
