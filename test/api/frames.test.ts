import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { DynedgeError, type Network, type TensorInput } from '../../src/index.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { packBundle } from '../../src/pack/pack.ts'
import { keepKernels } from '../../src/plan/keep.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { errorOf } from '../bundle/support.ts'
import { digestOf, goldenNetwork, goldenPicture, readGolden } from '../golden/int8.ts'
import { INPUT, load, seededBundle, seededTensor, smallBundle } from '../helpers/bundles.ts'
import { variants } from '../helpers/wasm.ts'

const golden = readGolden('dy-shuffle.json')
const integers = goldenNetwork(golden)
const BUNDLES: Record<Precision, Uint8Array> = {
  f32: smallBundle('f32'),
  w8: smallBundle('w8'),
  int8: packBundle(integers.graph, integers.state, 'int8', {
    input: { ...INPUT },
    labels: null,
    quantization: null,
    provenance: { weights: 'random' },
    licence: null,
  }),
}

const picture = seededTensor(64, 64)
const brighter = { ...picture, data: picture.data.map((value) => value + 0.05) }
const other = { ...picture, data: picture.data.slice().reverse() }
const wide = seededTensor(48, 80)
const large = seededTensor(160, 128)

describe.each(variants())('$name', ({ name: variant }) => {
  test.each(['f32', 'w8', 'int8'] as const)(
    '%s: with tolerance 0 any sequence of frames and sizes gives the bits of a network that keeps none',
    async (precision) => {
      const plain = await load(BUNDLES[precision], { variant })
      const keeping = await load(BUNDLES[precision], { variant, keepKernels: 0 })
      const shares: number[] = []
      for (const frame of [
        picture,
        picture,
        brighter,
        picture,
        wide,
        wide,
        picture,
        large,
        large,
        wide,
        other,
        other,
      ]) {
        expect(await keeping.run(frame)).toEqual(await plain.run(frame))
        shares.push(keeping.kept)
        expect(plain.kept).toBe(0)
      }
      const again = [1, 5, 8, 11]
      for (const [index, share] of shares.entries())
        if (again.includes(index)) expect(share).toBe(1)
        // A coefficient that is exactly 0 or 1 may stay; a new size keeps nothing.
        else expect(share, `frame ${index}`).toBeLessThan([2, 3, 10].includes(index) ? 1 : Number.MIN_VALUE)
    },
  )

  test.each(['f32', 'w8', 'int8'] as const)('%s: three threads keep what one keeps', async (precision) => {
    for (const keepKernels of [0, 0.005, 1]) {
      const one = await load(BUNDLES[precision], { variant, keepKernels })
      const three = await load(BUNDLES[precision], { variant, keepKernels, threads: 3 })
      expect(three.threads).toBe(3)
      for (const frame of [picture, brighter, brighter, wide, picture, other]) {
        expect(await three.run(frame)).toEqual(await one.run(frame))
        expect(three.kept).toBe(one.kept)
      }
      three.dispose()
    }
  })

  test('int8 digests are those of plain networks', async () => {
    const net = await load(BUNDLES.int8, { variant, keepKernels: 0 })
    const { height, width } = golden
    for (const { seed, digest } of [...golden.pictures, ...golden.pictures]) {
      const { logits } = net.runSync({ data: goldenPicture(golden, seed), height, width })
      expect(await digestOf(logits)).toBe(digest)
    }
  })
})

