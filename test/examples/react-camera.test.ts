import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser } from '../browser/page.ts'
import { cameraOf } from '../helpers/camera.ts'
import { type Served, serveFolder } from '../models-package/serve.ts'
import { develop, npm, type Packed, pack, ROOT } from '../package/support.ts'
import { copyExample } from './support.ts'

interface Seen {
  /** Is the camera refused? */
  refuses: boolean
  asked: number
  tracks: MediaStreamTrack[]
  workers: Set<Worker>
}

/** Runs before the app: keeps the workers that live, and the cameras that were given. */
const WATCH = `(() => {
  const seen = { refuses: false, asked: 0, tracks: [], workers: new Set() }
  globalThis.seen = seen
  globalThis.Worker = class extends Worker {
    constructor(...args) {
      super(...args)
      seen.workers.add(this)
    }
    terminate() {
      seen.workers.delete(this)
      super.terminate()
    }
  }
  const devices = navigator.mediaDevices
  const ask = devices.getUserMedia.bind(devices)
  devices.getUserMedia = async (wanted) => {
    ++seen.asked
    if (seen.refuses) throw new DOMException('Permission denied', 'NotAllowedError')
    const stream = await ask(wanted)
    seen.tracks.push(...stream.getTracks())
    return stream
  }
})()`

let packed: Packed
let app: string
let page: Page
let complaints: string[]
let close: () => Promise<void>
let served: Served
let stop: (() => void) | undefined

beforeAll(async () => {
  packed = pack('dynedge', 'dynedge-models')
  app = copyExample('react-camera', packed.folder)
  npm(['install', ...Object.values(packed.archives)], app)
  npm(['run', 'build'], app)
  served = await serveFolder(join(app, 'dist'))
  const camera = await cameraOf(join(ROOT, 'samples', 'espresso-1.jpg'), join(packed.folder, 'espresso.mjpeg'))
  ;({ page, complaints, close } = await openBrowser(camera))
  await page.evaluateOnNewDocument(WATCH)
  // Installs from the registry.
}, 300_000)

afterAll(async () => {
  await close?.()
  served?.close()
  stop?.()
  packed?.clean()
})

const click = (label: string) => page.locator(`::-p-xpath(//button[text()='${label}'])`).setTimeout(60_000).click()
const shows = (text: string) =>
  // Not with every frame: a page that shows nothing new may have none.
  page
    .waitForFunction(`document.body.textContent.includes(${JSON.stringify(text)})`, { timeout: 60_000, polling: 100 })
    .catch(async (cause: Error) => {
      throw new Error(`${cause.message}: ${await page.evaluate('document.body.textContent')}; ${complaints.join('; ')}`)
    })
const inPage = <R>(run: (seen: Seen) => R): Promise<R> => page.evaluate(`(${run})(globalThis.seen)`) as Promise<R>
const live = () => inPage(({ tracks }) => tracks.filter(({ readyState }) => readyState === 'live').length)
const workers = () => inPage(({ workers }) => workers.size)

test('names what the camera sees, and switches it off when it is closed', async () => {
  complaints.length = 0
  await page.goto(`${served.origin}/`)
  await click('Open the camera')
  await shows('espresso')
  expect(await page.$$eval('li', (items) => items.length)).toBe(5)
  expect(await page.$eval('li', (item) => item.textContent)).toMatch(/^espresso\d+ %$/)
  expect(await inPage(({ asked }) => asked)).toBe(1)
  expect([await live(), await workers()]).toEqual([1, 1])
  await click('Close the camera')
  await shows('Knows 200 things')
  expect([await live(), await workers()]).toEqual([0, 1])
  await click('Open the camera')
  await shows('espresso')
  expect([await live(), await workers()]).toEqual([1, 1])
  expect(complaints).toEqual([])
}, 120_000)

test('says why there is no camera, and asks again', async () => {
  await page.goto(`${served.origin}/`)
  await inPage((seen) => {
    seen.refuses = true
  })
  await click('Open the camera')
  await shows('This page may not use the camera')
  expect(await live()).toBe(0)
  await inPage((seen) => {
    seen.refuses = false
  })
  await click('Try again')
  await shows('espresso')
  expect(await live()).toBe(1)
}, 120_000)

test('says when the camera is unplugged', async () => {
  await page.goto(`${served.origin}/`)
  await click('Open the camera')
  await shows('espresso')
  await inPage(({ tracks }) => tracks[0].dispatchEvent(new Event('ended')))
  await shows('The camera was switched off.')
}, 120_000)

test('says why there is no network, and loads it again', async () => {
  const assets = join(app, 'dist', 'assets')
  const bundle = join(assets, readdirSync(assets).find((name) => name.endsWith('.safetensors'))!)
  renameSync(bundle, `${bundle}.away`)
  await page.goto(`${served.origin}/`)
  await shows('The network cannot be loaded.')
  expect(await workers()).toBe(0)
  renameSync(`${bundle}.away`, bundle)
  await click('Try again')
  await shows('Open the camera')
  expect(await workers()).toBe(1)
}, 120_000)

test('In development React mounts all twice: one network and one camera are left, and no complaint', async () => {
  const { address, ...server } = await develop(app)
  stop = server.stop
  complaints.length = 0
  await page.goto(address)
  await click('Open the camera')
  await shows('espresso')
  expect(await inPage(({ asked }) => asked)).toBe(2)
  expect([await live(), await workers()]).toEqual([1, 1])
  await click('Close the camera')
  await shows('Knows 200 things')
  expect([await live(), await workers()]).toEqual([0, 1])
  expect(complaints).toEqual([])
}, 120_000)
