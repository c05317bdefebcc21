import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporary } from '../native/support.ts'
import type { Line } from './app/engine.ts'
import { builtHost, bundled, ran } from './host.ts'

const folder = temporary()
let lines: Line[]
const line = (what: string) => lines.find((found) => found.what === what)!
const digestOf = (bytes: Uint8Array) => [...createHash('sha256').update(bytes).digest()]
const pattern = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255)

beforeAll(async () => {
  lines = ran(builtHost(), [await bundled('app/later.ts', folder)]).map((text) => JSON.parse(text))
}, 600_000)

afterAll(() => folder.clean())

test('every wrong argument is refused at once, with a code and a message that says what was passed', () => {
  const wrong = lines.filter(({ what }) => what.startsWith('wrong '))
  expect(wrong).toHaveLength(3 * (3 + 2 * 16) + 6 + 1)
  for (const { what, gave, code, message, isError } of wrong) {
    expect([gave, code, isError], what).toEqual([undefined, 'bad-input', true])
    expect(message, what).toMatch(/expected/)
  }
  for (const name of ['runLater', 'timesLater', 'digestLater']) expect(line(`length ${name}`).gave).toBe(2)
  expect(line('wrong runLater 1 a function').message).toBe(
    'runLater: argument 2 is a function, expected an integer from -2147483648 to 4294967295.',
  )
  expect(line('wrong digestLater(1, -1)').message).toBe(
    'digestLater got 4294967295 bytes at 1, expected them in a memory of 1048576 bytes.',
  )
  expect(line('cancel of nothing').gave).toBe(null)
  expect(line('is right after all that').gave).toEqual(digestOf(new Uint8Array(0)))
})

test('without a program there is a status, as from exports.run', () => {
  for (const what of ['no program', 'a turned range', 'a negative one'])
    expect(line(what).gave, what).toBeGreaterThan(0)
  expect(line('no times')).toMatchObject({ code: 'bad-program', isError: true })
})

test('digests of messages around the length of a block, and of a piece, are those of node:crypto', () => {
  const found = lines.filter(({ what }) => /^digest \d/.test(what))
  expect(found).toHaveLength(16)
  for (const { what, gave } of found) expect(gave, what).toEqual(digestOf(pattern(Number(what.slice(7)))))
  expect(line('digest to the end').gave).toEqual(digestOf(pattern(2 ** 20 - 500_000)))
})

test('while another thread is at work every call is refused, and JavaScript goes on', () => {
  const busy = lines.filter(({ what }) => what.startsWith('busy '))
  expect(busy).toHaveLength(5)
  for (const { what, code, message } of busy) {
    expect(code, what).toBe('usage')
    expect(message).toMatch(/await its promise first, or cancel/)
  }
  for (const what of ['still under way', 'JavaScript goes on meanwhile']) expect(line(what).gave, what).toBe(true)
  expect(line('the first one').gave).toHaveLength(32)
  expect(line('free again').gave).toEqual(expect.any(Number))
})

test('cancel and dispose end what is under way; memory goes when no thread uses it', () => {
  expect(line('cancelled')).toMatchObject({ code: 'aborted', isError: true })
  expect(line('after cancel').gave).toEqual(digestOf(new Uint8Array(1)))
  expect(line('disposed of meanwhile')).toMatchObject({ code: 'disposed', isError: true })
  for (const what of ['a call after dispose', 'a job after dispose']) expect(line(what).code, what).toBe('disposed')
  expect(line('cancel after dispose').gave).toBe(null)
  expect(line('memory after dispose').gave).toBe(0)
})

test('instances that nobody holds work to their end; a hundred at once, each with a memory of its own', () => {
  expect(line('instances that nobody holds').gave).toBe(1)
  expect(line('100 instances at once').gave).toBe(100)
  expect(line('and again').gave).toBe(true)
  // 0: left alone, 1: cancelled, 2: disposed of. One that was cancelled late is done.
  const ends = line('how they ended').gave as string[]
  expect(ends).toContain('0 undefined')
  for (const end of ends) expect(end).toMatch(/^(0 undefined|1 (aborted|undefined)|2 (disposed|undefined))$/)
})

test('a call is timed', () => {
  for (const microseconds of line('microseconds to start, and until it is answered').gave as number[])
    expect(microseconds).toBeGreaterThan(0)
})
