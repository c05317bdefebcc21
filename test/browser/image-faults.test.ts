import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BROWSERS } from './browsers.ts'
import { openFirefox } from './firefox.ts'
import { serve } from './page.ts'
import { apart, type Files, nodeAnswer, type Prepared, pattern, prepared, sharpOf } from './pictures.ts'

const [WIDTH, HEIGHT] = [83, 61]
const opaque = pattern(WIDTH, HEIGHT)
const rgba = { data: opaque, width: WIDTH, height: HEIGHT }
const files: Files = {}
let elsewhere: string
const servers: { close(): void }[] = []

beforeAll(async () => {
  const png = (bytes: Uint8Array) => ({ type: 'image/png', bytes })
  const plain = await sharpOf(opaque, WIDTH, HEIGHT).removeAlpha().png().toBuffer()
  files['/plain.png'] = png(plain)
  files['/cut.png'] = png(plain.subarray(0, 60))
  files['/heic'] = { type: 'image/heic', bytes: new Uint8Array(99) }
  const svg = (attributes: string) => ({
    type: 'image/svg+xml',
    bytes: `<svg xmlns="http://www.w3.org/2000/svg" ${attributes}><rect width="90" height="50" fill="#c04020"/></svg>`,
  })
  files['/sized.svg'] = svg('width="90" height="50"')
  files['/unsized.svg'] = svg('viewBox="0 0 90 50"')
  const strip = { create: { width: 70_000, height: 12, channels: 3 as const, background: '#406080' } }
  files['/strip.png'] = png(await sharp(strip).png().toBuffer())
  const tone = Buffer.alloc(44 + 8000)
  tone.write('RIFF')
  tone.writeUInt32LE(36 + 8000, 4)
  tone.write('WAVEfmt ', 8)
  for (const [at, value] of [
    [16, 16],
    [24, 8000],
    [28, 8000],
  ])
    tone.writeUInt32LE(value, at)
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ])
    tone.writeUInt16LE(value, at)
  tone.write('data', 36)
  tone.writeUInt32LE(8000, 40)
  files['/sound.wav'] = { type: 'audio/wav', bytes: tone }
  const { server, origin } = await serve({ '/closed.png': png(plain) })
  const open = await serve({ '/open.png': png(plain) }, { 'access-control-allow-origin': '*' })
  servers.push(server, open.server)
  elsewhere = origin
  files['/other-origins.json'] = { type: 'application/json', bytes: JSON.stringify([origin, open.origin]) }
})
afterAll(() => {
  for (const server of servers) server.close()
})

