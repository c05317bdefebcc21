import { readdirSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Page } from 'puppeteer-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { smallBundle } from '../helpers/bundles.ts'
import { openBrowser, serve } from './page.ts'

interface Globals {
  sdk: typeof Dynedge
  /** In the page's own thread, and in a worker. */
  here: Dynedge.Network
  net: Dynedge.Network
  tensor: Dynedge.TensorInput
  pixels: { data: Uint8ClampedArray; width: number; height: number }
  failure(promise: Promise<unknown>): Promise<{ code?: string; message: string; typed: boolean; cause?: string }>
}

const bundle = smallBundle('w8')
const type = 'application/octet-stream'
const files = { '/net.safetensors': { type, bytes: bundle } }
const servers: Server[] = []
let origin: string
let page: Page
let complaints: string[]
let close: () => Promise<void>

const PREPARE = `import('/dist/browser.js').then(async (sdk) => {
  const [width, height] = [60, 80]
  const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * (3 + (i % 4)) + ((i >> 8) ** 2)) & 255))
  const failure = (promise) => promise.then(
    () => { throw new Error('It did not fail.') },
    (error) => ({ code: error.code, message: error.message, typed: error instanceof sdk.DynedgeError, cause: error.cause && String(error.cause) }),
  )
  const tensor = { data: Float32Array.from({ length: 64 * 48 * 3 }, (_, i) => ((i * i) % 97) / 24 - 2), height: 64, width: 48 }
  Object.assign(globalThis, { sdk, failure, tensor, pixels: { data, width, height }, here: await sdk.load('/net.safetensors') })
})`

beforeAll(async () => {
  origin = await serving(files)
  ;({ page, complaints, close } = await openBrowser())
  await page.goto(`${origin}/`)
  await page.evaluate(PREPARE)
})

afterEach(async () => {
  await page.evaluate('globalThis.net?.dispose()')
  await expect.poll(() => page.workers().length).toBe(0)
  expect(complaints.splice(0)).toEqual([])
})

afterAll(async () => {
  await close?.()
  for (const server of servers) server.close()
})

async function serving(...what: Parameters<typeof serve>): Promise<string> {
  const { server, origin } = await serve(...what)
  servers.push(server)
  return origin
}

/** Runs in the page; tsx and esbuild must leave it self-contained. */
const inPage = <A, R>(run: (globals: Globals, argument: A) => Promise<R> | R, argument?: A): Promise<R> =>
  page.evaluate(`(${run})(globalThis, ${JSON.stringify(argument ?? null)})`) as Promise<R>

describe('a network in a worker of a page', () => {
  test.each(['simd', 'relaxed'] as Dynedge.Variant[])(
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
      expect(page.workers()).toHaveLength(1)
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
    expect(complaints.splice(0).filter((text) => !/^Failed to load resource/.test(text))).toEqual([])
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
    ['an error that nobody catches', `throw new Error('out of luck')`, /out of luck/],
    ['its own end', 'close()', /was closed/],
  ])(
    'a worker that dies by %s fails the call that waits, and the next call starts another',
    async (_, death, reason) => {
      await inPage(async (page) => {
        page.net = await page.sdk.load('/net.safetensors', { worker: true })
      })
      const [worker] = page.workers()
      await worker.evaluate(
        `addEventListener('message', (event) => { event.stopImmediatePropagation(); ${death} }, { capture: true })`,
      )
      expect(await inPage((page) => page.failure(page.net.classify(page.pixels)))).toMatchObject({
        code: 'worker',
        message: expect.stringMatching(reason),
        typed: true,
      })
      const [away, here] = await inPage((page) =>
        Promise.all([page.net, page.here].map((net) => net.classify(page.pixels))),
      )
      expect(away).toEqual(here)
      await expect.poll(() => page.workers().length).toBe(1)
      expect(page.workers()[0]).not.toBe(worker)
    },
  )

  test('200 runs: memory stays where it was', async () => {
    await inPage(async (page) => {
      page.net = await page.sdk.load('/net.safetensors', { worker: true })
    })
    const runs = (count: number) =>
      inPage(async (page, count) => {
        for (let i = 0; i < count; ++i) await (i % 2 ? page.net.run(page.tensor) : page.net.classify(page.pixels))
        return page.net.describe().memoryBytes
      }, count)
    const heaps = async () => {
      const sizes: number[] = []
      for (const { client } of [{ client: await page.createCDPSession() }, page.workers()[0]]) {
        await client.send('HeapProfiler.collectGarbage')
        sizes.push((await client.send('Runtime.getHeapUsage')).usedSize)
      }
      return sizes
    }
    const wasm = await runs(40)
    const before = await heaps()
    expect(await runs(200)).toBe(wasm)
    const after = await heaps()
    after.forEach((size, i) => {
      expect(size, `${['page', 'worker'][i]}: ${before[i]} bytes before`).toBeLessThan(before[i] * 1.05)
    })
  })
})

