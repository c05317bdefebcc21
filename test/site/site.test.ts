import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { ElementHandle, Page } from 'puppeteer-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  becomes,
  builtSite,
  faultsOf,
  named,
  openDemo,
  PATIENCE,
  type Site,
  textOf,
  type Visit,
  visit,
} from './support.ts'

let site: Site
let here: Visit
let page: Page
const sample = (name: string) => join(site.folder, 'samples', `${name}.jpg`)

beforeAll(async () => {
  site = await builtSite()
  here = await visit(site.folder)
  page = here.page
}, 240_000)
afterAll(async () => {
  await here?.close()
  site?.clean()
})
beforeEach(() => {
  here.complaints.length = here.asked.length = 0
})
afterEach(() => {
  expect(here.complaints).toEqual([])
})

describe('the build', () => {
  test('has what the pages need, and no more', () => {
    const others = site.files.filter((file) => !/^(dynedge|networks|samples)\//.test(file))
    expect(others.map((file) => file.replace(/\.[A-Z0-9]{8}\./, '.*.'))).toEqual(
      expect.arrayContaining(['bench.html', 'demo.js', 'index.html', 'offline.js', 'ort/ort-wasm-simd-threaded.wasm']),
    )
    const scripts = others.filter((file) => /^script\./.test(file))
    const named = others.filter((file) => !scripts.includes(file))
    expect(named).toEqual([
      'bench-worker.js',
      'bench.css',
      'bench.html',
      'bench.js',
      'demo.css',
      'demo.js',
      'icon.svg',
      'index.html',
      'offline.js',
      'ort/ort-wasm-simd-threaded.mjs',
      'ort/ort-wasm-simd-threaded.wasm',
      'ort/ort.wasm.min.mjs',
      'site.webmanifest',
    ])
    const text = others
      .filter((file) => file.endsWith('.js'))
      .map((file) => readFileSync(join(site.folder, file), 'utf8'))
    for (const script of scripts)
      expect(
        text.some((other) => other.includes(script)),
        script,
      ).toBe(true)
    expect(
      site.files.filter((file) => file.startsWith('networks/')).every((file) => file.endsWith('.safetensors')),
    ).toBe(true)
    const samples = site.files.filter((file) => /^samples\/[^/]+\.jpg$/.test(file))
    expect(site.files.filter((file) => file.startsWith('samples/small/'))).toHaveLength(samples.length)
    expect(samples.length).toBeGreaterThanOrEqual(12)
  })

  test('is small: the scripts of the demo, and the pictures on its buttons', () => {
    const gzipped = (file: string) => gzipSync(readFileSync(join(site.folder, file)), { level: 9 }).length
    expect(gzipped('demo.js') + gzipped('demo.css') + gzipped('index.html')).toBeLessThanOrEqual(24_576)
    const small = site.files.filter((file) => file.startsWith('samples/small/'))
    expect(small.reduce((sum, file) => sum + statSync(join(site.folder, file)).size, 0)).toBeLessThanOrEqual(81_920)
  })

  test('has relative addresses only, and a policy on both pages', () => {
    for (const name of ['index.html', 'bench.html']) {
      const text = readFileSync(join(site.folder, name), 'utf8')
      for (const [, address] of text.matchAll(/(?:href|src)="([^"]*)"/g)) expect(address, name).not.toMatch(/^\/|:\/\//)
      expect(text).toMatch(
        /Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/,
      )
      expect(text).not.toMatch(/ style=|<style|<script>| on\w+=/)
    }
  })
})

describe('the demo', () => {
  test('begins with a picture that it names, in a worker, and fetches nothing of the bench', async () => {
    await openDemo(here)
    expect(await textOf(page, '#answers .label')).toBe('koala')
    expect(await textOf(page, '#status')).toMatch(/^koala, \d+ %$/)
    const shares = await page.$$eval('#answers .share', (all) =>
      all.map((share) => Number.parseFloat(share.textContent!)),
    )
    expect(shares).toHaveLength(5)
    expect(shares).toEqual([...shares].sort((a, b) => b - a))
    const bars = await page.$$eval('#answers i', (all) =>
      all.map((bar) => bar.getBoundingClientRect().width / bar.parentElement!.clientWidth),
    )
    await page.waitForFunction(`document.querySelector('#answers i').getAnimations().length === 0`, PATIENCE)
    expect(bars).toHaveLength(5)
    const [first] = await page.$$eval('#answers i', (all) =>
      all.map((bar) => bar.getBoundingClientRect().width / bar.parentElement!.clientWidth),
    )
    expect(first).toBeCloseTo(shares[0] / 100, 2)
    expect(await textOf(page, '#fact-ms')).toMatch(/^\d+\.\d ms$/)
    expect(page.workers().length).toBeGreaterThan(0)
    expect(here.asked.filter((path) => /^(ort\/|bench|http)/.test(path))).toEqual([])
    expect(here.asked).toContain('dynedge/browser.js')
    expect(here.asked.some((path) => path.startsWith('dynedge/browser.engine'))).toBe(false)
  })

  test('names every sample', async () => {
    const labels = await page.$$eval('#samples button', (all) => all.map((button) => button.title))
    for (const [index, label] of labels.entries()) {
      await page.evaluate((at) => document.querySelectorAll<HTMLElement>('#samples button')[at].click(), index)
      await becomes(page, label)
    }
    const pressed = await page.$$eval('#samples [aria-pressed=true]', (all) =>
      all.map((button) => (button as HTMLElement).title),
    )
    expect(pressed).toEqual([labels.at(-1)])
  })

  test('takes a photo that is chosen, dropped or pasted', async () => {
    const input = (await page.$('#file')) as ElementHandle<HTMLInputElement>
    await input.uploadFile(sample('goldfish-1'))
    await becomes(page, 'goldfish')
    const give = (name: string, event: 'drop' | 'paste') =>
      page.evaluate(
        async (path, type) => {
          const data = new DataTransfer()
          data.items.add(new File([await (await fetch(path)).blob()], 'photo.jpg', { type: 'image/jpeg' }))
          document.body.dispatchEvent(
            type === 'drop'
              ? new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true })
              : new ClipboardEvent(type, { clipboardData: data, bubbles: true }),
          )
        },
        `samples/${name}.jpg`,
        event,
      )
    await give('orange-1', 'drop')
    await becomes(page, 'orange')
    await give('espresso-1', 'paste')
    await becomes(page, 'espresso')
    expect(await page.$eval('#photo', (photo) => (photo as HTMLImageElement).alt)).toBe('photo.jpg')
  })

  test('says what is no picture, and takes the next one', async () => {
    const path = join(site.folder, 'text.jpg')
    writeFileSync(path, 'This is no picture.\n')
    const input = (await page.$('#file')) as ElementHandle<HTMLInputElement>
    await input.uploadFile(path)
    await page.waitForSelector('#fault:not([hidden])', PATIENCE)
    expect(await textOf(page, '#fault')).toMatch(/^text\.jpg cannot be classified\. /)
    expect(await textOf(page, '#answers')).toBe('')
    await input.uploadFile(sample('goldfish-1'))
    await becomes(page, 'goldfish')
    expect(await page.$eval('#fault', (fault) => (fault as HTMLElement).hidden)).toBe(true)
  })

  test('shows coefficients and kernels, and how far another picture moves them', async () => {
    await openDemo(here)
    await page.waitForSelector('#sum .term', PATIENCE)
    const label = (id: string) => page.$eval(`#${id}`, (canvas) => canvas.ariaLabel!)
    expect(await page.$$eval('#layer option', (all) => all.length)).toBe(17)
    expect(await label('eta-difference')).toContain('nothing to compare with yet')
    const etas = async () => (await textOf(page, '#sum')).match(/\d\.\d\d/g)!.map(Number)
    const first = await etas()
    expect(first).toHaveLength(6)
    for (const eta of first) expect(eta >= 0 && eta <= 1).toBe(true)
    await page.click('#samples [title="red panda"], #samples [title="lesser panda"]')
    await page.waitForFunction(`/by 0\\.\\d+/.test(document.querySelector('#eta-change').textContent)`, PATIENCE)
    expect(await etas()).not.toEqual(first)
    expect(Number((await textOf(page, '#eta-change')).match(/[\d.]+/)![0])).toBeGreaterThan(0.01)
    expect(await textOf(page, '#tiles-text')).toMatch(/largest change is \d+ %/)
    const colours = await page.$eval('#tiles', (canvas) => {
      const { width, height } = canvas as HTMLCanvasElement
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
      return new Set(new Uint32Array(data.buffer)).size
    })
    expect(colours).toBeGreaterThan(40)
    const channel = () => page.$eval('#channel', (field) => (field as HTMLInputElement).value)
    const tiles = (await page.$('#tiles'))!
    const [firstTile] = (await label('tiles')).match(/\d+/)!.map(Number)
    await tiles.click({ offset: { x: 58 + 46 * 4 + 10, y: 20 } })
    expect(await channel()).toBe(`${firstTile + 4}`)
    await page.select('#layer', 's7.0.dw')
    await page.waitForFunction(`document.querySelector('#channel').max === '323'`, PATIENCE)
    expect(Number(await channel())).toBeLessThan(324)
  })

  test('shows where the time goes, fusion in a colour of its own', async () => {
    await page.$eval('#time', (panel) => panel.scrollIntoView())
    await page.waitForSelector('#kinds .legend li', PATIENCE)
    await page.waitForFunction(`document.querySelector('#steps').width > 300`, PATIENCE)
    const kinds = await page.$$eval('#kinds .legend span', (all) => all.map((kind) => kind.textContent))
    expect(kinds).toContain('Kernel fusion')
    const colours = await page.$$eval('#kinds .legend i', (all) =>
      all.map((dot) => getComputedStyle(dot).backgroundColor),
    )
    const fusion = colours[kinds.indexOf('Kernel fusion')]
    expect(colours.filter((colour) => colour === fusion)).toHaveLength(1)
    const rows = await page.$$eval('#steps-table tbody tr', (all) =>
      all.map((row) => Number(row.children[2].textContent)),
    )
    expect(rows.length).toBeGreaterThan(100)
    const total = Number((await textOf(page, '#time-text')).match(/([\d.]+) ms in all/)![1])
    expect(rows.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(total, 1)
    expect(rows.filter((ms) => ms > 0).length).toBeGreaterThan(60)
  })

  test('follows its switches: size, precision, variant, threads, network; the address keeps them', async () => {
    const running = () => textOf(page, '#running')
    const settled = async (expected: RegExp) => {
      await page.waitForFunction(`${expected}.test(document.querySelector('#running').textContent)`, PATIENCE)
      await named(page)
    }
    await page.select('#size', '96')
    await page.click('#measure')
    await page.waitForFunction(`/96 × 96/.test(document.querySelector('#time-text').textContent)`, PATIENCE)
    await page.click('#precision input[value=w8]')
    await settled(/relaxed|simd/)
    await page.waitForFunction(`/, w8,/.test(document.querySelector('#about').textContent)`, PATIENCE)
    await page.select('#variant', 'simd')
    await settled(/1 thread, simd/)
    await page.select('#threads', '2')
    await settled(/2 threads, simd/)
    expect(await page.$eval('#threads-note', (note) => (note as HTMLElement).hidden)).toBe(true)
    expect(new URL(page.url()).hash).toBe('#network=dy-mobile-200&precision=w8&size=96&threads=2&variant=simd')
    await page.reload()
    await settled(/2 threads, simd/)
    await page.select('#network', 'fix-mobile-200')
    await page.waitForFunction(
      `/fixed kernels only/.test(document.querySelector('#kernels-text').textContent)`,
      PATIENCE,
    )
    expect(await page.$eval('#kernels-body', (body) => (body as HTMLElement).hidden)).toBe(true)
    expect(await page.$eval('#precision input[value=int8]', (radio) => (radio as HTMLInputElement).disabled)).toBe(true)
    await page.select('#network', 'dy-mobile-0.5-cifar10')
    await page.click('#precision input[value=f32]')
    await page.waitForFunction(`/, f32,/.test(document.querySelector('#about').textContent)`, PATIENCE)
    expect(await running()).toMatch(/2 threads/)
  })

  test('watches the camera, counts its frames, shows its kernels, and keeps the last frame', async () => {
    await openDemo(here)
    await page.click('#camera')
    await page.waitForFunction(`/^\\d/.test(document.querySelector('#fact-fps').textContent)`, PATIENCE)
    expect(Number(await textOf(page, '#fact-fps'))).toBeGreaterThan(0)
    expect(await textOf(page, '#fact-dropped')).toMatch(/^\d+ %$/)
    expect(await page.$eval('#video', (video) => (video as HTMLElement).checkVisibility())).toBe(true)
    await page.$eval('#kernels', (panel) => panel.scrollIntoView())
    await page.waitForFunction(`/by 0\\.\\d+/.test(document.querySelector('#eta-change').textContent)`, PATIENCE)
    const before = await textOf(page, '#eta-change')
    await page.waitForFunction(
      `document.querySelector('#eta-change').textContent !== ${JSON.stringify(before)}`,
      PATIENCE,
    )
    expect(await page.$eval('#camera', (button) => button.getAttribute('aria-pressed'))).toBe('true')
    await page.$eval('#camera', (button) => (button as HTMLElement).click())
    await page.waitForFunction(`document.querySelector('#photo').alt === 'The last frame'`, PATIENCE)
    expect(await page.$eval('#video', (video) => (video as HTMLVideoElement).srcObject)).toBe(null)
  })

  test.each([
    ['NotAllowedError', /was not allowed/],
    ['NotFoundError', /No camera was found/],
    ['NotReadableError', /another program/],
  ])('a camera that answers %s', async (name, message) => {
    await page.evaluate((fault) => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('refused', fault)
      }
    }, name)
    await page.click('#camera')
    await page.waitForSelector('#fault:not([hidden])', PATIENCE)
    expect(await textOf(page, '#fault')).toMatch(message)
    expect(await page.$eval('#camera', (button) => (button as HTMLButtonElement).disabled)).toBe(false)
    await page.click('#samples [title=koala]')
    await becomes(page, 'koala')
  })

  test('works by keyboard alone', async () => {
    await openDemo(here)
    const focused = () => page.evaluate(() => document.activeElement!.id || document.activeElement!.textContent!.trim())
    const order: string[] = []
    for (let i = 0; i < 6; ++i) {
      await page.keyboard.press('Tab')
      order.push(await focused())
    }
    expect(order).toEqual(['Skip to the demo', 'dynedge', 'Demo', 'Bench', 'camera', 'choose'])
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
    expect(outline).not.toBe('none')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const [first] = await page.$$eval('#samples button', (all) => all.map((button) => button.title))
    await becomes(page, first)
    await page.keyboard.press('j')
    const titles = await page.$$eval('#samples button', (all) => all.map((button) => button.title))
    await becomes(page, titles[1])
    await page.keyboard.press('k')
    await becomes(page, titles[0])
    const layer = () => page.$eval('#layer', (field) => (field as HTMLSelectElement).selectedIndex)
    const was = await layer()
    await page.keyboard.press('l')
    expect(await layer()).toBe(was + 1)
    await page.keyboard.press('?')
    expect(await page.$eval('#keys', (dialog) => (dialog as HTMLDialogElement).open)).toBe(true)
    await page.click('#single-keys')
    await page.keyboard.press('Escape')
    expect(await page.$eval('#keys', (dialog) => (dialog as HTMLDialogElement).open)).toBe(false)
    await page.keyboard.press('l')
    expect(await layer()).toBe(was + 1)
    await page.$eval('#single-keys', (box) => (box as HTMLElement).click())
  })
})

