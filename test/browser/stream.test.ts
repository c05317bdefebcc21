import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { smallBundle } from '../helpers/bundles.ts'
import { BROWSERS, runnerIn, type Session } from './browsers.ts'
import { serve } from './page.ts'

interface Globals {
  sdk: typeof Dynedge
  net: Dynedge.PageNetwork
  /** Fills the picture of `video` with one of two patterns, again and again: what does not change sends no frames. */
  show(pattern: 0 | 1): void
  video: HTMLVideoElement
  /** Ends `video`. */
  end(): void
}

const PREPARE = `import('/dist/browser.js').then(async (sdk) => {
  const canvas = document.querySelector('canvas')
  const context = canvas.getContext('2d')
  let timer
  const show = (pattern) => {
    const draw = () => {
      context.fillStyle = pattern ? '#103070' : '#f0e0a0'
      context.fillRect(0, 0, canvas.width, canvas.height)
      context.fillStyle = pattern ? '#40ff20' : '#600000'
      for (let i = 0; i < 6; ++i) context.fillRect(pattern ? i * 50 : 0, pattern ? 0 : i * 30, pattern ? 20 : 300, pattern ? 150 : 11)
    }
    clearInterval(timer)
    timer = setInterval(draw, 25)
    draw()
  }
  show(0)
  // Without a rate WebKitGTK sends one frame or two.
  const stream = canvas.captureStream(40)
  const video = document.createElement('video')
  video.muted = true
  video.srcObject = stream
  await video.play()
  const end = () => stream.getTracks().forEach((track) => track.stop())
  Object.assign(globalThis, { sdk, show, video, end })
})`

let server: Server
let origin: string

/** Half a second of the canvas, as Chromium records it; WebKitGTK plays such films, but records none. */
const RECORD = `new Promise((resolve) => {
  const recorder = new MediaRecorder(video.srcObject, { mimeType: 'video/webm;codecs=vp8' })
  recorder.ondataavailable = ({ data }) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result.split(',')[1])
    reader.readAsDataURL(data)
  }
  recorder.start()
  setTimeout(() => recorder.stop(), 500)
})`

beforeAll(async () => {
  const files: Parameters<typeof serve>[0] = {
    '/net.safetensors': { type: 'application/octet-stream', bytes: smallBundle('w8') },
  }
  ;({ server, origin } = await serve(files))
  const chromium = await BROWSERS[0].open()
  await chromium.goto(`${origin}/`)
  await chromium.evaluate(PREPARE)
  files['/film.webm'] = { type: 'video/webm', bytes: Buffer.from(await chromium.evaluate<string>(RECORD), 'base64') }
  await chromium.close()
})

afterAll(() => void server?.close())

