import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/node.ts'
import { seededTensor, smallBundle } from '../helpers/bundles.ts'
import { makeFrame } from '../image/frames.ts'

// As it is published: the thread's script lies beside the built file.
const { DynedgeError, load }: typeof Dynedge = await import(new URL('../../dist/node.js', import.meta.url).href)

const bundle = smallBundle('w8')
const folder = mkdtempSync(join(tmpdir(), 'dynedge-worker-'))
const path = join(folder, 'net.safetensors')
writeFileSync(path, bundle)
const here = await load(bundle)
const tensor = seededTensor(64, 48)
const picture = { data: Uint8Array.from({ length: 80 * 60 * 3 }, (_, i) => (i * i) >> 5), width: 60, height: 80 }

const started: Worker[] = []
const count = (worker: Worker) => void started.push(worker)
process.on('worker', count)
const nets: Dynedge.Network[] = []
afterEach(() => {
  for (const net of nets.splice(0)) net.dispose()
  started.length = 0
})
afterAll(() => {
  process.off('worker', count)
  rmSync(folder, { recursive: true })
})

const loadAway = async (source: Dynedge.BundleInput = path, options: Dynedge.LoadOptions = {}) => {
  const net = await load(source, { ...options, worker: true })
  nets.push(net)
  return net
}
const errorOf = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(DynedgeError)
  return error as Dynedge.DynedgeError
}