describe('a network that keeps kernels', () => {
  let plain: Network
  beforeAll(async () => {
    plain = await load(BUNDLES.f32, { variant: 'simd' })
  })
  const keeping = (tolerance: number) => load(BUNDLES.f32, { variant: 'simd', keepKernels: tolerance })
  const distance = (a: Float32Array, b: Float32Array) =>
    a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)

  test('keeps more, and errs more, the larger the tolerance; what it keeps is exact again when the frame comes back', async () => {
    const exact = (await plain.run(brighter)).logits
    const first = (await plain.run(picture)).logits
    const found: { kept: number; error: number }[] = []
    for (const tolerance of [0, 0.005, 1]) {
      const net = await keeping(tolerance)
      expect(net.kept).toBe(0)
      await net.run(picture)
      expect(net.kept).toBe(0)
      const { logits } = await net.run(brighter)
      found.push({ kept: net.kept, error: distance(logits, exact) })
      if (tolerance === 1) expect((await net.run(picture)).logits).toEqual(first)
    }
    expect(found.map(({ error }) => error > 0)).toEqual([false, true, true])
    expect(found[0].kept).toBeLessThan(found[1].kept)
    expect(found[1].kept).toBeLessThan(1)
    expect(found[2].kept).toBe(1)
    expect(found[1].error).toBeLessThan(found[2].error)
  })

  test('small moves do not add up: kernels are compared with those they were fused from', async () => {
    const net = await keeping(0.002)
    await net.run(picture)
    let least = 1
    let error = 0
    for (let frame = 1; frame <= 40; ++frame) {
      const drifting: TensorInput = { ...picture, data: picture.data.map((value) => value + 0.01 * frame) }
      error = distance((await net.run(drifting)).logits, (await plain.run(drifting)).logits)
      least = Math.min(least, net.kept)
    }
    expect(least).toBeLessThan(1)
    const frozen = await keeping(1)
    await frozen.run(picture)
    const last = { ...picture, data: picture.data.map((value) => value + 0.4) }
    expect(error).toBeLessThan(distance((await frozen.run(last)).logits, (await plain.run(last)).logits) / 2)
  })

  test('classify and run share what is kept; networks do not', async () => {
    const [net, second] = [await keeping(1), await keeping(1)]
    const image = { data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => i % 251), width: 64, height: 64 }
    expect(await net.classify(image)).toEqual(await plain.classify(image))
    await net.run(picture)
    expect(net.kept).toBe(1)
    expect(await second.run(picture)).toEqual(await plain.run(picture))
    expect(second.kept).toBe(0)
    expect(net.describe().arenaBytes).toBeGreaterThan(plain.describe().arenaBytes)
    net.dispose()
    expect(() => net.kept).toThrow(/disposed/)
  })

  test('a larger input and back: a new instance, nothing kept', async () => {
    const net = await load(BUNDLES.f32, { variant: 'simd', keepKernels: 1, maxInput: [32, 32] })
    for (const frame of [seededTensor(32, 32), large, seededTensor(32, 32)]) {
      expect(await net.run(frame)).toEqual(await plain.run(frame))
      expect(net.kept).toBe(0)
    }
  })

  test('a tolerance that is none is refused by name', async () => {
    for (const tolerance of [-1, Number.NaN, 'much', -Number.MIN_VALUE]) {
      const error = await errorOf(keeping(tolerance as number))
      expect([error.code, error.message], `${tolerance}`).toEqual([
        'bad-input',
        `keepKernels is ${tolerance}, expected a number from 0 on.`,
      ])
    }
    expect((await keeping(Number.POSITIVE_INFINITY)).kept).toBe(0)
  })

  test('a network without dynamic layers keeps nothing', async () => {
    const bundle = seededBundle(buildNetwork('fix-mobile', { width: 0.5, classes: 10 }))
    const net = await load(bundle, { variant: 'simd', keepKernels: 1 })
    const { arenaBytes } = (await load(bundle, { variant: 'simd' })).describe()
    expect(await net.run(picture)).toEqual(await net.run(picture))
    expect([net.kept, net.describe().arenaBytes]).toEqual([0, arenaBytes])
  })
})

test('the example of docs/frames.md runs', async () => {
  const text = readFileSync(new URL('../../docs/frames.md', import.meta.url), 'utf8')
  const code = /```js\n(.*?)```/s.exec(text)![1]
  const frame = { data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => i % 251), width: 64, height: 64 }
  const said: string[] = []
  const AsyncFunction = (async () => {}).constructor as FunctionConstructor
  const example = new AsyncFunction('load', 'url', 'camera', 'console', code)
  await example(load, BUNDLES.w8, [frame, frame], { log: (...words: string[]) => said.push(words.join(' ')) })
  expect(said).toEqual([
    expect.stringMatching(/^\w+ 0 % of the kernels kept$/),
    expect.stringMatching(/^\w+ 100 % of the kernels kept$/),
  ])
})

test('after a run that failed, kernels are fused anew', () => {
  const bytes = new Uint8Array(4096).fill(1)
  let fails = true
  const run = () => {
    if (fails) throw new Error('unreachable')
    return 0
  }
  const backend = { memory: { buffer: bytes.buffer }, exports: { place: () => 0, verify: () => 0, run } }
  const engine = new Engine(backend, { program: 0, staging: 64, weights: 64, arena: 1024, bytes: 4096 }, 0, 256)
  const plan = { program: new Uint8Array(4), arenaBytes: 256, steps: [], tensors: [], keeps: true } as never
  const arena = () => bytes.slice(1024, 1024 + 256).reduce((sum, byte) => sum + byte, 0)
  engine.select(plan)
  expect([arena(), bytes[1023], bytes[1280]]).toEqual([0, 1, 1])
  bytes.fill(1, 1024)
  engine.select(plan)
  expect(arena()).toBe(256)
  expect(() => engine.run(0, 1)).toThrow(DynedgeError)
  engine.select(plan)
  expect(arena()).toBe(0)
  fails = false
  bytes.fill(1, 1024)
  engine.run(0, 1)
  engine.select(plan)
  expect(arena()).toBe(256)
  expect(keepKernels(0, DynedgeError).share(engine)).toBe(0)
})
