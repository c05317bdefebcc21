import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { smallBundle } from '../helpers/bundles.ts'
import { BROWSERS, runnerIn, type Session } from './browsers.ts'
import { serve } from './page.ts'

interface Globals {
  sdk: typeof Dynedge
  /** In the page's own thread, and in a worker. */
  here: Dynedge.Network
  net: Dynedge.Network
  tensor: Dynedge.TensorInput
  pixels: { data: Uint8ClampedArray; width: number; height: number }
  /** Every worker that the page started, oldest first. */
  workers: Worker[]
  failure(promise: Promise<unknown>): Promise<{ code?: string; message: string; typed: boolean; cause?: string }>
}

const bundle = smallBundle('w8')
const type = 'application/octet-stream'
/** Ends when it is told to, in either way. */
const mortal = `addEventListener('message', (event) => {
  if (!event.data.death) return
  event.stopImmediatePropagation()
  if (event.data.death === 'close') close()
  else throw new Error('out of luck')
});
${readFileSync(new URL('../../dist/browser.worker.js', import.meta.url), 'utf8')}`
const files = { '/net.safetensors': { type, bytes: bundle } }
const servers: Server[] = []
let origin: string

const PREPARE = `import('/dist/browser.js').then(async (sdk) => {
  const workers = []
  globalThis.Worker = class extends Worker {
    constructor(...given) {
      super(...given)
      workers.push(this)
    }
  }
  const [width, height] = [60, 80]
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * (3 + (i % 4)) + ((i >> 8) ** 2)) & 255))
  const failure = (promise) => promise.then(
    () => { throw new Error('It did not fail.') },
    (error) => ({ code: error.code, message: error.message, typed: error instanceof sdk.DynedgeError, cause: error.cause && String(error.cause) }),
  )
  const tensor = { data: Float32Array.from({ length: 64 * 48 * 3 }, (_, i) => ((i * i) % 97) / 24 - 2), height: 64, width: 48 }
  Object.assign(globalThis, { sdk, failure, workers, tensor, pixels: { data, width, height }, here: await sdk.load('/net.safetensors') })
})`

beforeAll(async () => {
  origin = await serving({ ...files, '/dist/browser.worker.js': { type: 'text/javascript', bytes: mortal } })
})

afterAll(() => {
  for (const server of servers) server.close()
})

async function serving(...what: Parameters<typeof serve>): Promise<string> {
  const { server, origin } = await serve(...what)
  servers.push(server)
  return origin
}