describe('policies and origins', () => {
  const HERE = `script-src 'self' 'wasm-unsafe-eval'`
  /** A page whose script loads into a worker from `sdk`, and says what came of it. */
  const attempt = async (
    headers: Record<string, string>,
    sdk: string,
    more: Parameters<typeof serve>[0] = {},
    does = `load('/net.safetensors', { worker: true })
        .then((net) => net.classify({ data: new Uint8Array(48), width: 4, height: 4 }))
        .then((top) => ({ top: top.length })`,
  ) => {
    const script = `const { load } = await import('${sdk}')
      globalThis.outcome = await ${does}, ({ name, code, message }) => ({ name, code, message }))`
    const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>'
    const own = {
      ...files,
      ...more,
      '/attempt': { type: 'text/html', bytes: html },
      '/main.js': { type: 'text/javascript', bytes: script },
    }
    await page.goto(`${await serving(own, headers)}/attempt`)
    await page.waitForFunction('globalThis.outcome', { timeout: 20_000 })
    const outcome = await page.evaluate('globalThis.outcome')
    await page.goto('about:blank')
    return outcome
  }
  const refused = { name: 'DynedgeError', code: 'worker', message: expect.stringMatching(/does not start|refused/) }
  let cdn: string
  beforeAll(async () => {
    cdn = await serving({}, { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' })
  })

  test('the strictest policy that lets WebAssembly run', async () => {
    expect(await attempt({ 'content-security-policy': HERE }, '/dist/browser.js')).toEqual({ top: 5 })
  })

  test('the script from another origin', async () => {
    expect(await attempt({}, `${cdn}/dist/browser.js`)).toEqual({ top: 5 })
  })

  test('the script from another origin, with a policy for workers from blobs', async () => {
    const policy = `script-src 'self' 'wasm-unsafe-eval' ${cdn}; worker-src blob:`
    expect(await attempt({ 'content-security-policy': policy }, `${cdn}/dist/browser.js`)).toEqual({ top: 5 })
  })

  test('the script from another origin, without', async () => {
    const policy = `script-src 'self' 'wasm-unsafe-eval' ${cdn}`
    expect(await attempt({ 'content-security-policy': policy }, `${cdn}/dist/browser.js`)).toEqual(refused)
    expect(complaints.splice(0).join()).toMatch(/Content Security Policy/)
  })

  test('no workers allowed', async () => {
    const policy = { 'content-security-policy': `${HERE}; worker-src 'none'` }
    expect(await attempt(policy, '/dist/browser.js')).toEqual(refused)
    expect(complaints.splice(0).join()).toMatch(/Content Security Policy/)
  })

  test("the worker's script is missing", async () => {
    expect(await attempt({}, '/dist/browser.js', { '/dist/browser.worker.js': null })).toEqual(refused)
  })

  test('a chunk is missing', async () => {
    const [chunk] = readdirSync('dist').filter((name) => name.startsWith('browser.page.'))
    expect(await attempt({}, '/dist/browser.js', { [`/dist/${chunk}`]: null })).toMatchObject({
      name: 'DynedgeError',
      code: 'network',
      message: expect.stringMatching(/browser\.\* files belong together/),
    })
    expect(complaints.splice(0).join()).toMatch(/404/)
  })

  const ISOLATED = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  }

  /** Two threads beside one: how many there are, why, and whether they give the same bits, size after size. */
  const THREADS = `Promise.all([load('/net.safetensors'), load('/net.safetensors', { threads: 2 })])
    .then(async ([one, two]) => {
      let equal = true
      for (const side of [64, 96, 65, 64]) {
        const tensor = { data: Float32Array.from({ length: side * side * 3 }, (_, i) => ((i * i) % 97) / 24 - 2), height: side, width: side }
        const [expected, found] = [await one.run(tensor), await two.run(tensor)]
        equal &&= expected.logits.every((value, i) => value === found.logits[i])
      }
      const { threads, threadsNote } = two
      two.dispose()
      return { threads, threadsNote, equal }
    }`

  test('two threads in an isolated page, from its own origin and from another one', async () => {
    for (const sdk of ['/dist/browser.js', `${cdn}/dist/browser.js`])
      expect(await attempt(ISOLATED, sdk, {}, THREADS)).toEqual({ threads: 2, equal: true })
  })

  test('two threads under the strictest policy', async () => {
    const headers = { ...ISOLATED, 'content-security-policy': HERE }
    expect(await attempt(headers, '/dist/browser.js', {}, THREADS)).toEqual({ threads: 2, equal: true })
  })

  test('a page that is not isolated gets one thread and hears why', async () => {
    expect(await attempt({}, '/dist/browser.js', {}, THREADS)).toEqual({
      threads: 1,
      threadsNote: expect.stringMatching(/not cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin/),
      equal: true,
    })
  })

  test('a page that is isolated from other origins', async () => {
    const headers = ISOLATED
    expect(await attempt(headers, '/dist/browser.js')).toEqual({ top: 5 })
    expect(await attempt(headers, `${cdn}/dist/browser.js`)).toEqual({ top: 5 })
  })
})
