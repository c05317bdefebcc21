import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BundleInput, DynedgeError, type Network, type Progress } from '../../src/index.ts'
import type { Network as HereNetwork } from '../../src/network.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { chunked, editHeader, errorOf, type Loose } from '../bundle/support.ts'
import { LABELS, load, seededTensor, smallBundle } from '../helpers/bundles.ts'
import { randomFrom, seed } from '../helpers/wasm.ts'

const bundle = smallBundle()
const tensor = seededTensor(64, 64)
let folder: string
let path: string
let expected: Float32Array

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dynedge-api-'))
  path = join(folder, 'net.safetensors')
  writeFileSync(path, bundle)
  expected = (await (await load(bundle, { variant: 'simd' })).run(tensor)).logits
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('load', () => {
  const inputs: [string, () => BundleInput][] = [
    ['a path', () => path],
    ['a file: URL', () => pathToFileURL(path)],
    ['a file: address', () => pathToFileURL(path).href],
    ['a Buffer', () => Buffer.from(bundle)],
    ['an ArrayBuffer', () => bundle.slice().buffer],
    ['a Blob', () => new Blob([bundle as BlobPart])],
    ['a ReadableStream', () => chunked(bundle, 1000)],
    ['a Response', () => new Response(bundle as BodyInit)],
  ]
  test.each(inputs)('%s gives the same logits', async (_, input) => {
    const progress: Progress[] = []
    const net = await load(input(), {
      variant: 'simd',
      onProgress: ({ loaded, total }) => progress.push({ loaded, total }),
    })
    expect((await net.run(tensor)).logits).toEqual(expected)
    expect(progress[0].loaded).toBe(0)
    expect(progress.at(-1)!.loaded).toBe(progress.at(-1)!.total)
  })

  test('what was planned to load is not planned again to run', async () => {
    const net = (await load(bundle, { variant: 'simd', maxInput: [64, 64] })) as HereNetwork
    const { plans } = net as unknown as { plans: Plan[] }
    const [plan] = plans
    expect([plan.height, plan.width]).toEqual([64, 64])
    await net.run(tensor)
    expect(plans).toEqual([plan])
  })

  test('refuses with a code: no file, no bundle, cut off, changed, no threads or another precision', async () => {
    const codeOf = async (input: BundleInput, options = {}) => (await errorOf(load(input, options))).code
    expect(await codeOf(join(folder, 'nothing'))).toBe('not-found')
    expect(await codeOf(folder)).toBe('bad-input')
    expect(await codeOf(new Uint8Array(1000))).toBe('bad-bundle')
    expect(await codeOf(42 as never)).toBe('bad-input')
    expect(await codeOf(bundle.slice(0, -64))).toBe('truncated-bundle')
    expect(await codeOf(bundle, { threads: 0 })).toBe('bad-input')
    const changed = bundle.slice()
    changed[changed.length - 100] ^= 1
    expect(await codeOf(changed)).toBe('damaged-bundle')
    expect(await codeOf(editHeader(bundle, (_, metadata) => Object.assign(metadata, { precision: 'int8' })))).toBe(
      'unsupported-layout',
    )
    expect(await codeOf(bundle, { maxInput: [0, 0] })).toBe('bad-input')
    expect(await codeOf(bundle, { signal: AbortSignal.abort() })).toBe('aborted')
  })

  test('a graph that does not fit its weights is refused before they are read', async () => {
    const edits: [(graph: Loose, entries: Loose) => void, string][] = [
      [
        (graph) => {
          graph.nodes[0].channels = 24
        },
        'unsupported-layout',
      ],
      [
        (graph) => {
          graph.nodes[0].op = 'transformer'
        },
        'unsupported-op',
      ],
      [
        (graph) => {
          graph.nodes[0].input.tensor = 'elsewhere'
        },
        'bad-bundle',
      ],
      [
        (graph) => {
          graph.outputs.logits = 'nothing'
        },
        'bad-bundle',
      ],
      [
        (graph) => {
          graph.nodes = []
        },
        'bad-bundle',
      ],
      [(graph) => graph.nodes.push(graph.nodes[0]), 'bad-bundle'],
      [(_, entries) => rename(entries, 'stem.weight', 'renamed.weight'), 'bad-bundle'],
    ]
    for (const [edit, code] of edits) {
      let read = 0
      const edited = editHeader(bundle, (entries, metadata) => {
        edit(metadata.graph, entries)
        if (entries['renamed.weight']) rename(metadata.crc32c, 'stem.weight', 'renamed.weight')
      })
      const error = await errorOf(load(edited, { onProgress: ({ loaded }) => (read = loaded) }), `${edit}`)
      expect([error.code, read], `${edit}: ${error.message}`).toEqual([code, 0])
    }
  })

  test('hostile graphs: only ever a DynedgeError, or a network that runs', async () => {
    const random = randomFrom(seed)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]
    const values = [
      0,
      1,
      -1,
      2,
      3,
      5,
      6,
      7,
      1.5,
      1e20,
      2 ** 20,
      65536,
      null,
      '',
      'image',
      'logits',
      's1.0.coef',
      '__proto__',
      'constructor',
      true,
      [],
      {},
      [1],
      'relu',
      'none',
    ]
    let [refused, ran] = [0, 0]
    for (let round = 0; round < 400; ++round) {
      let what = ''
      const edited = editHeader(bundle, (_, metadata) => {
        for (let changes = 1 + Math.floor(random() * 2); changes > 0; --changes) {
          const [holder, key] = place(pick([metadata.graph, metadata.graph, metadata.input]), random)
          const value = pick([...values, undefined])
          what += ` ${key}: ${JSON.stringify(holder[key])} -> ${JSON.stringify(value)}`
          if (value === undefined) delete holder[key]
          else holder[key] = value
        }
      })
      try {
        const net = await load(edited, { maxInput: [32, 32] })
        const outputs = await net.run(seededTensor(32, 32))
        ++ran
        expect(typeof outputs).toBe('object')
      } catch (error) {
        if (!(error instanceof DynedgeError))
          throw new Error(`${error}; round ${round}${what} SEED=${seed}`, { cause: error })
        ++refused
      }
    }
    expect(refused).toBeGreaterThan(100)
    expect(ran).toBeGreaterThan(0)
  })
})

