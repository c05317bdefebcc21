import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import type { Variant } from '../../src/index.ts'
import { load, seededTensor, smallBundle } from '../helpers/bundles.ts'
import { variants } from '../helpers/wasm.ts'
import { BROWSERS, runnerIn, type Session } from './browsers.ts'
import { serve } from './page.ts'

type Sdk = typeof Dynedge
interface Globals {
  sdk: Sdk
  net: Dynedge.Network
}

const bundle = smallBundle('w8')
const exact = smallBundle('f32')
const [HEIGHT, WIDTH] = [80, 60]
/** An opaque RGBA picture with structure at every scale. */
const pixels = Uint8ClampedArray.from({ length: HEIGHT * WIDTH * 4 }, (_, i) => {
  const [x, y] = [(i >> 2) % WIDTH, Math.floor((i >> 2) / WIDTH)]
  return i % 4 === 3 ? 255 : (x * (3 + (i % 4)) + ((y * y) >> (i % 4)) + (x * y) / 7) & 255
})

let origin: string
let server: Server

beforeAll(async () => {
  const type = 'application/octet-stream'
  ;({ server, origin } = await serve({
    '/net.safetensors': { type, bytes: bundle },
    '/f32.safetensors': { type, bytes: exact },
  }))
})

afterAll(() => void server?.close())