describe('both pages', () => {
  const schemes = ['light', 'dark'] as const
  test.each(schemes)('%s: axe finds nothing, and nothing is wider than a phone', async (value) => {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }])
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    await openDemo(here)
    await page.$eval('#time', (panel) => panel.scrollIntoView())
    await page.waitForSelector('#kinds .legend li', PATIENCE)
    await page.$eval('#steps-table', (table) => {
      ;(table as HTMLDetailsElement).open = true
    })
    for (const path of ['', 'bench.html']) {
      if (path) await page.goto(here.address + path)
      for (const width of [1280, 360]) {
        await page.setViewport({ width, height: 740 })
        expect(await faultsOf(page), `${path} ${width}`).toEqual([])
        expect(await fits(), `${path} ${width}`).toBeLessThanOrEqual(0)
      }
    }
    await page.emulateMediaFeatures([])
    await page.setViewport({ width: 1280, height: 900 })
  })
})

describe('the bench', () => {
  test('measures here, beside onnxruntime-web when asked to, and gives its numbers as JSON', async () => {
    await page.goto(`${here.address}bench.html`)
    await page.evaluate(() => {
      const chosen = ['networks dy-mobile', 'precisions int8', 'sizes 64', 'variants simd', 'threads 1']
      chosen.push('seconds 0.5', 'peers onnxruntime-web')
      for (const field of document.querySelectorAll<HTMLInputElement>('#choices input'))
        if (
          field.checked !== chosen.includes(`${field.name} ${field.value}`) &&
          (field.type === 'checkbox' || !field.checked)
        )
          field.click()
      navigator.clipboard.writeText = async (text) => {
        document.body.dataset.copied = text
      }
    })
    expect(await textOf(page, '#estimate')).toMatch(/^2 contenders/)
    expect(here.asked.some((path) => path.startsWith('ort/'))).toBe(false)
    await page.click('#run')
    await page.waitForFunction(`/Done|fault/.test(document.querySelector('#state').textContent)`, { timeout: 120_000 })
    expect(await textOf(page, '#fault')).toBe('')
    await page.click('#copy')
    const report = JSON.parse(await page.$eval('body', (body) => (body as HTMLElement).dataset.copied!))
    const rows = report.rows.map(({ runtime, network, precision, size }: Record<string, unknown>) => [
      runtime,
      network,
      precision,
      size,
    ])
    expect(rows).toEqual([
      ['dynedge', 'dy-mobile', 'int8', 64],
      ['onnxruntime-web', 'dy-mobile', 'int8', 64],
    ])
    for (const { ms, runs, agreement } of report.rows) {
      expect(ms.min).toBeGreaterThan(0)
      expect(runs).toBeGreaterThan(4)
      expect(agreement.pictures).toBe(4)
    }
    expect(await page.$$eval('#results canvas', (all) => all.length)).toBe(1)
    expect(await faultsOf(page)).toEqual([])
  }, 150_000)

  test('says what is missing, and stops when told to', async () => {
    await page.$$eval('[name=precisions]:checked', (all) => {
      for (const field of all) (field as HTMLElement).click()
    })
    expect(await textOf(page, '#estimate')).toBe('Choose a precision.')
    expect(await page.$eval('#run', (button) => (button as HTMLButtonElement).disabled)).toBe(true)
    await page.click('[name=precisions][value=f32]')
    await page.click('#run')
    await page.waitForSelector('#stop:not([hidden])', PATIENCE)
    await page.click('#stop')
    expect(await textOf(page, '#state')).toBe('Stopped.')
    expect(await page.$eval('#run', (button) => (button as HTMLButtonElement).disabled)).toBe(false)
  })
})

test('from a server without isolation: one thread, and why; the next visit is isolated; then no server is needed', async () => {
  const plain = await visit(site.folder, { isolated: false })
  const { page } = plain
  try {
    await openDemo(plain, '#threads=2')
    expect(await textOf(page, '#running')).toMatch(/^1 thread,/)
    expect(await textOf(page, '#threads-note')).toMatch(/isolat.*Load this page again/)
    await page.waitForFunction(`/Works offline/.test(document.querySelector('#offline').textContent)`, PATIENCE)
    await page.reload()
    await named(page)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    expect(await textOf(page, '#running')).toMatch(/^2 threads,/)
    plain.closeServer()
    await page.reload()
    await named(page)
    expect(await textOf(page, '#answers .label')).toBe('koala')
    expect(await textOf(page, '#fault')).toBe('')
    expect(plain.complaints).toEqual([])
  } finally {
    await plain.close()
  }
})
