import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/cli/decode.ts'
import type { PixelArray } from '../../src/image/pixels.ts'
import { uprightReference } from '../../src/image/reference.ts'
import type { PixelSource, Prediction } from '../../src/index.ts'
import { makeFrame } from '../image/frames.ts'
import { BROWSERS } from './browsers.ts'
import { apart, type Files, nodeAnswer, type Prepared, pattern, prepared, sharpOf } from './pictures.ts'

const [WIDTH, HEIGHT] = [83, 61]
const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8]
const opaque = pattern(WIDTH, HEIGHT)
const translucent = pattern(WIDTH, HEIGHT, false)
const rgba = { data: opaque, width: WIDTH, height: HEIGHT }

const folder = mkdtempSync(join(tmpdir(), 'dynedge-images-'))
afterAll(() => rmSync(folder, { recursive: true }))
const files: Files = {}
/** What p3.png says in its own colours. */
let p3: PixelArray
/** As `dynedge run` decodes them. */
const decoded: Record<string, PixelSource> = {}

async function add(name: string, bytes: Uint8Array, type = `image/${name.split('.')[1].replace('jpg', 'jpeg')}`) {
  writeFileSync(join(folder, name), bytes)
  files[`/${name}`] = { type, bytes }
  decoded[name] = await decode(join(folder, name))
}

beforeAll(async () => {
  const plain = () => sharpOf(opaque, WIDTH, HEIGHT).removeAlpha()
  const soft = sharpOf(opaque, WIDTH, HEIGHT).removeAlpha().blur(3)
  await add('plain.png', await plain().png().toBuffer())
  await add('plain.webp', await plain().webp({ lossless: true }).toBuffer())
  await add('gray.png', await plain().grayscale().png().toBuffer())
  await add('deep.png', await plain().toColourspace('rgb16').png().toBuffer())
  await add('alpha.png', await sharpOf(translucent, WIDTH, HEIGHT).png().toBuffer())
  await add('alpha.webp', await sharpOf(translucent, WIDTH, HEIGHT).webp({ lossless: true, exact: true }).toBuffer())
  await add('p3.png', await plain().withIccProfile('p3').png().toBuffer())
  await add('p3.jpg', await soft.clone().withIccProfile('p3').jpeg({ quality: 95 }).toBuffer())
  const bytes = await sharp(files['/p3.png']!.bytes).ensureAlpha().keepIccProfile().raw().toBuffer()
  p3 = { data: new Uint8Array(bytes), width: WIDTH, height: HEIGHT }
  for (const orientation of ORIENTATIONS) {
    await add(`turned-${orientation}.png`, await plain().withMetadata({ orientation }).png().toBuffer())
    await add(`turned-${orientation}.jpg`, await soft.clone().withMetadata({ orientation }).jpeg().toBuffer())
  }
  const frames = await Promise.all([plain(), plain().negate()].map((frame) => frame.png().toBuffer()))
  await add(
    'moving.gif',
    await sharp(frames, { join: { animated: true } })
      .gif({ delay: [50, 50] })
      .toBuffer(),
  )
})