describe.each(BROWSERS)('pictures that are not there or cannot be had, in $name', (browser) => {
  let page: Prepared
  beforeAll(async () => {
    page = await prepared(browser, files)
  })
  afterAll(() => page?.close())

  test('an <img> that loads, and a video that begins, are waited for', async () => {
    const expected = await nodeAnswer(rgba)
    const found = await page.inPage(
      async ({ answers, canvas }, [bytes, width, height]) => {
        const images = await answers(() => {
          const img = new Image()
          img.src = `/plain.png?${Math.random()}`
          if (img.complete) throw new Error('It is there already.')
          return img
        })
        const drawn = canvas(Uint8ClampedArray.from(bytes), width, height)
        const context = drawn.getContext('2d')!
        const picture = context.getImageData(0, 0, width, height)
        const drawing = setInterval(() => context.putImageData(picture, 0, 0), 20)
        const stream = drawn.captureStream()
        const videos = await answers(() => {
          const video = document.createElement('video')
          Object.assign(video, { muted: true, playsInline: true, srcObject: stream })
          void video.play()
          if (video.readyState) throw new Error('It has begun already.')
          return video
        })
        clearInterval(drawing)
        for (const track of stream.getTracks()) track.stop()
        return { images, videos }
      },
      [[...opaque], WIDTH, HEIGHT] as [number[], number, number],
    )
    expect(found.images).toEqual([expected, expected])
    for (const one of found.videos) expect(apart(one, expected)).toBeLessThan(0.02)
  })

  test('abort ends the wait', async () => {
    const found = await page.inPage(({ failures }) =>
      failures(
        () => {
          const video = document.createElement('video')
          video.srcObject = new MediaStream()
          return video
        },
        { signal: AbortSignal.timeout(300) },
      ),
    )
    expect(found).toMatchObject(Array(2).fill({ code: 'aborted', typed: true }))
  })

  test('what can never be read is refused, and says why; the next picture is read', async () => {
    const found = await page.inPage(async ({ answers, failures, file, img }) => {
      const bitmap = async () => {
        const bitmap = await createImageBitmap(new ImageData(4, 4))
        bitmap.close()
        return bitmap
      }
      const frame = async () => {
        const frame = new VideoFrame(await createImageBitmap(new ImageData(4, 4)), { timestamp: 0 })
        frame.close()
        return frame
      }
      const element = <K extends 'canvas' | 'img' | 'video'>(kind: K, set: object) =>
        Object.assign(document.createElement(kind), set)
      const given = () => {
        const data = new Uint8Array(64)
        structuredClone(data, { transfer: [data.buffer] })
        return { data, width: 4, height: 4 }
      }
      const [closed] = (await (await fetch('/other-origins.json')).json()) as string[]
      const broken = async () => {
        const broken = element('img', { src: '/cut.png' })
        await broken.decode().catch(() => {})
        return broken
      }
      const making: Record<string, () => unknown> = {
        'an <img> of another origin': () => img(`${closed}/closed.png`),
        'a canvas that it was drawn on': async () => {
          const canvas = element('canvas', { width: 9, height: 9 })
          canvas.getContext('2d')!.drawImage(await img(`${closed}/closed.png`), 0, 0)
          return canvas
        },
        'a bitmap of it': async () => createImageBitmap(await img(`${closed}/closed.png`)),
        'an <img> without a src': () => new Image(),
        'a broken <img>': broken,
        'an <img> of nothing': () => element('img', { src: '/nothing.png' }),
        'a lazy <img>': () => element('img', { loading: 'lazy', src: `/plain.png?${Math.random()}` }),
        'a video without a src': () => element('video', {}),
        'a video of nothing': () => element('video', { src: '/nothing.mp4' }),
        'a video that loads nothing': () => element('video', { preload: 'none', src: '/sound.wav' }),
        sound: () => element('video', { src: '/sound.wav' }),
        'an empty canvas': () => element('canvas', { width: 0, height: 9 }),
        'a closed bitmap': bitmap,
        'a closed frame': frame,
        'pixels given away': given,
        'a blob of text': () => new Blob(['text'], { type: 'text/plain' }),
        'a blob of HEIC': () => file('/heic'),
        'a blob of SVG': () => file('/sized.svg'),
        'bytes of a file': async () => new Uint8Array(await (await file('/plain.png')).arrayBuffer()),
        'an address': () => '/plain.png',
        nothing: () => undefined,
        'an object': () => ({ width: '4' }),
        'another element': () => document.body,
        'pixels of 16 bits': () => ({ data: new Uint16Array(16), width: 4, height: 4 }),
        'pixels of floats': () => ({ data: new Float32Array(48), width: 4, height: 4 }),
        'too few pixels': () => ({ data: new Uint8Array(47), width: 4, height: 4 }),
      }
      const failed: Record<string, unknown> = {}
      for (const [name, make] of Object.entries(making)) failed[name] = await failures(make as never)
      const fine = await answers(() => img('/plain.png'))
      return { failed, fine }
    })
    const wanted: Record<string, RegExp> = {
      'an <img> of another origin': /another origin.*crossorigin="anonymous"/,
      'a canvas that it was drawn on': /another origin/,
      'a bitmap of it': /another origin/,
      'an <img> without a src': /no src/,
      'a broken <img>': /cut\.png is missing, or no picture/,
      'an <img> of nothing': /nothing\.png is missing/,
      'a lazy <img>': /loaded lazily/,
      'a video without a src': /the <video> has no src/,
      'a video of nothing': /does not play: /,
      'a video that loads nothing': /preload="none"/,
      sound: /sound only/,
      'an empty canvas': /0x9 pixels/,
      'a closed bitmap': /closed, or given away/,
      'a closed frame': /closed, or given away/,
      'pixels given away': /data is empty, or was given away/,
      'a blob of text': /decodes no 4 bytes of text\/plain/,
      'a blob of HEIC': /decodes no 99 bytes of image\/heic/,
      'a blob of SVG': /load an SVG into an <img>/,
      'bytes of a file': /new Blob\(\[bytes\]\)/,
      'an address': /got string/,
      nothing: /got undefined/,
      'an object': /Not a picture/,
      'another element': /Not a picture/,
      'pixels of 16 bits': /data is Uint16Array, expected Uint8Array/,
      'pixels of floats': /data is Float32Array/,
      'too few pixels': /47 bytes, expected 16, 48 or 64/,
    }
    expect(Object.keys(found.failed)).toEqual(Object.keys(wanted))
    for (const [name, message] of Object.entries(wanted))
      expect
        .soft(found.failed[name], name)
        .toEqual(Array(2).fill({ code: 'bad-image', message: expect.stringMatching(message), typed: true }))
    const expected = await nodeAnswer(rgba)
    expect(found.fine).toEqual([expected, expected])
  })

  test('another origin that lets pages read', async () => {
    const expected = await nodeAnswer(rgba)
    const found = await page.inPage(async ({ answers, img }) => {
      const [, open] = (await (await fetch('/other-origins.json')).json()) as string[]
      return answers(() => img(`${open}/open.png`, (img) => Object.assign(img, { crossOrigin: 'anonymous' })))
    })
    expect(found).toEqual([expected, expected])
    expect(elsewhere).toMatch(/127\.0\.0\.1/)
  })

  test('an SVG: of its own size, or of 300x150', async () => {
    const found = await page.inPage(async ({ answers, img }) => ({
      sized: await answers(() => img('/sized.svg')),
      unsized: await answers(() => img('/unsized.svg')),
    }))
    const flat = (width: number, height: number) =>
      nodeAnswer({ data: new Uint8Array(width * height * 3).map((_, i) => [0xc0, 0x40, 0x20][i % 3]), width, height })
    expect(found.sized).toEqual(Array(2).fill(await flat(90, 50)))
    expect(found.unsized[0]).toEqual(found.unsized[1])
  })

  test('what is given away with transfer is gone, what cannot be given away stays', async () => {
    const found = await page.inPage(
      async ({ canvas, img, nets: [, net] }, [bytes, width, height]) => {
        const data = Uint8ClampedArray.from(bytes)
        const whole = { data: data.slice(), width, height }
        const imageData = new ImageData(data.slice(), width, height)
        const within = { data: new Uint8Array([...data, 0]).subarray(0, data.length), width, height }
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
        const shared = { data: new Uint8Array(memory.buffer, 0, data.length), width, height }
        shared.data.set(data)
        const bitmap = await createImageBitmap(imageData)
        const frame = new VideoFrame(bitmap, { timestamp: 0 })
        const element = await img('/plain.png')
        const drawn = canvas(data, width, height)
        const offscreen = new OffscreenCanvas(width, height)
        offscreen.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0)
        const blob = await (await fetch('/plain.png')).blob()
        const all = { whole, imageData, within, shared, bitmap, frame, element, drawn, offscreen, blob }
        const tops: Record<string, unknown> = {}
        // A frame may be closed as soon as it was handed over, unless it was given away.
        const early = frame.clone()
        const waiting = net.classify(early)
        early.close()
        tops.early = await waiting
        for (const [name, picture] of Object.entries(all)) tops[name] = await net.classify(picture)
        const before = [whole.data.length, imageData.data.length, bitmap.width, frame.codedWidth]
        for (const [name, picture] of Object.entries(all))
          tops[`${name} given`] = await net.classify(picture, { transfer: true })
        const gone = [whole.data.length, imageData.data.length, bitmap.width, frame.codedWidth]
        const kept = [within.data.length, shared.data.length, blob.size > 0, element.naturalWidth]
        kept.push(drawn.width, offscreen.width, drawn.getContext('2d')!.getImageData(5, 5, 1, 1).data[0])
        return { tops, before, gone, kept, red: data[(5 * width + 5) * 4] }
      },
      [[...opaque], WIDTH, HEIGHT] as [number[], number, number],
    )
    const { length } = opaque
    expect(found.before).toEqual([length, length, WIDTH, WIDTH])
    expect(found.gone).toEqual([0, 0, 0, 0])
    expect(found.kept).toEqual([length, length, true, WIDTH, WIDTH, WIDTH, found.red])
    const expected = await nodeAnswer(rgba, { topK: 5 })
    expect(Object.keys(found.tops)).toHaveLength(21)
    for (const [name, top] of Object.entries(found.tops)) expect.soft(top, name).toEqual(expected)
  })

  test('a picture of 15 million pixels goes through 4 MB at a time; long ones need no long canvas', async () => {
    const [width, height] = [5003, 3001]
    const value = (x: number, y: number, c: number) => ((x * (5 + c)) ^ (y * 3) ^ ((x * y) >> 9)) & 255
    const data = new Uint8Array(width * height * 3)
    for (let y = 0, at = 0; y < height; ++y)
      for (let x = 0; x < width; ++x) for (let c = 0; c < 3; ++c) data[at++] = value(x, y, c)
    const found = await page.inPage(
      async ({ nets: [net], file }, [width, height]) => {
        const canvas = document.createElement('canvas')
        Object.assign(canvas, { width, height })
        const context = canvas.getContext('2d', { willReadFrequently: true })!
        for (let top = 0; top < height; top += 500) {
          const rows = Math.min(500, height - top)
          const band = new ImageData(width, rows)
          for (let y = top, at = 0; y < top + rows; ++y)
            for (let x = 0; x < width; ++x) {
              for (let c = 0; c < 3; ++c) band.data[at++] = ((x * (5 + c)) ^ (y * 3) ^ ((x * y) >> 9)) & 255
              band.data[at++] = 255
            }
          context.putImageData(band, 0, top)
        }
        let most = 0
        const { prototype } = OffscreenCanvasRenderingContext2D
        const { getImageData } = prototype
        prototype.getImageData = function (...area) {
          const pixels = getImageData.apply(this, area)
          most = Math.max(most, pixels.data.length)
          return pixels
        }
        const large = await net.classify(canvas, { topK: 10 })
        const turned = await net.classify(canvas, { topK: 10, orientation: 6 })
        // Firefox decodes no picture that wide.
        const strip = await net.classify(await file('/strip.png'), { topK: 10 }).catch(({ code }) => code)
        const dot = document.createElement('canvas')
        Object.assign(dot, { width: 1, height: 1 })
        dot.getContext('2d')!.fillRect(0, 0, 1, 1)
        const one = await net.classify(dot, { topK: 10 })
        prototype.getImageData = getImageData
        return { large, turned, strip, one, most }
      },
      [width, height],
    )
    expect(found.large).toEqual(await nodeAnswer({ data, width, height }))
    expect(found.turned).toEqual(await nodeAnswer({ data, width, height }, { orientation: 6 }))
    expect(found.most).toBeLessThanOrEqual(2 ** 22)
    const strip = new Uint8Array(70_000 * 12 * 3).map((_, i) => [0x40, 0x60, 0x80][i % 3])
    if (browser.name === 'Firefox') expect(found.strip).toBe('bad-image')
    else expect(found.strip).toEqual(await nodeAnswer({ data: strip, width: 70_000, height: 12 }))
    expect(found.one).toEqual(await nodeAnswer({ data: new Uint8Array(3), width: 1, height: 1 }))
  })

  test('nothing else was written to the console', () => {
    expect(page.session.complaints.filter((text) => !/load|decode|error|MIME|404/i.test(text))).toEqual([])
  })
})

test('a browser that falsifies what canvases hold is found out', async () => {
  const resists = () => openFirefox({ 'privacy.resistFingerprinting': true })
  const page = await prepared({ ...BROWSERS[1], open: resists }, files)
  try {
    const found = await page.inPage(async ({ answers, failures, img }) => ({
      failed: await failures(() => img('/plain.png')),
      pixels: await answers(() => ({ data: new Uint8Array(48), width: 4, height: 4 })),
    }))
    expect(found.failed).toEqual(
      Array(2).fill({
        code: 'bad-image',
        message: expect.stringMatching(/falsifies.*resistFingerprinting/),
        typed: true,
      }),
    )
    expect(found.pixels[0]).toEqual(await nodeAnswer({ data: new Uint8Array(48), width: 4, height: 4 }))
  } finally {
    await page.close()
  }
})
