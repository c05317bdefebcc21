import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { load } from '../helpers/bundles.ts'
import { BROWSERS, runnerIn, type Session } from './browsers.ts'
import { CLIP_SIZE, writeClip } from './clip.ts'
import { serve } from './page.ts'

// From the same JPEG files the same labels, whichever decoder; and a camera that names what it sees.

interface Globals {
  sdk: typeof Dynedge
}

const SAMPLES = new URL('../../samples/', import.meta.url)
const MODEL = new URL('../../models/dynedge-models/dy-mobile-200/dy-mobile-200.int8.safetensors', import.meta.url)
const photographs = readdirSync(SAMPLES).filter((name) => name.endsWith('.jpg'))
/** What the camera of Chromium shows, half a second each. */
const SHOWN = ['goldfish-1', 'coral-reef-2', 'scoreboard-1', 'red-panda-1'].map(
  (name) => new URL(`${name}.jpg`, SAMPLES),
)
const FRAMES_EACH = 15

const folder = mkdtempSync(join(tmpdir(), 'dynedge-clip-'))
const clip = join(folder, 'samples.mjpeg')
let expected: string[]
let shown: string[]
let server: Server
let origin: string

beforeAll(async () => {
  const bytes = readFileSync(MODEL)
  const net = await load(bytes)
  const labelOf = async (picture: { data: Uint8Array; width: number; height: number }) =>
    (await net.classify(picture, { topK: 1 }))[0].label
  const files: Parameters<typeof serve>[0] = { '/net.safetensors': { type: 'application/octet-stream', bytes } }
  expected = []
  for (const name of photographs) {
    const jpeg = readFileSync(new URL(name, SAMPLES))
    files[`/${name}`] = { type: 'image/jpeg', bytes: jpeg }
    const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true })
    expected.push(await labelOf({ data, width: info.width, height: info.height }))
  }
  const pictures = await writeClip(clip, SHOWN, FRAMES_EACH)
  shown = []
  for (const url of SHOWN) shown.push(await labelOf(pictures[basename(url.pathname, '.jpg')]))
  ;({ server, origin } = await serve(files))
})

afterAll(() => {
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

test('Node names every photograph by another class', () => {
  expect(expected).toHaveLength(15)
  expect(new Set(expected).size).toBe(15)
  expect(new Set(shown).size).toBe(SHOWN.length)
})

describe.each(BROWSERS)('$name', ({ name, open }) => {
  let session: Session
  const inPage = runnerIn<Globals>(() => session)
  beforeAll(async () => {
    session = await open({ clip })
    await session.goto(`${origin}/`)
    await session.evaluate(`import('/dist/browser.js').then((sdk) => { globalThis.sdk = sdk })`)
  })
  afterAll(() => session?.close())

  test.each([false, true])(
    'names the photographs of JPEG files as Node does, as <img> and as Blob, worker: %s',
    async (worker) => {
      const found = await inPage(
        async ({ sdk }, [worker, photographs]) => {
          const net = await sdk.load('/net.safetensors', { worker })
          const found: [string, string][] = []
          for (const name of photographs) {
            const img = new Image()
            img.src = `/${name}`
            await img.decode()
            const [ofImg] = await net.classify(img, { topK: 1 })
            const [ofBlob] = await net.classify(await (await fetch(`/${name}`)).blob(), { topK: 1 })
            found.push([ofImg.label, ofBlob.label])
          }
          net.dispose()
          return found
        },
        [worker, photographs] as const,
      )
      expect(found).toEqual(expected.map((label) => [label, label]))
      expect(session.complaints).toEqual([])
    },
  )

  // The others' cameras show patterns: test/browser/stream.test.ts.
  if (name === 'Chromium')
    test('its camera shows photographs, and the stream names one after the other', async () => {
      const frames = SHOWN.length * FRAMES_EACH
      const { seen, size } = await inPage(
        async ({ sdk }, [size, frames]) => {
          const net = await sdk.load('/net.safetensors', { worker: true })
          const camera = await navigator.mediaDevices.getUserMedia({ video: size })
          const video = document.createElement('video')
          video.srcObject = camera
          await video.play()
          const seen: string[] = []
          let shown = 0
          for await (const { top, dropped } of net.stream(video, { topK: 1 })) {
            if (seen.at(-1) !== top[0].label) seen.push(top[0].label)
            shown += 1 + dropped
            // Once around, wherever it began.
            if (shown > frames + 2) break
          }
          for (const track of camera.getTracks()) track.stop()
          net.dispose()
          return { seen, size: [video.videoWidth, video.videoHeight] }
        },
        [CLIP_SIZE, frames] as const,
      )
      expect(size).toEqual([CLIP_SIZE.width, CLIP_SIZE.height])
      const from = shown.indexOf(seen[0])
      expect(from).toBeGreaterThanOrEqual(0)
      const around = [...shown.slice(from), ...shown.slice(0, from), shown[from]]
      expect(around.slice(0, seen.length)).toEqual(seen)
      expect(new Set(seen)).toEqual(new Set(shown))
    })
})