describe('a network in a thread of Node', () => {
  test('has the facts and gives the answers of one in this thread', async () => {
    const net = await loadAway()
    expect(started).toHaveLength(1)
    for (const name of ['name', 'precision', 'input', 'labels', 'graph', 'variant', 'threads'] as const)
      expect(net[name], name).toEqual(here[name])
    expect(net.describe()).toEqual((await load(bundle)).describe())
    expect(await net.run(tensor)).toEqual(await here.run(tensor))
    expect(await net.classify(picture, { topK: 3 })).toEqual(await here.classify(picture, { topK: 3 }))
    const { steps } = await net.profile({ size: [32, 32], repetitions: 1 })
    expect(steps.map(({ step }) => step)).toEqual(
      (await here.profile({ size: [32, 32], repetitions: 1 })).steps.map(({ step }) => step),
    )
    expect(() => net.runSync(tensor)).toThrowError(expect.objectContaining({ code: 'usage' }))
  })

  test('keeps kernels between frames, and says how many', async () => {
    const [net, same] = [await loadAway(path, { keepKernels: 0.02 }), await load(bundle, { keepKernels: 0.02 })]
    for (const frame of [tensor, tensor, { ...tensor, data: tensor.data.map((value) => value / 2) }]) {
      expect(await net.run(frame)).toEqual(await same.run(frame))
      expect(net.kept).toBe(same.kept)
    }
    await net.run(tensor)
    await net.run(tensor)
    expect(net.kept).toBe(1)
  })

  test('takes a larger picture, and describes the memory that it costs', async () => {
    const [net, same] = [await loadAway(), await load(bundle)]
    const large = seededTensor(160, 128)
    const before = net.describe().memoryBytes
    expect(await net.run(large)).toEqual(await same.run(large))
    expect(net.describe()).toEqual(same.describe())
    expect(net.describe().memoryBytes).toBeGreaterThan(before)
  })

  test.each<[string, () => Dynedge.BundleInput]>([
    ['path', () => path],
    ['file: address', () => pathToFileURL(path)],
    ['data: address', () => `data:application/octet-stream;base64,${Buffer.from(bundle).toString('base64')}`],
    ['Uint8Array', () => bundle],
    ['a part of a buffer', () => new Uint8Array([7, ...bundle, 7]).subarray(1, bundle.length + 1)],
    ['ArrayBuffer', () => bundle.slice().buffer],
    [
      'SharedArrayBuffer',
      () => {
        const shared = new Uint8Array(new SharedArrayBuffer(bundle.length))
        shared.set(bundle)
        return shared.buffer
      },
    ],
    ['Blob', () => new Blob([bundle as BlobPart])],
    ['Response', () => new Response(bundle as BodyInit)],
    ['ReadableStream', () => new Blob([bundle as BlobPart]).stream()],
  ])('loads a bundle from: %s', async (_, source) => {
    const seen: Dynedge.Progress[] = []
    const net = await loadAway(source(), { onProgress: (progress) => seen.push(progress) })
    expect(await net.run(tensor)).toEqual(await here.run(tensor))
    expect(seen[0]).toEqual({ loaded: 0, total: here.describe().weightBytes })
    expect(seen.at(-1)).toEqual({ loaded: seen[0].total, total: seen[0].total })
  })

  test('copies bytes, unless they are given away', async () => {
    const [bytes, mine] = [bundle.slice(), tensor.data.slice()]
    const net = await loadAway(bytes)
    await net.run({ ...tensor, data: mine })
    expect(Buffer.compare(bytes, bundle)).toBe(0)
    expect(Buffer.compare(new Uint8Array(mine.buffer), new Uint8Array(tensor.data.buffer))).toBe(0)
    const given = await loadAway(bytes, { transfer: true })
    expect(bytes).toHaveLength(0)
    expect(await given.run({ ...tensor, data: mine }, { transfer: true })).toEqual(await here.run(tensor))
    expect(mine).toHaveLength(0)
    const pixels = picture.data.slice()
    expect(await given.classify({ ...picture, data: pixels }, { transfer: true })).toEqual(await here.classify(picture))
    expect(pixels).toHaveLength(0)
    // A part of a buffer is no one's to give away.
    const whole = new Float32Array([0, ...tensor.data])
    await given.run({ ...tensor, data: whole.subarray(1) }, { transfer: true })
    expect(whole).toHaveLength(tensor.data.length + 1)
  })

  test('frames of cameras: copied, or given away plane by plane', async () => {
    const net = await loadAway()
    const { frame } = makeFrame({ format: 'nv12', width: 75, height: 60, gap: 3 })
    const expected = await here.classify(frame, { orientation: 6 })
    expect(await net.classify(frame, { orientation: 6 })).toEqual(expected)
    expect(frame.planes[0].data.length).toBeGreaterThan(0)
    const android = makeFrame({ format: 'i420', width: 75, height: 60, colourStep: 2 }).frame
    const buffers = { ...android, planes: android.planes.map((plane) => ({ ...plane, data: plane.data.buffer })) }
    const same = await here.classify(makeFrame({ format: 'i420', width: 75, height: 60 }).frame)
    expect(await net.classify(buffers, { transfer: true })).toEqual(same)
    expect(buffers.planes.map(({ data }) => data.byteLength)).toEqual([0, 0, 0])
    // Planes of one buffer, which can be given away once.
    const whole = new Uint8Array(60 * 6).fill(90)
    const planes = [0, 1, 2].map(() => ({ data: whole, rowBytes: 60 }))
    const i420 = { format: 'i420', width: 60, height: 1, planes } as const
    const mine = await here.classify(i420)
    expect(await net.classify(i420, { transfer: true })).toEqual(mine)
    expect(whole).toHaveLength(0)
    const gone = await errorOf(net.classify(i420))
    expect(gone.code).toBe('bad-image')
    for (const wrong of [{ planes: 3 }, { planes: [1, 2, 3] }, { format: 'p010' }, { width: 0 }]) {
      const [away, mine] = await Promise.all(
        [net, here].map((one) => errorOf(one.classify({ ...frame, ...wrong } as never))),
      )
      expect({ code: away.code, message: away.message }).toEqual({ code: mine.code, message: mine.message })
    }
  })

  test('what a caller changes after the call does not reach it', async () => {
    const net = await loadAway()
    const data = tensor.data.slice()
    const answer = net.run({ ...tensor, data })
    data.fill(0)
    expect(await answer).toEqual(await here.run(tensor))
  })

  test.each<[string, (net: Dynedge.Network) => Promise<unknown>]>([
    ['no tensor', (net) => net.run({ ...tensor, data: [1, 2, 3] as never })],
    ['a wrong length', (net) => net.run({ ...tensor, width: 7 })],
    ['an impossible size', (net) => net.run({ data: new Float32Array(0), height: 0, width: 9 })],
    ['no picture', (net) => net.classify(null as never)],
    ['pixels of a wrong length', (net) => net.classify({ ...picture, width: 7 })],
    ['topK', (net) => net.classify(picture, { topK: 0 })],
  ])('fails with the error of this thread: %s', async (_, call) => {
    const [away, mine] = await Promise.all([errorOf(call(await loadAway())), errorOf(call(here))])
    expect({ code: away.code, message: away.message }).toEqual({ code: mine.code, message: mine.message })
  })

  test.each<[string, Dynedge.BundleInput, Dynedge.LoadOptions]>([
    ['a path without a file', join(folder, 'none'), {}],
    ['no bundle', new Uint8Array(100), {}],
    ['nothing', null as never, {}],
    ['an object', {} as never, {}],
    ['damaged bytes', bundle.map((byte, i) => (i === bundle.length - 100 ? byte ^ 1 : byte)), {}],
    ['another digest', path, { integrity: `sha256-${'A'.repeat(43)}=` }],
    ['an unknown input size', path, { maxInput: [0, 0] }],
    ['an answer of 404', new Response('no', { status: 404, statusText: 'Not Found' }), {}],
  ])('does not load, with the error of this thread: %s', async (_, source, options) => {
    const again = source instanceof Response ? source.clone() : source
    const [away, mine] = await Promise.all([errorOf(loadAway(source, options)), errorOf(load(again, options))])
    expect({ code: away.code, message: away.message }).toEqual({ code: mine.code, message: mine.message })
    expect((away.cause as Error)?.message).toBe((mine.cause as Error)?.message)
  })

  test('abort: a load, a call under way, a call too late', async () => {
    const loading = new AbortController()
    const reason = new Error('enough')
    const load = loadAway(path, { signal: loading.signal, onProgress: () => loading.abort(reason) })
    expect(await errorOf(load)).toMatchObject({ code: 'aborted', cause: reason })
    expect(await errorOf(loadAway(path, { signal: AbortSignal.abort(reason) }))).toMatchObject({ code: 'aborted' })

    const net = await loadAway()
    const calls = Array.from({ length: 8 }, () => new AbortController())
    const answers = calls.map(({ signal }) => net.run(tensor, { signal }))
    for (const call of calls.slice(1)) call.abort(reason)
    for (const answer of answers.slice(1))
      expect(await errorOf(answer)).toMatchObject({ code: 'aborted', cause: reason })
    expect(await answers[0]).toEqual(await here.run(tensor))
    expect(await errorOf(net.run(tensor, { signal: AbortSignal.abort() }))).toMatchObject({ code: 'aborted' })
    expect(await net.run(tensor)).toEqual(await here.run(tensor))
  })

  test('a progress callback that throws ends the load', async () => {
    const failing = loadAway(path, {
      onProgress: () => {
        throw new RangeError('of the caller')
      },
    })
    await expect(failing).rejects.toThrowError(new RangeError('of the caller'))
    await Promise.all(started.map((worker) => worker.threadId > 0 && once(worker, 'exit')))
  })

  test('a thread that dies fails the calls that wait, and the next call starts another', async () => {
    const net = await loadAway()
    const waiting = [net.run(tensor), net.profile()]
    started[0].terminate()
    for (const call of waiting)
      expect(await errorOf(call)).toMatchObject({ code: 'worker', message: expect.stringMatching(/exit code 1/) })
    expect(await net.classify(picture)).toEqual(await here.classify(picture))
    expect(started).toHaveLength(2)
    // With nobody waiting, too.
    started[1].terminate()
    await once(started[1], 'exit')
    expect(await net.run(tensor)).toEqual(await here.run(tensor))
    expect(started).toHaveLength(3)
  })

  test('what was read once cannot be loaded again', async () => {
    const net = await loadAway(new Response(bundle as BodyInit))
    started[0].terminate()
    await once(started[0], 'exit')
    for (const call of [net.run(tensor), net.classify(picture)])
      expect(await errorOf(call)).toMatchObject({
        code: 'worker',
        message: expect.stringMatching(/Response.*load the/),
      })
    expect(started).toHaveLength(1)
  })

  test('a bundle that is gone when a thread is replaced', async () => {
    const other = join(folder, 'other.safetensors')
    writeFileSync(other, bundle)
    const net = await loadAway(other)
    rmSync(other)
    started[0].terminate()
    await once(started[0], 'exit')
    expect(await errorOf(net.run(tensor))).toMatchObject({ code: 'not-found' })
    writeFileSync(other, bundle)
    expect(await net.run(tensor)).toEqual(await here.run(tensor))
  })

  test('dispose ends the thread, the calls that wait, and later ones', async () => {
    const net = await loadAway()
    const waiting = net.run(tensor)
    const exit = once(started[0], 'exit')
    net.dispose()
    net.dispose()
    expect(await errorOf(waiting)).toMatchObject({ code: 'disposed' })
    expect(await errorOf(net.run(tensor))).toMatchObject({ code: 'disposed' })
    expect(() => net.describe()).toThrowError(expect.objectContaining({ code: 'disposed' }))
    await exit
  })
})