describe.each(BROWSERS)('a network in a worker of a page in $name', ({ open, has }) => {
  let session: Session
  const inPage = runnerIn<Globals>(() => session)

  beforeAll(async () => {
    session = await open()
    await session.goto(`${origin}/`)
    await session.evaluate(PREPARE)
  })

  afterEach(async () => {
    await session.evaluate('globalThis.net?.dispose()')
    if (session.workers) await expect.poll(session.workers).toBe(0)
    expect(session.complaints.splice(0)).toEqual([])
  })

  afterAll(() => session?.close())

  test.each((has.relaxedSimd ? ['simd', 'relaxed'] : ['simd']) as Dynedge.Variant[])(
    '%s: has the facts and gives the answers of one in the page',
    async (variant) => {
      const [found, expected] = await inPage(async (page, variant) => {
        const here = await page.sdk.load('/net.safetensors', { variant })
        page.net = await page.sdk.load('/net.safetensors', { variant, worker: true })
        const facts = async (net: Dynedge.Network) => {
          const { name, precision, input, labels, graph, variant, threads } = net
          const { logits, probabilities } = await net.run(page.tensor)
          const top = await net.classify(page.pixels, { topK: 3 })
          const { steps } = await net.profile({ size: [32, 32], repetitions: 1 })
          const described = net.describe()
          return JSON.stringify([
            { name, precision, input, labels, graph, variant, threads, described, top },
            [...logits, ...probabilities],
            steps.map(({ step, kernel }) => [step, kernel]),
          ])
        }
        const answers = [await facts(page.net), await facts(here)]
        here.dispose()
        return answers
      }, variant)
      expect(JSON.parse(found)).toEqual(JSON.parse(expected))
      if (session.workers) expect(session.workers()).toBe(1)
    },
  )

  test('classifies whatever the page classifies, with the same result', async () => {
    const results = await inPage(async (page) => {
      page.net = await page.sdk.load('/net.safetensors', { worker: true })
      const { data, width, height } = page.pixels
      const imageData = new ImageData(data as Uint8ClampedArray<ArrayBuffer>, width, height)
      const canvas = document.querySelector('canvas')!
      canvas.width = width
      canvas.height = height
      canvas.getContext('2d')!.putImageData(imageData, 0, 0)
      const blob = await new Promise<Blob>((resolve) => canvas.toBlob((blob) => resolve(blob!), 'image/png'))
      const img = new Image()
      img.src = URL.createObjectURL(blob)
      await img.decode()
      const offscreen = new OffscreenCanvas(width, height)
      offscreen.getContext('2d')!.putImageData(imageData, 0, 0)
      const video = document.createElement('video')
      video.muted = true
      const stream = canvas.captureStream()
      video.srcObject = stream
      // A canvas that stays as it is sends no frame.
      const drawing = setInterval(() => canvas.getContext('2d')!.putImageData(imageData, 0, 0), 20)
      await video.play()
      clearInterval(drawing)
      const pictures = {
        raw: page.pixels,
        gray: { data: data.slice(0, width * height), width, height, channels: 1 as const },
        'with padded rows': { data, width: width - 5, height, channels: 4 as const, rowBytes: width * 4 },
        imageData,
        img,
        canvas,
        offscreen,
        video,
        bitmap: await createImageBitmap(imageData),
        frame: new VideoFrame(canvas, { timestamp: 0 }),
        blob,
        file: new File([blob], 'picture.png'),
      }
      const results: [string, Dynedge.Prediction[], Dynedge.Prediction[]][] = []
      for (const [name, picture] of Object.entries(pictures))
        results.push([
          name,
          await page.net.classify(picture, { topK: 10 }),
          await page.here.classify(picture, { topK: 10 }),
        ])
      const kept = [pictures.bitmap.width, pictures.frame.codedWidth, data.length]
      pictures.frame.close()
      for (const track of stream.getTracks()) track.stop()
      return { results, kept }
    })
    expect(results.results).toHaveLength(12)
    for (const [name, away, here] of results.results) expect(away, name).toEqual(here)
    expect(new Set(results.results[0][1].map(({ probability }) => probability)).size).toBeGreaterThan(5)
    // The caller's own stay his.
    expect(results.kept).toEqual([60, 60, 80 * 60 * 4])
  })

  test('takes for itself what it is given with transfer', async () => {
    const sizes = await inPage(async (page) => {
      const bytes = await (await fetch('/net.safetensors')).arrayBuffer()
      page.net = await page.sdk.load(bytes, { worker: true, transfer: true })
      const { data, width, height } = page.pixels
      const bitmap = await createImageBitmap(
        new ImageData(data.slice() as Uint8ClampedArray<ArrayBuffer>, width, height),
      )
      const frame = new VideoFrame(bitmap, { timestamp: 0 })
      const mine = page.tensor.data.slice()
      await page.net.run({ ...page.tensor, data: mine }, { transfer: true })
      const same = [
        await page.net.classify(frame, { transfer: true }),
        await page.net.classify(bitmap, { transfer: true }),
      ]
      return { sizes: [bytes.byteLength, mine.length, bitmap.width, frame.codedWidth], same }
    })
    expect(sizes.sizes).toEqual([0, 0, 0, 0])
    expect(sizes.same[0]).toEqual(sizes.same[1])
  })

  test('loads addresses relative to the page, Blobs, bytes, Responses and streams, with progress', async () => {
    const seen = await inPage(async (page) => {
      const expected = [...(await page.here.run(page.tensor)).logits]
      const fetched = () => fetch('net.safetensors')
      const sources = {
        relative: 'net.safetensors',
        URL: new URL('/net.safetensors', location.href),
        Blob: await (await fetched()).blob(),
        ArrayBuffer: await (await fetched()).arrayBuffer(),
        Uint8Array: new Uint8Array(await (await fetched()).arrayBuffer()),
        Response: await fetched(),
        stream: (await fetched()).body!,
      }
      const seen: Record<string, unknown> = {}
      for (const [name, source] of Object.entries(sources)) {
        const progress: number[] = []
        const onProgress = ({ loaded, total }: Dynedge.Progress) => void progress.push(loaded / total)
        const net = await page.sdk.load(source, { worker: true, onProgress })
        const { logits } = await net.run(page.tensor)
        seen[name] = [progress[0], progress.at(-1), logits.every((value, i) => value === expected[i])]
        net.dispose()
      }
      return seen
    })
    expect(Object.keys(seen)).toHaveLength(7)
    for (const [name, found] of Object.entries(seen)) expect(found, name).toEqual([0, 1, true])
  })

  test('fails with the errors of the page', async () => {
    const pairs = await inPage(async (page) => {
      page.net = await page.sdk.load('/net.safetensors', { worker: true })
      const { failure, sdk, net, here, tensor, pixels } = page
      const calls: ((net: Dynedge.Network) => Promise<unknown>)[] = [
        (net) => net.run({ ...tensor, width: 7 }),
        (net) => net.run({ ...tensor, data: [1] as never }),
        (net) => net.classify({ ...pixels, width: 7 }),
        (net) => net.classify(null as never),
        (net) => net.classify(pixels, { topK: 0 }),
        (net) => net.classify(new Blob(['text'])),
      ]
      const loads: [Dynedge.BundleInput, Dynedge.LoadOptions][] = [
        ['/nothing.safetensors', {}],
        ['/app/model.safetensors', {}],
        ['http://127.0.0.1:1/', {}],
        ['/net.safetensors', { integrity: `sha256-${'A'.repeat(43)}=` }],
        ['/net.safetensors', { maxInput: [0, 0] }],
        [new Uint8Array(100), {}],
      ]
      const pairs = []
      for (const call of calls) pairs.push([await failure(call(net)), await failure(call(here))])
      for (const [source, options] of loads)
        pairs.push([
          await failure(sdk.load(source, { ...options, worker: true })),
          await failure(sdk.load(source, options)),
        ])
      return pairs
    })
    expect(pairs).toHaveLength(12)
    for (const [away, here] of pairs) {
      // An address is made whole before it is sent.
      expect({ ...away, message: away.message.replace(origin, '') }).toEqual(here)
      expect(away.typed).toBe(true)
    }
    expect(session.complaints.splice(0).filter((text) => !/^Failed to load resource/.test(text))).toEqual([])
  })

  test('what cannot be drawn or waited for is refused', async () => {
    const errors = await inPage(async (page) => {
      page.net = await page.sdk.load('/net.safetensors', { worker: true })
      const used = await fetch('/net.safetensors')
      await used.blob()
      return [
        await page.failure(page.net.classify(new Image())),
        await page.failure(page.net.classify({} as never)),
        await page.failure((async () => page.net.runSync(page.tensor))()),
        await page.failure(page.sdk.load(used, { worker: true })),
        await page.failure(page.sdk.load({} as never, { worker: true })),
        await page.failure(page.sdk.load((() => 1) as never, { worker: true })),
      ]
    })
    expect(errors.map(({ code }) => code)).toEqual([
      'bad-image',
      'bad-image',
      'usage',
      'usage',
      'bad-input',
      'bad-input',
    ])
  })

  test('abort ends a load and a run', async () => {
    const errors = await inPage(async (page) => {
      const loading = new AbortController()
      const load = page.sdk.load('/net.safetensors', {
        worker: true,
        signal: loading.signal,
        onProgress: () => loading.abort('enough'),
      })
      const errors = [await page.failure(load)]
      page.net = await page.sdk.load('/net.safetensors', { worker: true })
      const calls = Array.from({ length: 6 }, () => new AbortController())
      const answers = calls.map(({ signal }) => page.net.classify(page.pixels, { signal }))
      for (const call of calls.slice(1)) call.abort('enough')
      for (const answer of answers.slice(1)) errors.push(await page.failure(answer))
      errors.push(await page.failure(page.net.run(page.tensor, { signal: AbortSignal.abort('enough') })))
      const [first] = await answers[0]
      if (first.label !== (await page.here.classify(page.pixels))[0].label) throw new Error('Another call suffered.')
      return errors
    })
    expect(errors).toHaveLength(7)
    for (const error of errors) expect(error).toMatchObject({ code: 'aborted', cause: 'enough', typed: true })
  })

  test.each([
    ['an error that nobody catches', 'error', /out of luck/],
    ['its own end', 'close', /was closed/],
  ])(
    'a worker that dies by %s fails the call that waits, and the next call starts another',
    async (_, death, reason) => {
      const { failed, equal, started } = await inPage(async (page, death) => {
        page.net = await page.sdk.load('/net.safetensors', { worker: true })
        const before = page.workers.length
        page.workers.at(-1)!.postMessage({ death })
        const failed = await page.failure(page.net.classify(page.pixels))
        const [away, here] = await Promise.all([page.net, page.here].map((net) => net.classify(page.pixels)))
        return { failed, equal: JSON.stringify(away) === JSON.stringify(here), started: page.workers.length - before }
      }, death)
      expect(failed).toMatchObject({ code: 'worker', message: expect.stringMatching(reason), typed: true })
      expect({ equal, started }).toEqual({ equal: true, started: 1 })
      if (session.workers) await expect.poll(session.workers).toBe(1)
      // Firefox writes what its worker threw to the page's console, as it should.
      if (death === 'error')
        expect(session.complaints.splice(0).filter((text) => !text.includes('out of luck'))).toEqual([])
    },
  )
})
