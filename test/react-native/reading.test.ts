import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, randomFrom } from '../bundle/support.ts'
import { temporary } from '../native/support.ts'
import type { Line } from './app/engine.ts'
import { builtHost, bundled, ran } from './host.ts'

const folder = temporary()
const MEGABYTE = 1 << 20
const file = randomBytes(2.5 * MEGABYTE + 1, randomFrom(1))
let host: string
let script: string
let path: string

beforeAll(async () => {
  host = builtHost()
  script = await bundled('app/reading.ts', folder)
  path = folder.write('file.bin', file)
}, 600_000)

afterAll(() => folder.clean())

// The module goes before React Native's runtime or after it.
describe.each(['module', 'runtime'])('the end of an app: first the %s', (first) => {
  let lines: Line[]
  const line = (what: string) => lines.find((found) => found.what === what)!

  beforeAll(() => {
    const given = folder.write(`${first}.json`, JSON.stringify([path, `${path}.not`, dirname(path), first]))
    lines = ran(host, [script, given, path]).map((text) => JSON.parse(text))
  })

  test('every wrong argument is refused with a code and a message', () => {
    const wrong = lines.filter(({ what }) => /^(openFile|decodeBase64|packageName|read)\(/.test(what))
    expect(wrong).toHaveLength(31)
    for (const { what, gave, code, message, isError } of wrong) {
      expect([gave, code, isError], what).toEqual([undefined, 'bad-input', true])
      expect(message, what).toMatch(/expected|no absolute path/)
    }
    expect(line('openFile(NaN)').message).toBe('openFile got NaN, expected an absolute path.')
    expect(line('read(one)').message).toBe('read got 1 arguments, expected 0.')
  })

  test('a file is read through a megabyte', () => {
    expect(line('size').gave).toBe(file.length)
    expect(line('buffer').gave).toBe(MEGABYTE)
    expect(line('the same buffer').gave).toBe(true)
    expect(line('all of it').gave).toEqual({ steps: [MEGABYTE, MEGABYTE, MEGABYTE / 2 + 1, 0], same: true })
    expect(line('past the end').gave).toBe(0)
    expect(line('twenty at once').gave).toBe(true)
    expect(line('JavaScript goes on meanwhile').gave).toEqual(['called', 'opened'])
  })

  test('one read at a time, none after close', () => {
    expect(line('read beside a read')).toMatchObject({ code: 'usage', message: expect.stringMatching(/being read/) })
    expect(line('the read that was under way when it was closed').gave).toBe(MEGABYTE)
    expect(line('read after close')).toMatchObject({ code: 'usage', message: expect.stringMatching(/closed/) })
    expect([line('descriptors').gave, line('descriptors of both').gave]).toEqual([0, 0])
  })

  test('what cannot be opened says why', () => {
    expect(line('a missing file')).toMatchObject({ code: 'not-found', message: 'no such file' })
    expect(line('a folder')).toMatchObject({ code: 'bad-input', message: 'a directory, expected a bundle file' })
  })

  test('base64', () => {
    expect(line('base64 of every length').gave).toEqual([])
    expect(line('base64 of every byte').gave).toBe(true)
    const wrong = lines.filter(({ what }) => what.startsWith('no base64'))
    expect(wrong).toHaveLength(14)
    for (const { what, gave, code, message } of wrong) {
      expect([gave, code], what).toEqual([undefined, 'bad-input'])
      expect(message, what).toMatch(/wrong from character \d+ on/)
    }
    expect(line('no base64: "AB C"').message).toMatch(/character 2 on/)
    expect(line('no base64: "ABCDE"').message).toMatch(/character 4 on/)
  })

  test('the app has a name', () => {
    // That of its process, which on Android is the name of its package.
    expect(line('package').gave).toBe(host)
  })
})