describe.each(BROWSERS)('pictures in $name', (browser) => {
  let page: Prepared
  beforeAll(async () => {
    page = await prepared(browser, files)
  })
  afterAll(async () => {
    expect(page.session.complaints).toEqual([])
    await page.close()
  })

  test('every kind, here and in a worker: as Node classifies the same pixels', async () => {
    const expected = await nodeAnswer(rgba)
    const found = await page.inPage(
      async ({ answers, canvas, file, img }, [bytes, width, height]) => {
        const data = Uint8ClampedArray.from(bytes)
        const imageData = new ImageData(data, width, height)
        const drawn = canvas(data, width, height)
        const offscreen = new OffscreenCanvas(width, height)
        offscreen.getContext('2d')!.putImageData(imageData, 0, 0)
        // The page is not isolated, and yet shared memory can be had, by way of WebAssembly.
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
        const shared = new Uint8ClampedArray(memory.buffer, 8, data.length)
        shared.set(data)
        const padded = new Uint8Array(height * (width * 4 + 12)).fill(9)
        for (let y = 0; y < height; ++y)
          padded.set(data.subarray(y * width * 4, (y + 1) * width * 4), y * (width * 4 + 12))
        const within = new Uint8Array(data.length + 100)
        within.set(data, 50)
        const rgb = data.filter((_, i) => i % 4 < 3)
        const placeholder = Object.assign(document.createElement('canvas'), { width, height })
        placeholder.transferControlToOffscreen().getContext('2d')!.putImageData(imageData, 0, 0)
        const stream = drawn.captureStream()
        const video = document.createElement('video')
        Object.assign(video, { muted: true, playsInline: true, srcObject: stream })
        const drawing = setInterval(() => drawn.getContext('2d')!.putImageData(imageData, 0, 0), 20)
        await video.play()
        document.body.insertAdjacentHTML(
          'beforeend',
          `<svg width="200" height="200"><image href="/plain.png" width="${width}" height="${height}"/></svg><iframe></iframe>`,
        )
        const svgImage = document.querySelector('svg image') as SVGImageElement
        await new Promise((resolve) => svgImage.addEventListener('load', resolve))
        const blob = await file('/plain.png')
        const elsewhere = document.querySelector('iframe')!.contentWindow as unknown as typeof globalThis
        const pictures = {
          RGBA: { data, width, height },
          RGB: { data: rgb, width, height },
          'shared memory': { data: shared, width, height },
          'padded rows': { data: padded, width, height, channels: 4 as const, rowBytes: width * 4 + 12 },
          subarray: { data: within.subarray(50, 50 + data.length), width, height },
          imageData,
          canvas: drawn,
          offscreen,
          'canvas drawn elsewhere': placeholder,
          img: await img('/plain.png'),
          'img with a density': await img('', (img) => {
            img.srcset = '/plain.png 2x'
          }),
          'SVG image': svgImage,
          bitmap: await createImageBitmap(imageData),
          ...(typeof VideoFrame === 'function' && { frame: new VideoFrame(drawn, { timestamp: 0 }) }),
          blob,
          file: new File([blob], 'picture.png'),
          'WebP blob': await file('/plain.webp'),
          "another page's blob": new elsewhere.Blob([blob]),
          'blob without a type': new Blob([blob]),
        }
        const results: Record<string, Prediction[][]> = {}
        for (const [name, picture] of Object.entries(pictures)) results[name] = await answers(() => picture)
        const ofVideo = await answers(() => video)
        clearInterval(drawing)
        for (const track of stream.getTracks()) track.stop()
        return { results, ofVideo }
      },
      [[...opaque], WIDTH, HEIGHT] as [number[], number, number],
    )
    for (const [name, both] of Object.entries(found.results)) {
      expect.soft(both, name).toHaveLength(2)
      for (const one of both) expect.soft(apart(one, expected), name).toBe(0)
    }
    expect(Object.keys(found.results).length).toBeGreaterThanOrEqual(18)
    // A stream may have made a video of it.
    for (const one of found.ofVideo) expect(apart(one, expected)).toBeLessThan(0.02)
    expect(new Set(expected.map(({ probability }) => probability)).size).toBeGreaterThan(5)
  })

  test('EXIF orientation of JPEG files: the very numbers of Node, decoder and all', async () => {
    for (const orientation of ORIENTATIONS) {
      const name = `turned-${orientation}.jpg`
      const expected = await nodeAnswer(decoded[name])
      for (const found of await ofFile(name)) expect.soft(apart(found, expected), name).toBe(0)
    }
    expect(await nodeAnswer(decoded['turned-6.jpg'])).toEqual(
      await nodeAnswer(decoded['turned-1.jpg'], { orientation: 6 }),
    )
  })

  test.skipIf(browser.name === 'WebKit')('EXIF orientation of PNG files', async () => {
    for (const orientation of ORIENTATIONS) {
      const name = `turned-${orientation}.png`
      const expected = await nodeAnswer(decoded[name])
      // They come with a profile, of sRGB, which Firefox follows to the second level.
      for (const found of await ofFile(name)) expect.soft(apart(found, expected), name).toBeLessThan(0.01)
      if (orientation > 1) expect(apart(expected, await nodeAnswer(rgba))).toBeGreaterThan(0.05)
    }
  })

  test('the option orientation turns what is drawn and raw pixels alike', async () => {
    for (const orientation of [2, 3, 5, 6, 8]) {
      const expected = await nodeAnswer(rgba, { orientation })
      const found = await page.inPage(
        async ({ answers, canvas, file, img }, [bytes, width, height, orientation]) => {
          const data = Uint8ClampedArray.from(bytes)
          const pictures = [
            { data, width, height },
            canvas(data, width, height),
            await img('/plain.png'),
            await file('/plain.png'),
          ]
          const all = []
          for (const picture of pictures) all.push(...(await answers(() => picture, { orientation })))
          return all
        },
        [[...opaque], WIDTH, HEIGHT, orientation] as [number[], number, number, number],
      )
      for (const answer of found) expect(answer, String(orientation)).toEqual(expected)
    }
  })

  test('where a file is translucent its colours count, as in Node and PyTorch', async () => {
    for (const name of ['alpha.png', 'alpha.webp']) {
      const expected = await nodeAnswer(decoded[name])
      expect(await nodeAnswer({ data: translucent, width: WIDTH, height: HEIGHT })).toEqual(expected)
      expect(apart(await nodeAnswer(rgba), expected)).toBe(0)
      const [img, imgAway, blob, blobAway] = (await ofFile(name)).map((found) => apart(found, expected))
      // docs/images.md says where they are lost.
      if (browser.name === 'Chromium') expect([img, imgAway, blob, blobAway]).toEqual([0, 0, 0, 0])
      if (browser.name === 'Firefox') expect([img, blob, blobAway]).toEqual([0, 0, 0])
    }
  })

  test('gray, 16 bits, other colours, animations', async () => {
    for (const [name, most] of [
      ['gray.png', 0],
      // Chromium rounds 16 bits otherwise where it shows them.
      ['deep.png', 0.02],
      ['p3.png', 0.02],
      ['p3.jpg', 0.01],
      ['moving.gif', 0],
    ] as const) {
      const expected = await nodeAnswer(decoded[name])
      const found = await ofFile(name)
      // WebKit takes of an <img> the frame that it shows.
      const steady = name === 'moving.gif' && browser.name === 'WebKit' ? found.slice(2) : found
      for (const one of steady) expect.soft(apart(one, expected), name).toBeLessThanOrEqual(most)
    }
    // What the conversion is worth.
    expect(apart(await nodeAnswer(p3), await nodeAnswer(decoded['p3.png']))).toBeGreaterThan(0.1)
  })

  test('ImageData and canvases of another colour space', async () => {
    const expected = await nodeAnswer(decoded['p3.png'])
    const found = await page.inPage(
      async ({ answers }, [bytes, width, height]) => {
        const settings = { colorSpace: 'display-p3' } as const
        // Not every browser has them.
        const has = (() => {
          try {
            return new ImageData(1, 1, settings).colorSpace === 'display-p3'
          } catch {
            return false
          }
        })()
        if (!has) return []
        const imageData = new ImageData(Uint8ClampedArray.from(bytes), width, height, settings)
        const canvas = document.createElement('canvas')
        Object.assign(canvas, { width, height })
        const context = canvas.getContext('2d', { colorSpace: 'display-p3' })
        context!.putImageData(imageData, 0, 0)
        return [...(await answers(() => imageData)), ...(await answers(() => canvas))]
      },
      [[...p3.data], WIDTH, HEIGHT] as [number[], number, number],
    )
    if (browser.name === 'Chromium') expect(found).toHaveLength(4)
    for (const one of found) expect(apart(one, expected)).toBeLessThan(0.02)
  })

  test('frames: colour matrix and range, visible part, rotation', async () => {
    const colours = YUV.map(({ matrix, fullRange }) => {
      const data = new Uint8Array(16 * 16 * 3)
      const [r, g, b] = rgbOf(100, 128, 200, matrix, fullRange)
      for (let i = 0; i < data.length; i += 3) data.set([r, g, b], i)
      return { data, width: 16, height: 16 }
    })
    const expected = await Promise.all(colours.map((colour) => nodeAnswer(colour)))
    const found = await page.inPage(async ({ answers }, yuv) => {
      const of = async (frame: VideoFrame) => {
        const both = await answers(() => frame)
        frame.close()
        return both
      }
      const colours: Prediction[][][] = []
      for (const { matrix, fullRange } of yuv)
        for (const format of ['I420', 'NV12'] as const) {
          const planes = new Uint8Array(16 * 24).fill(100, 0, 256)
          for (let i = 256; i < 384; ++i) planes[i] = (format === 'I420' ? i < 320 : i % 2 === 0) ? 128 : 200
          const colorSpace = { matrix, fullRange, primaries: 'bt709', transfer: 'bt709' } as const
          colours.push(
            await of(new VideoFrame(planes, { format, codedWidth: 16, codedHeight: 16, timestamp: 0, colorSpace })),
          )
        }
      const data = Uint8Array.from({ length: 32 * 24 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * i) >> 5))
      const init = { format: 'RGBA', codedWidth: 32, codedHeight: 24, timestamp: 0 } as const
      const cut = new VideoFrame(data, { ...init, visibleRect: { x: 6, y: 4, width: 20, height: 14 } })
      const part = await of(cut)
      const rotated = new VideoFrame(data, { ...init, rotation: 90 } as VideoFrameBufferInit)
      const turned = (rotated as { rotation?: number }).rotation === 90 ? await of(rotated) : []
      return { colours, part, turned }
    }, YUV)
    for (const [i, both] of found.colours.entries())
      for (const answer of both) {
        const distances = expected.map((one) => apart(answer, one))
        expect(distances.indexOf(Math.min(...distances)), JSON.stringify(YUV[i >> 1])).toBe(i >> 1)
      }
    const data = Uint8Array.from({ length: 32 * 24 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * i) >> 5))
    const whole = { data, width: 32, height: 24, channels: 4 } as const
    const part = await nodeAnswer({
      ...whole,
      data: data.subarray((4 * 32 + 6) * 4),
      width: 20,
      height: 14,
      rowBytes: 128,
    })
    // WebKitGTK itself takes the part from the corner.
    if (browser.name !== 'WebKit') expect(found.part).toEqual([part, part])
    const turned = await nodeAnswer(whole, { orientation: 6 })
    if (browser.name === 'Chromium') expect(found.turned).toHaveLength(2)
    for (const answer of found.turned) expect(answer).toEqual(turned)
  })

  test('frames of cameras as bytes, here and in a worker', async () => {
    const made = makeFrame({ format: 'nv12', width: 71, height: 90, gap: 5, range: 'limited', matrix: 'bt709' })
    const { planes, ...frame } = made.frame
    const expected = await nodeAnswer(uprightReference(made.rgb, 6))
    const found = await page.inPage(
      async ({ answers }, [frame, planes]) =>
        answers(
          () => ({
            ...frame,
            planes: planes.map(({ data, rowBytes }, i) => ({
              data: i ? Uint8Array.from(data) : Uint8Array.from(data).buffer,
              rowBytes,
            })),
          }),
          { orientation: 6 },
        ),
      [frame, planes.map(({ data, rowBytes }) => ({ data: [...data], rowBytes }))] as const,
    )
    expect(found).toEqual([expected, expected])
  })

  /** An <img> of a file, here and in a worker, and a Blob, here and in a worker. */
  const ofFile = (name: string) =>
    page.inPage(
      async ({ answers, file, img }, path) => [
        ...(await answers(() => img(path))),
        ...(await answers(() => file(path))),
      ],
      `/${name}`,
    )
})

const YUV = [
  { matrix: 'bt709', fullRange: false },
  { matrix: 'bt709', fullRange: true },
  { matrix: 'smpte170m', fullRange: false },
  { matrix: 'smpte170m', fullRange: true },
] as const

/** BT.601 and BT.709, limited (16 to 235) and full range. */
function rgbOf(y: number, u: number, v: number, matrix: string, fullRange: boolean): [number, number, number] {
  const [kr, kb] = matrix === 'bt709' ? [0.2126, 0.0722] : [0.299, 0.114]
  const luma = fullRange ? y / 255 : (y - 16) / 219
  const [blue, red] = [u, v].map((chroma) => (chroma - 128) / (fullRange ? 255 : 224))
  const r = luma + 2 * (1 - kr) * red
  const b = luma + 2 * (1 - kb) * blue
  const g = (luma - kr * r - kb * b) / (1 - kr - kb)
  return [r, g, b].map((value) => Math.round(255 * Math.min(1, Math.max(0, value)))) as [number, number, number]
}