function rename(holder: Loose, from: string, to: string): void {
  holder[to] = holder[from]
  delete holder[from]
}

/** A random field somewhere in a JSON tree. */
function place(tree: Loose, random: () => number): [holder: Loose, key: string] {
  const keys = Object.keys(tree)
  const key = keys[Math.floor(random() * keys.length)]
  const child = tree[key]
  const deeper = typeof child === 'object' && child !== null && Object.keys(child).length > 0 && random() < 0.9
  return deeper ? place(child, random) : [tree, key]
}

describe('a network', () => {
  let net: Network
  beforeAll(async () => {
    net = await load(bundle, { variant: 'simd' })
  })

  test('says what it is', () => {
    expect([net.name, net.precision, net.variant, net.threads]).toEqual(['dy-mobile', 'w8', 'simd', 1])
    expect(net.labels).toEqual(LABELS)
    expect(net.describe()).toMatchObject({ network: 'dy-mobile', precision: 'w8', classes: 10, licence: null })
    const { memoryBytes, weightBytes, arenaBytes } = net.describe()
    expect(memoryBytes).toBeLessThan(weightBytes + arenaBytes + 2 ** 20)
  })

  test('wrong inputs are refused and leave it usable', async () => {
    const wrong = [
      { data: new Float32Array(10), height: 64, width: 64 },
      { data: [1, 2, 3] as never, height: 1, width: 1 },
      { data: new Float32Array(0), height: 0, width: 64 },
      { data: new Float32Array(3 * 8193), height: 1, width: 8193 },
      { data: new Float32Array(36), height: 1.5, width: 8 },
      { data: new Float32Array(12), height: -2, width: -2 },
    ]
    for (const input of wrong) {
      expect((await errorOf(net.run(input))).code, `${input.height}x${input.width}`).toBe('bad-input')
      expect(() => net.runSync(input)).toThrow(DynedgeError)
    }
    expect(
      (await errorOf(net.run(tensor, { signal: AbortSignal.abort() }).catch((error) => Promise.reject(error)))).code,
    ).toBe('aborted')
    expect((await net.run(tensor)).logits).toEqual(expected)
    expect(net.runSync(tensor).logits).toEqual(expected)
  })

  test('wrong pictures and options are refused by classify', async () => {
    const picture = { data: new Uint8Array(48), width: 4, height: 4 }
    expect((await errorOf(net.classify({ ...picture, width: 5 }))).code).toBe('bad-image')
    expect((await errorOf(net.classify(null as never))).code).toBe('bad-image')
    expect((await errorOf(net.classify('photo.jpg' as never))).code).toBe('bad-image')
    for (const topK of [0, -1, 1.5, Number.NaN])
      expect((await errorOf(net.classify(picture, { topK }))).code).toBe('bad-input')
    expect((await errorOf(net.classify(picture, { size: [0, 64] }))).code).toBe('bad-input')
  })

  test('a network without probabilities runs, but does not classify', async () => {
    const headless = await load(
      editHeader(bundle, (_, metadata) => delete metadata.graph.outputs.probabilities),
      { variant: 'simd' },
    )
    expect(await headless.run(tensor)).toEqual({ logits: expected })
    expect((await errorOf(headless.classify({ data: new Uint8Array(3), width: 1, height: 1 }))).code).toBe('bad-input')
  })

  test('classify gives the best classes first', async () => {
    const picture = { data: Uint8Array.from({ length: 50 * 40 * 3 }, (_, i) => (i * i) >> 4), width: 50, height: 40 }
    const all = await net.classify(picture, { topK: 99 })
    expect(all).toHaveLength(10)
    expect(all.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5)
    const probabilities = all.map(({ probability }) => probability)
    expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a))
    for (const { index, label } of all) expect(label).toBe(LABELS[index])
    expect(await net.classify(picture)).toEqual(all.slice(0, 5))
    expect(await net.classify(picture, { topK: 1 })).toEqual(all.slice(0, 1))
  })

  test('sizes come and go, larger than maxInput too', async () => {
    const small = await load(bundle, { variant: 'simd', maxInput: [32, 32] })
    const before = small.describe().memoryBytes
    const first = (await small.run(seededTensor(32, 32))).logits
    const kept = first.slice()
    expect((await small.run(tensor)).logits).toEqual(expected)
    small.runSync(seededTensor(200, 150))
    expect(small.describe().memoryBytes).toBeGreaterThan(before)
    for (const [height, width] of [
      [1, 1],
      [33, 65],
      [200, 150],
      [64, 64],
    ]) {
      const input = seededTensor(height, width)
      expect(small.runSync(input).logits).toEqual((await net.run(input)).logits)
    }
    // Outputs are copies: later runs do not change them.
    expect(first).toEqual(kept)
    expect((await small.run(seededTensor(32, 32))).logits).toEqual(kept)
  })

  test('two networks live side by side; dispose ends one', async () => {
    const other = await load(smallBundle('f32', { classes: 7 }), { variant: 'simd' })
    const theirs = (await other.run(tensor)).logits
    expect(theirs).toHaveLength(7)
    const both = await Promise.all([net.run(tensor), other.run(tensor), net.run(tensor)])
    expect(both.map(({ logits }) => logits)).toEqual([expected, theirs, expected])
    other.dispose()
    other.dispose()
    for (const call of [
      () => other.run(tensor),
      () => other.classify({ data: new Uint8Array(3), width: 1, height: 1 }),
      () => other.profile(),
    ])
      expect((await errorOf(call())).code).toBe('disposed')
    expect(() => other.runSync(tensor)).toThrow(/disposed/)
    expect(() => other.describe()).toThrow(/disposed/)
    expect((await net.run(tensor)).logits).toEqual(expected)
  })

  test('profile times every step', async () => {
    const { ms, steps } = await net.profile({ size: [32, 32], repetitions: 2 })
    expect(ms).toBeGreaterThan(0)
    expect(steps.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 5)
    expect(new Set(steps.map(({ does }) => does))).toEqual(
      new Set('border full globalpool linear fuse pointwise grouped6 expand softmax'.split(' ')),
    )
    expect((await net.run(tensor)).logits).toEqual(expected)
  })
})
