import { readFileSync, writeFileSync } from 'node:fs'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openBrowser } from '../browser/page.ts'
import { evaluationOf, type Guess } from './eval-support.ts'
import { dynedge, temporary } from './support.ts'

const { at, clean } = temporary()
let page: Page
let complaints: string[]
let close: () => Promise<void>

const EVIL = '</script><img src=x onerror="document.title=1">'
const few = [
  'cat',
  EVIL,
  'ship',
  'frog',
  'a name that is rather long for a column',
  'dog',
  'horse',
  'deer',
  'bird',
  'truck',
]
const many = Array.from({ length: 200 }, (_, i) => `class ${i}`)
const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Class c is right in 10 + c % 10 of 20 pictures, else taken for the next. */
const guesses = (classes: number) =>
  Array.from({ length: classes * 20 }, (_, i): Guess => {
    const label = Math.floor(i / 20)
    const right = i % 20 < 10 + (label % 10)
    return [label, right ? label : (label + 1) % classes, 0.3 + 0.69 * ((i * 37) % 100) * 0.01]
  })

function write(name: string, labels: string[]): void {
  const mistake = {
    file: `${labels[0]}/1.png`,
    label: labels[0],
    predicted: labels[1],
    probability: 0.987,
    own_probability: 0.01,
  }
  const worst = [
    { ...mistake, thumbnail: PIXEL },
    { ...mistake, file: EVIL },
  ]
  const skipped = [{ file: EVIL, reason: 'the file is empty' }]
  writeFileSync(at(`${name}.json`), JSON.stringify(evaluationOf(labels, guesses(labels.length), { worst, skipped })))
  const { status, errors } = dynedge(['eval', '--merge', at(`${name}.json`), '--html', at(`${name}.html`)])
  if (status !== 0) throw new Error(errors.join('\n'))
}

beforeAll(async () => {
  write('few', few)
  write('many', many)
  ;({ page, complaints, close } = await openBrowser())
})
afterAll(async () => {
  await close?.()
  clean()
})
beforeEach(() => page.setViewport({ width: 1200, height: 900 }))

const open = (name: string) => page.goto(`file://${at(`${name}.html`)}`)
const textOf = (selector: string) => page.$eval(selector, (element) => element.textContent!.replaceAll('\u00a0', ' '))
const press = async (...keys: string[]) => {
  for (const key of keys) await page.keyboard.press(key as 'Enter')
}

test('One file: nothing is fetched, labels are text', async () => {
  const asked: string[] = []
  const listen = (request: { url(): string }) => asked.push(request.url())
  page.on('request', listen)
  await open('few')
  page.off('request', listen)
  expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([`file://${at('few.html')}`])
  expect(await page.title()).toMatch(/^dy-mobile: \d+\.\d\d % top-1$/)
  expect(await page.$$eval('img', (images) => images.map(({ src }) => src))).toEqual([PIXEL])
  expect(await textOf('.pictures')).toContain(EVIL)
  expect(await textOf('.files')).toContain(EVIL)
  expect(readFileSync(at('few.html'), 'utf8')).not.toContain(EVIL)
})

