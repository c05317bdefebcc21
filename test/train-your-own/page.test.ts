import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ElementHandle, Page } from 'puppeteer-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openBrowser } from '../browser/page.ts'
import { LABELS, ROOT, temporary, writeBundleFile } from '../cli/support.ts'
import { type Served, serveFolder } from '../models-package/serve.ts'
import { writePictures } from './pictures.ts'

// examples/train-your-own with a bundle of random weights; doc.test.ts has it with trained ones.
const { folder, at, clean } = temporary()
let page: Page
let complaints: string[]
let close: () => Promise<void>
let server: Served
let photo: string

beforeAll(async () => {
  const site = at('site')
  cpSync(join(ROOT, 'examples', 'train-your-own'), site, { recursive: true })
  const scripts = readdirSync(join(ROOT, 'dist')).filter((file) => file.startsWith('browser.'))
  for (const file of [...scripts, 'dynedge.simd.wasm', 'dynedge.relaxed.wasm'])
    cpSync(join(ROOT, 'dist', file), join(site, file))
  writeBundleFile(join(site, 'photos.w8.safetensors'), 'dy-mobile', 'w8')
  mkdirSync(at('without'))
  for (const file of ['index.html', 'app.js', 'style.css', ...scripts]) cpSync(join(site, file), at(`without/${file}`))
  ;[photo] = (await writePictures(at('photos'), 1, 3)).values().next().value!
  writeFileSync(at('text.jpg'), 'This is no picture.\n')
  server = await serveFolder(folder)
  ;({ page, complaints, close } = await openBrowser())
  // A camera that films a canvas: every machine has one, and it needs no permission.
  await page.evaluateOnNewDocument(() => {
    navigator.mediaDevices.getUserMedia = async () => {
      const canvas = document.createElement('canvas')
      const context = canvas.getContext('2d')!
      setInterval(() => {
        context.fillStyle = 'red'
        context.fillRect(0, 0, 300, 150)
      }, 30)
      return canvas.captureStream()
    }
  })
})
afterAll(async () => {
  await close?.()
  server?.close()
  clean()
})
beforeEach(() => {
  complaints.length = 0
})

const text = (selector: string) => page.$eval(selector, (element) => element.textContent!.trim())
const visible = (selector: string) => page.$eval(selector, (element) => element.checkVisibility())

async function openPage(path = 'site/'): Promise<void> {
  await page.goto(`${server.origin}/${path}`)
  await page.waitForFunction(`document.getElementById('progress').hidden`)
}

async function choose(file: string): Promise<void> {
  const before = await text('#status')
  const input = (await page.$('#file')) as ElementHandle<HTMLInputElement>
  await input.uploadFile(file)
  await page.waitForFunction(`document.getElementById('status').textContent.trim() !== ${JSON.stringify(before)}`)
}

test('A chosen photograph is shown and named, the likeliest class first', async () => {
  await openPage()
  expect(await text('#status')).toBe(`Knows 4 things: cat, dog, ship, and frog.`)
  await choose(photo)
  const answers = await page.$$eval('#answers li', (items) => items.map((item) => item.firstChild!.textContent!))
  expect(answers).toHaveLength(3)
  for (const answer of answers) expect(LABELS).toContain(answer)
  expect(await text('#status')).toMatch(new RegExp(`^${answers[0]}, [\\d.]+ %, in \\d+ ms\\.$`))
  const shares = await page.$$eval('meter', (meters) => meters.map((meter) => meter.value))
  expect(shares).toEqual([...shares].sort((a, b) => b - a))
  expect(await visible('#picture')).toBe(true)
  expect(complaints).toEqual([])
})

test('What is no picture is said so, and the next one works', async () => {
  await openPage()
  await choose(at('text.jpg'))
  expect(await text('#status')).toMatch(/^text\.jpg cannot be classified\. /)
  expect([await visible('#picture'), await text('#answers')]).toEqual([false, ''])
  await choose(photo)
  expect(await page.$$('#answers li')).toHaveLength(3)
})

test('A missing bundle is said so', async () => {
  await openPage('without/')
  expect(await text('#status')).toMatch(/^The network cannot be loaded\. .*404/)
  expect(await page.$eval('#camera', (button) => (button as HTMLButtonElement).disabled)).toBe(true)
})

test('The camera is classified until it is stopped', async () => {
  await openPage()
  await page.click('#camera')
  await page.waitForSelector('#answers li')
  expect([await visible('#video'), await text('#camera')]).toEqual([true, 'Stop the camera'])
  expect(await page.$eval('#camera', (button) => button.getAttribute('aria-pressed'))).toBe('true')
  await page.click('#camera')
  expect([await visible('#video'), await text('#camera')]).toEqual([false, 'Use the camera'])
  expect(complaints).toEqual([])
})

test('By keyboard alone: both controls are reached, seen and work', async () => {
  await openPage()
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.id')).toBe('file')
  expect(await page.$eval('label', (label) => getComputedStyle(label).outlineStyle)).toBe('solid')
  const asked = page.waitForFileChooser()
  await page.evaluate('document.activeElement.id') // a round trip: by now the browser gives dialogs to the test
  await page.keyboard.press('Space')
  await (await asked).accept([photo])
  await page.waitForSelector('#answers li')
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.id')).toBe('camera')
  expect(await page.$eval('#camera', (button) => getComputedStyle(button).outlineStyle)).toBe('solid')
  await page.keyboard.press('Space')
  await page.waitForFunction(`document.getElementById('camera').textContent === 'Stop the camera'`)
})

test.each(['light', 'dark'])('360 pixels wide and %s: nothing sticks out, and text stands out', async (scheme) => {
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  await page.setViewport({ width: 360, height: 740 })
  await openPage()
  await choose(photo)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
  const contrasts = await page.evaluate(() => {
    const luminance = (colour: string) => {
      const [r, g, b] = colour.match(/[\d.]+/g)!.map((value) => {
        const share = Number(value) / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ground = getComputedStyle(document.body).backgroundColor
    return [...document.querySelectorAll('h1, #status, li span, .note, .button')].map((element) => {
      const { color, backgroundColor } = getComputedStyle(element)
      const behind = backgroundColor === 'rgba(0, 0, 0, 0)' ? ground : backgroundColor
      const [low, high] = [luminance(color), luminance(behind)].sort((a, b) => a - b)
      return {
        what: element.outerHTML.slice(0, 60),
        dark: luminance(ground) < 0.2,
        ratio: (high + 0.05) / (low + 0.05),
      }
    })
  })
  expect(contrasts.length).toBeGreaterThan(8)
  for (const { what, ratio, dark } of contrasts) {
    expect(ratio, what).toBeGreaterThan(4.5)
    expect(dark).toBe(scheme === 'dark')
  }
})