describe.each(BROWSERS)('a page in $name', ({ open, has }) => {
  let session: Session
  beforeAll(async () => {
    session = await open()
    await session.goto(`${origin}/`)
    await session.evaluate(`import('/dist/browser.js').then((sdk) => { globalThis.sdk = sdk })`)
  })
  afterAll(() => session?.close())
  const inPage = runnerIn<Globals>(() => session)
  const VARIANTS: Variant[] = has.relaxedSimd ? ['simd', 'relaxed'] : ['simd']

  test.each(VARIANTS)('%s: loads by URL with progress', async (variant) => {
    const seen = await inPage(async (page, variant) => {
      const progress: Dynedge.Progress[] = []
      page.net = await page.sdk.load('/net.safetensors', {
        variant,
        onProgress: (p) => progress.push({ loaded: p.loaded, total: p.total }),
      })
      return { progress, variant: page.net.variant, labels: page.net.labels }
    }, variant)
    expect(seen.variant).toBe(variant)
    expect(seen.labels[3]).toBe('cat')
    expect(seen.progress[0].loaded).toBe(0)
    const loaded = seen.progress.map((step) => step.loaded)
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b))
    expect(loaded.at(-1)).toBe(seen.progress[0].total)
    expect(seen.progress[0].total).toBeLessThan(bundle.length)
  })

  const files = { w8: '/net.safetensors', f32: '/f32.safetensors' }
  test.each(
    VARIANTS.flatMap((variant) =>
      (['w8', 'f32'] as const).map((precision) => [variant, precision, files[precision]] as const),
    ),
  )('%s, %s: logits equal those of Node', async (variant, precision, url) => {
    const here = variants().some(({ name }) => name === variant) ? variant : 'simd'
    const node = await load(precision === 'f32' ? exact : bundle, { variant: here })
    for (const [height, width] of [
      [64, 64],
      [65, 47],
      [96, 128],
    ]) {
      const tensor = seededTensor(height, width)
      const expected = (await node.run(tensor)).logits
      const found = await inPage(
        async (page, [url, variant, data, height, width]) => {
          const net = await page.sdk.load(url, { variant })
          return [...(await net.run({ data: Float32Array.from(data), height, width })).logits]
        },
        [url, variant, [...tensor.data], height, width] as [string, Variant, number[], number, number],
      )
      // The same binary computes the same bits everywhere. Between binaries, w8 may round a fused kernel's coefficients apart.
      const bound = here === variant ? (variant === 'simd' ? 0 : 1e-5) : precision === 'f32' ? 1e-5 : 1e-3
      const largest = Math.max(...expected.map(Math.abs))
      expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThanOrEqual(bound * largest)
      expect(found).toHaveLength(10)
    }
  })

  test('has what the table of browsers says', async () => {
    const found = await inPage(async () => {
      const bytes = await (await fetch('/dist/dynedge.relaxed.wasm')).arrayBuffer()
      const stream = new ReadableStream()
      let givesStreamsAway = true
      try {
        structuredClone(stream, { transfer: [stream] })
      } catch {
        givesStreamsAway = false
      }
      return { relaxedSimd: WebAssembly.validate(bytes), givesStreamsAway }
    })
    // Shared memory needs a page that is isolated: test/browser/digests.test.ts.
    expect({ ...found, sharedMemory: has.sharedMemory }).toEqual(has)
  })

  test('chooses relaxed SIMD by itself where there is any, and says where there is none', async () => {
    expect(await inPage(async (page) => (await page.sdk.load('/net.safetensors')).variant)).toBe(VARIANTS.at(-1))
    const forced = inPage(async ({ sdk }) =>
      sdk.load('/net.safetensors', { variant: 'relaxed' }).then(
        ({ variant }) => variant,
        ({ code }) => code,
      ),
    )
    expect(await forced).toBe(has.relaxedSimd ? 'relaxed' : 'unsupported-engine')
  })

  test('classifies raw pixels, ImageData, <img>, canvas, ImageBitmap and Blob alike, as Node does', async () => {
    const expected = await (await load(bundle, { variant: 'simd' })).classify(
      { data: pixels, width: WIDTH, height: HEIGHT },
      { topK: 10 },
    )
    const found = await inPage(
      async (page, [bytes, width, height]) => {
        const net = await page.sdk.load('/net.safetensors', { variant: 'simd' })
        const data = Uint8ClampedArray.from(bytes)
        const imageData = new ImageData(data, width, height)
        const canvas = document.querySelector('canvas')!
        canvas.width = width
        canvas.height = height
        canvas.getContext('2d')!.putImageData(imageData, 0, 0)
        const blob = await new Promise<Blob>((resolve) => canvas.toBlob((blob) => resolve(blob!), 'image/png'))
        const img = new Image()
        img.src = URL.createObjectURL(blob)
        await img.decode()
        const pictures = {
          raw: { data, width, height },
          imageData,
          img,
          canvas,
          bitmap: await createImageBitmap(imageData),
          blob,
        }
        const results: Record<string, Dynedge.Prediction[]> = {}
        for (const [name, picture] of Object.entries(pictures))
          results[name] = await net.classify(picture, { topK: 10 })
        net.dispose()
        return results
      },
      [[...pixels], WIDTH, HEIGHT] as [number[], number, number],
    )
    expect(Object.keys(found)).toEqual(['raw', 'imageData', 'img', 'canvas', 'bitmap', 'blob'])
    for (const [name, predictions] of Object.entries(found)) expect(predictions, name).toEqual(expected)
    expect(expected).toHaveLength(10)
    expect(new Set(expected.map(({ probability }) => probability)).size).toBeGreaterThan(5)
  })

  test.each([
    ['/nothing.safetensors', 'not-found'],
    ['/app/model.safetensors', 'bad-bundle'],
    ['http://127.0.0.1:1/', 'network'],
  ])('%s is %s', async (url, code) => {
    const seen = session.complaints.length
    const error = await inPage(async (page, url) => {
      const error = await page.sdk.load(url).catch((error: unknown) => error)
      return { code: (error as Dynedge.DynedgeError).code, typed: error instanceof page.sdk.DynedgeError }
    }, url)
    expect(error).toEqual({ code, typed: true })
    // The browser itself reports what it could not fetch; the SDK says nothing.
    expect(session.complaints.splice(seen).filter((text) => !/^Failed to load resource/.test(text))).toEqual([])
  })

  test('what is no picture, or disposed of, is refused', async () => {
    const codes = await inPage(async (page) => {
      const net = await page.sdk.load('/net.safetensors')
      const codeOf = (promise: Promise<unknown>) =>
        promise.then(
          () => 'none',
          (error) => error.code,
        )
      const codes = [
        await codeOf(net.classify(new Image())),
        await codeOf(net.classify(new Blob(['no picture']))),
        await codeOf(net.classify('cat' as never)),
      ]
      net.dispose()
      return [...codes, await codeOf(net.classify(document.querySelector('canvas')!))]
    })
    expect(codes).toEqual(['bad-image', 'bad-image', 'bad-image', 'disposed'])
  })

  test('nothing was written to the console', () => {
    expect(session.complaints).toEqual([])
  })
})