describe('Ten classes', () => {
  test('the matrix is a table with heads and numbers', async () => {
    await open('few')
    const rows = await page.$$eval('#heat-table tbody tr', (rows) =>
      rows.map((row) => [...row.children].map(({ textContent }) => textContent)),
    )
    const counts = few.map(() => few.map(() => 0))
    for (const [label, predicted] of guesses(few.length)) counts[label][predicted] += 1
    expect(rows).toEqual(few.map((label, i) => [label, ...counts[i].map(String)]))
    expect(
      await page.$$eval('#heat-table thead th[scope=col]', (heads) => heads.map((head) => head.textContent)),
    ).toEqual(few)
  })

  test('pointer and arrow keys say what a cell is; Enter and the list choose a class', async () => {
    await open('few')
    await page.hover('#heat-table tbody tr:nth-child(3) td:nth-of-type(4)')
    expect(await textOf('#readout')).toBe('ship, taken for frog: 8 of 20 (40.0 %)')
    await page.focus('#heat-table td[tabindex="0"]')
    await press('ArrowUp', 'ArrowLeft')
    expect(await textOf('#readout')).toBe('cat, named right: 10 of 20 (50.0 %)')
    await press('ArrowDown', 'ArrowDown', 'ArrowRight', 'Enter')
    expect(await textOf('#readout')).toBe(`ship, taken for ${EVIL}: 0 of 20 (0.0 %)`)
    expect(await page.$eval('#class-choice', (choice) => (choice as HTMLSelectElement).value)).toBe('2')
    expect(await textOf('#taken-for')).toBe('frog8')
    expect(await textOf('#taken-for-it')).toBe(`${EVIL}9`)
    expect(await page.$$('#heat-table td[tabindex="0"]')).toHaveLength(1)
    await page.select('#class-choice', '3')
    expect(await textOf('#taken-for')).toBe(`${few[4]}7`)
  })

  test('columns sort, and say so', async () => {
    await open('few')
    const section = 'table[class=sortable]:has(meter)'
    const column = (n: number) =>
      page.$$eval(`${section} tbody tr`, (rows, n) => rows.map((row) => row.children[n].textContent!.trim()), n)
    expect(await column(0)).toEqual(few)
    await page.click(`${section} th:nth-child(2) button`)
    const shares = (await column(1)).map(Number.parseFloat)
    expect(shares).toEqual([95, 90, 85, 80, 75, 70, 65, 60, 55, 50])
    await page.focus(`${section} th:nth-child(2) button`)
    await press('Enter')
    expect((await column(1)).map(Number.parseFloat)).toEqual([...shares].reverse())
    await page.click(`${section} th:nth-child(1) button`)
    expect(await column(0)).toEqual([...few].sort(new Intl.Collator('en').compare))
    expect(await page.$$eval(`${section} th[aria-sort]`, (heads) => heads.map((head) => head.ariaSort))).toEqual([
      'ascending',
    ])
  })

  test('without scripts the numbers are there', async () => {
    await page.setJavaScriptEnabled(false)
    await open('few')
    await page.setJavaScriptEnabled(true)
    expect(await page.$$('#heat-table td.hit')).toHaveLength(10)
    expect(await page.$eval('#readout', (readout) => (readout as HTMLElement).offsetHeight)).toBe(0)
    expect(await page.$$('svg .bin')).not.toHaveLength(0)
  })
})

describe('Two hundred classes', () => {
  /** Share of the drawing's pixels that are not its background. */
  const drawn = () =>
    page.$eval('#heat-canvas', (element) => {
      const canvas = element as HTMLCanvasElement
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      let inked = 0
      for (let i = 3; i < data.length; i += 4) if (data[i] > 60) inked += 1
      return inked / (data.length / 4)
    })

  test('the matrix is drawn, and pointer and keys move over it', async () => {
    await open('many')
    await page.waitForFunction('document.getElementById("heat-canvas").width > 300')
    const share = await drawn()
    // The diagonal and the cells beside it: 400 of 40,000 cells.
    expect(share).toBeGreaterThan(0.006)
    expect(share).toBeLessThan(0.03)
    const box = (await (await page.$('#heat-canvas'))!.boundingBox())!
    await page.mouse.move(box.x + (box.width * 58.5) / 200, box.y + (box.height * 57.5) / 200)
    expect(await textOf('#readout')).toBe('class 57, taken for class 58: 3 of 20 (15.0 %)')
    await page.focus('#heat-canvas')
    await press('ArrowLeft')
    expect(await textOf('#readout')).toBe('class 57, named right: 17 of 20 (85.0 %)')
    await page.keyboard.down('Shift')
    await press('ArrowRight')
    expect(await textOf('#readout')).toMatch(/^class 57, taken for class 58: /)
    await press('ArrowRight')
    await page.keyboard.up('Shift')
    expect(await textOf('#readout')).toMatch(/^class 57, taken for class 58: /)
    await press('Enter')
    expect(await textOf('#taken-for')).toBe('class 583')
    expect(await textOf('#taken-for-it')).toBe('class 564')
  })
})

test.each(['few', 'many'])('%s: fits 360 pixels, light and dark', async (name) => {
  await page.setViewport({ width: 360, height: 700 })
  const colours: string[] = []
  for (const value of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }])
    await open(name)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    colours.push(await page.$eval('html', (element) => getComputedStyle(element).backgroundColor))
  }
  expect(new Set(colours).size).toBe(2)
})

test('A part without pictures has a page as well', async () => {
  writeFileSync(at('none.json'), JSON.stringify(evaluationOf(few, [])))
  expect(dynedge(['eval', '--merge', at('none.json'), '--html', at('none.html')]).status).toBe(0)
  await open('none')
  expect(await textOf('main')).toContain('There was no picture to evaluate.')
})

test('Nothing was complained of', () => {
  expect(complaints).toEqual([])
})
