import type { Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as Dynedge from '../../src/browser.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { packBundle } from '../../src/pack/pack.ts'
import { digestOf, goldenFiles, goldenNetwork, goldenPicture, readGolden } from '../golden/int8.ts'
import { INPUT, load, seededBundle, seededTensor } from '../helpers/bundles.ts'
import { BROWSERS, runnerIn, type Session } from './browsers.ts'
import { serve } from './page.ts'

// Results, to the bit: int8 in every variant and with threads, f32 in the baseline binary; from tensors, and from the same pixels.

type LoadOptions = Dynedge.LoadOptions
interface Globals {
  sdk: typeof Dynedge
  digestOf(logits: Float32Array): Promise<string>
  fetched(path: string): Promise<ArrayBuffer>
}

interface Case {
  name: string
  bundle: Uint8Array
  tensors: { data: Float32Array; height: number; width: number; digest: string }[]
  /** Of the logits of the pixels below, in the baseline binary of Node. */
  picture: string
}

/** RGBA with structure at every scale, larger than what the networks look at. */
const [WIDTH, HEIGHT] = [150, 107]
const pixels = Uint8Array.from({ length: HEIGHT * WIDTH * 4 }, (_, i) => {
  const [x, y] = [(i >> 2) % WIDTH, Math.floor((i >> 2) / WIDTH)]
  return (x * (3 + (i % 4)) + ((y * y) >> (i % 4)) + (x * y) / 7) & 255
})

const DESCRIPTION = { labels: null, quantization: null, provenance: { weights: 'random' }, licence: null }
const int8: Case[] = []
const f32: Case[] = []
let server: Server
let origin: string

async function digestOfPixels(bundle: Uint8Array): Promise<string> {
  const net = await load(bundle, { variant: 'simd' })
  const { outputs } = await net.classifyFully({ data: pixels, width: WIDTH, height: HEIGHT })
  return digestOf(outputs.logits)
}

beforeAll(async () => {
  for (const file of goldenFiles()) {
    const golden = readGolden(file)
    const { graph, state } = goldenNetwork(golden)
    const bundle = packBundle(graph, state, 'int8', { input: { ...INPUT }, ...DESCRIPTION })
    const { height, width } = golden
    const tensors = golden.pictures.map(({ seed, digest }) => ({
      data: goldenPicture(golden, seed),
      height,
      width,
      digest,
    }))
    int8.push({ name: file.replace('.json', ''), bundle, tensors, picture: await digestOfPixels(bundle) })
  }
  for (const name of ['dy-shuffle', 'fix-mobile', 'mobilenetv2']) {
    const bundle = seededBundle(buildNetwork(name), 'f32', null)
    const net = await load(bundle, { variant: 'simd' })
    const tensor = seededTensor(72, 56)
    const digest = await digestOf((await net.run(tensor)).logits)
    f32.push({ name, bundle, tensors: [{ ...tensor, digest }], picture: await digestOfPixels(bundle) })
  }
  const type = 'application/octet-stream'
  const files: Parameters<typeof serve>[0] = { '/pixels': { type, bytes: pixels } }
  for (const { name, bundle, tensors } of [...int8, ...f32.map((row) => ({ ...row, name: `${row.name}-f32` }))]) {
    files[`/${name}.safetensors`] = { type, bytes: bundle }
    for (const [i, { data }] of tensors.entries())
      files[`/${name}-${i}`] = { type, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
  }
  ;({ server, origin } = await serve(files, {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  }))
}, 120_000)

afterAll(() => void server?.close())

describe.each(BROWSERS)('in $name', ({ open, has }) => {
  let session: Session
  const inPage = runnerIn<Globals>(() => session)
  beforeAll(async () => {
    session = await open()
    await session.goto(`${origin}/`)
    await session.evaluate(`import('/dist/browser.js').then((sdk) => {
      const fetched = async (path) => (await fetch(path)).arrayBuffer()
      Object.assign(globalThis, { sdk, fetched, digestOf: ${digestOf} })
    })`)
  })
  afterAll(() => session?.close())

  /** Digests of the logits of every tensor, and of the pixels. */
  const found = (name: string, { tensors }: Case, options: LoadOptions) =>
    inPage(
      async ({ sdk, digestOf, fetched }, [name, sizes, options, width, height]) => {
        const net = await sdk.load(`/${name}.safetensors`, options)
        const digests: string[] = []
        for (const [i, size] of sizes.entries()) {
          const data = new Float32Array(await fetched(`/${name}-${i}`))
          digests.push(await digestOf((await net.run({ data, ...size })).logits))
        }
        const data = new Uint8Array(await fetched('/pixels'))
        const picture = await digestOf((await net.classifyFully({ data, width, height })).outputs.logits)
        const { threads } = net
        net.dispose()
        return { digests, picture, threads }
      },
      [name, tensors.map(({ height, width }) => ({ height, width })), options, WIDTH, HEIGHT] as const,
    )
  const expected = ({ tensors, picture }: Case, threads: number) => ({
    digests: tensors.map(({ digest }) => digest),
    picture,
    threads,
  })

  test.each(has.relaxedSimd ? (['simd', 'relaxed'] as const) : (['simd'] as const))(
    '%s: the int8 digests of every network, of tensors and of RGBA bytes',
    async (variant) => {
      for (const row of int8) expect(await found(row.name, row, { variant }), row.name).toEqual(expected(row, 1))
    },
  )

  test('simd: f32 equals Node to the bit', async () => {
    for (const row of f32)
      expect(await found(`${row.name}-f32`, row, { variant: 'simd' }), row.name).toEqual(expected(row, 1))
  })

  test('two threads change no bit', async () => {
    const threads = has.sharedMemory ? 2 : 1
    for (const row of int8.filter(({ name }) => /^(dy-mobile|mobilenetv2)$/.test(name)))
      expect(await found(row.name, row, { threads: 2 }), row.name).toEqual(expected(row, threads))
    for (const row of f32)
      expect(await found(`${row.name}-f32`, row, { variant: 'simd', threads: 2 }), row.name).toEqual(
        expected(row, threads),
      )
  })
})

test('no two of these have the same logits', () => {
  const digests = [...int8, ...f32].flatMap(({ tensors, picture }) => [picture, ...tensors.map(({ digest }) => digest)])
  expect(digests).toHaveLength(3 * goldenFiles().length + 2 * f32.length)
  expect(new Set(digests).size).toBe(digests.length)
})