describe.each(BROWSERS)('in $name', ({ open }) => {
  let session: Session
  const inPage = runnerIn<Globals>(() => session)
  beforeAll(async () => {
    session = await open()
  })
  afterAll(() => session?.close())

  describe.each([{ worker: false }, { worker: true }])('net.stream(video), %o', ({ worker }) => {
    beforeAll(async () => {
      await session.goto(`${origin}/`)
      await session.evaluate(PREPARE)
      await inPage(async (page, worker) => {
        page.net = await page.sdk.load('/net.safetensors', { worker })
      }, worker)
    })

    test('classifies the newest frame and drops those that came meanwhile', async () => {
      const seen = await inPage(async ({ net, show, video }) => {
        const labels: string[] = []
        const expected: string[] = []
        const dropped: number[] = []
        const times: number[] = []
        for await (const { top, mediaTime, dropped: lost } of net.stream(video, { topK: 1 })) {
          labels.push(String(top[0].probability))
          times.push(mediaTime)
          dropped.push(lost)
          if (labels.length === 4) break
          // The next one must be of what is shown at the end of this pause, not of its beginning.
          show(((labels.length + 1) % 2) as 0 | 1)
          await new Promise((resolve) => setTimeout(resolve, 150))
          show((labels.length % 2) as 0 | 1)
          await new Promise((resolve) => setTimeout(resolve, 150))
          expected.push(String((await net.classify(video, { topK: 1 }))[0].probability))
        }
        show(0)
        return { labels, expected, dropped, times }
      })
      expect(seen.labels.slice(1)).toEqual(seen.expected)
      expect(new Set(seen.labels).size).toBe(2)
      for (const lost of seen.dropped.slice(1)) expect(lost).toBeGreaterThan(0)
      expect(seen.times).toEqual([...new Set(seen.times)].sort((a, b) => a - b))
    })

    test('many frames at full speed, in order, without holding one', async () => {
      const { times, heap } = await inPage(async ({ net, video }) => {
        const times: number[] = []
        const heap = net.describe().memoryBytes
        for await (const { mediaTime, top } of net.stream(video)) {
          if (top.length !== 5) throw new Error(`${top.length} classes`)
          times.push(mediaTime)
          if (times.length === 60) break
        }
        return { times, heap: net.describe().memoryBytes - heap }
      })
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(heap).toBe(0)
    })

    test('where the browser has neither VideoFrame nor requestVideoFrameCallback', async () => {
      const times = await inPage(async ({ net, video }) => {
        const times: number[] = []
        const { VideoFrame } = globalThis
        const { requestVideoFrameCallback: ask } = HTMLVideoElement.prototype
        Reflect.deleteProperty(globalThis, 'VideoFrame')
        Reflect.deleteProperty(HTMLVideoElement.prototype, 'requestVideoFrameCallback')
        try {
          for await (const { mediaTime } of net.stream(video, { topK: 1 })) if (times.push(mediaTime) === 8) break
        } finally {
          Object.assign(globalThis, { VideoFrame })
          Object.assign(HTMLVideoElement.prototype, { requestVideoFrameCallback: ask })
        }
        return times
      })
      expect(times).toHaveLength(8)
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
    })

    test('abort ends it, also while it waits for a frame', async () => {
      const codes = await inPage(async ({ net, video }) => {
        const codes: unknown[] = []
        for (const paused of [false, true]) {
          const control = new AbortController()
          try {
            for await (const { top } of net.stream(video, { signal: control.signal })) {
              codes.push(top.length)
              if (paused) video.pause()
              setTimeout(() => control.abort(), paused ? 200 : 0)
            }
          } catch (error) {
            codes.push((error as Dynedge.DynedgeError).code)
          }
        }
        await video.play()
        return codes
      })
      expect(codes.at(-1)).toBe('aborted')
      expect(codes.filter((code) => code === 'aborted')).toHaveLength(2)
    })

    test('fails as classify does', async () => {
      const code = await inPage(async ({ net, video }) => {
        try {
          for await (const _ of net.stream(video, { topK: 0 })) return 'an answer'
        } catch (error) {
          return (error as Dynedge.DynedgeError).code
        }
      })
      expect(code).toBe('bad-input')
    })

    test('ends with the video', async () => {
      const [frames, ended] = await inPage(async ({ net }) => {
        const film = document.createElement('video')
        film.muted = true
        film.src = '/film.webm'
        await film.play()
        let frames = 0
        for await (const { dropped } of net.stream(film)) frames += 1 + dropped
        return [frames, film.ended]
      })
      expect(frames).toBeGreaterThan(1)
      expect(ended).toBe(true)
    })

    test('ends when the camera is switched off', async () => {
      const frames = await inPage(async ({ net, video, end }) => {
        let frames = 0
        for await (const _ of net.stream(video)) if (++frames === 3) setTimeout(end)
        return frames
      })
      expect(frames).toBeGreaterThanOrEqual(3)
    })

    test('a camera', async () => {
      const lengths = await inPage(async ({ net }) => {
        const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } })
        const video = document.createElement('video')
        video.srcObject = camera
        await video.play()
        const lengths: number[] = []
        for await (const { top } of net.stream(video, { topK: 3 })) if (lengths.push(top.length) === 5) break
        for (const track of camera.getTracks()) track.stop()
        net.dispose()
        return lengths
      })
      expect(lengths).toEqual([3, 3, 3, 3, 3])
      expect(session.complaints).toEqual([])
    })
  })
})
