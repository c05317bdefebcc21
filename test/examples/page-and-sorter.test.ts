import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ElementHandle } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBrowser } from '../browser/page.ts'
import { serveFolder } from '../models-package/serve.ts'
import { type Name, type Packed, pack, ROOT, unpack } from '../package/support.ts'
import { copyExample } from './support.ts'

let packed: Packed
const sample = (name: string) => join(ROOT, 'samples', name)

// Both find the packages above them; what npm itself does with the archives is for test/package/new-app.test.ts.
beforeAll(() => {
  packed = pack('dynedge', 'dynedge-models')
  for (const [name, archive] of Object.entries(packed.archives) as [Name, string][])
    unpack(archive, name, packed.folder)
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies))
    symlinkSync(join(ROOT, 'node_modules', name), join(packed.folder, 'node_modules', name), 'junction')
}, 120_000)
afterAll(() => packed?.clean())

test('page: names a photograph that is chosen, and says what is none', async () => {
  const folder = copyExample('page', packed.folder)
  symlinkSync(join(packed.folder, 'node_modules'), join(folder, 'node_modules'), 'junction')
  const { origin, close: stop } = await serveFolder(folder)
  const { page, complaints, close } = await openBrowser()
  try {
    await page.goto(`${origin}/`)
    const file = (await page.waitForSelector('#file:enabled')) as ElementHandle<HTMLInputElement>
    const says = (text: string) =>
      page.waitForFunction(`document.querySelector('#status').textContent.includes(${JSON.stringify(text)})`, {
        polling: 100,
      })
    await says('Knows 200 things.')
    await file.uploadFile(sample('red-panda-1.jpg'))
    await says('red-panda-1.jpg: lesser panda.')
    expect(await page.$$eval('#answers li', (items) => items.map(({ textContent }) => textContent))).toEqual([
      expect.stringMatching(/^lesser panda, 9\d %$/),
      ...Array(4).fill(expect.stringMatching(/, \d+ %$/)),
    ])
    expect(await page.$eval('#picture', (picture) => (picture as HTMLImageElement).hidden)).toBe(false)
    await file.uploadFile(join(folder, 'README.md'))
    await says('README.md cannot be classified.')
    expect(await page.$$('#answers li')).toEqual([])
    expect(complaints).toEqual([])
  } finally {
    await close()
    stop()
  }
}, 120_000)

describe('folder-sorter', () => {
  let app: string
  let photographs: string
  const sort = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['sort.js', ...args], { cwd: app, encoding: 'utf8' })
    return { status, lines: stdout.trim().split('\n'), stderr }
  }
  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort()

  beforeAll(() => {
    app = copyExample('folder-sorter', packed.folder)
  })

  const PHOTOGRAPHS = ['broken.jpg', 'espresso-1.jpg', 'hog-1.jpg', 'notes.txt', 'red-panda-1.jpg']
  test('a dry run says what would be done, and does nothing', () => {
    photographs = join(packed.folder, 'photographs')
    mkdirSync(photographs)
    for (const name of ['espresso-1.jpg', 'hog-1.jpg', 'red-panda-1.jpg'])
      copyFileSync(sample(name), join(photographs, name))
    for (const name of ['broken.jpg', 'notes.txt']) writeFileSync(join(photographs, name), 'no picture')
    const { status, lines, stderr } = sort(photographs, '--dry-run')
    expect(lines).toEqual([
      expect.stringMatching(/^broken\.jpg +cannot be read: /),
      expect.stringMatching(/^espresso-1\.jpg +\d\d % {2}espresso {2}-> {2}espresso\/espresso-1\.jpg$/),
      expect.stringMatching(/^hog-1\.jpg +\d\d % {2}\w+, not sure enough$/),
      expect.stringMatching(/^red-panda-1\.jpg +\d\d % {2}lesser panda {2}-> {2}lesser panda\/red-panda-1\.jpg$/),
      '',
      '2 would be moved, 1 unsure, 1 unreadable',
    ])
    expect([status, stderr]).toEqual([1, ''])
    expect(filesIn(photographs)).toEqual(PHOTOGRAPHS)
  })

  test('--copy --to leaves the photographs where they are, and never overwrites', () => {
    const to = join(packed.folder, 'sorted')
    const args = [photographs, '--copy', '--to', to, '--at-least', '0.9', '--model', 'dy-mobile-200']
    expect(sort(...args).lines.at(-1)).toMatch(/ copied, /)
    const first = filesIn(to)
    expect(first).toContain(join('lesser panda', 'red-panda-1.jpg'))
    expect(first).not.toContain(join('hog', 'hog-1.jpg'))
    sort(...args)
    expect(filesIn(to)).toEqual(expect.arrayContaining([...first, join('lesser panda', 'red-panda-1 (2).jpg')]))
    expect(filesIn(photographs)).toEqual(PHOTOGRAPHS)
  })

  test('moves what it is sure of; a second run has nothing left to do', () => {
    rmSync(join(photographs, 'broken.jpg'))
    expect(sort(photographs)).toMatchObject({ status: 0, stderr: '' })
    expect(filesIn(photographs)).toEqual(
      [join('espresso', 'espresso-1.jpg'), 'hog-1.jpg', join('lesser panda', 'red-panda-1.jpg'), 'notes.txt'].sort(),
    )
    expect(sort(photographs).lines.at(-1)).toBe('0 moved, 1 unsure, 0 unreadable')
  })

  test('says what is wrong with its options', () => {
    expect(sort().stderr).toMatch(/^sort: expected one folder, got 0/)
    expect(sort(join(photographs, 'nowhere')).stderr).toMatch(/^sort: ENOENT: .*nowhere/)
    expect(sort(photographs, '--at-least', '50').stderr).toMatch(/--at-least is 50, expected 0 to 1/)
    expect(sort(photographs, '--model', 'cat').stderr).toMatch(/--model is cat, expected a path or one of dy-mobile/)
    expect(sort(photographs, '--fly')).toMatchObject({ status: 1, stderr: expect.stringMatching(/--fly/) })
    expect(existsSync(join(photographs, 'hog-1.jpg'))).toBe(true)
  })
})
