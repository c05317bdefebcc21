import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BundleInput, DynedgeError, type Progress } from '../../src/index.ts'
import type { Network as HereNetwork } from '../../src/network.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { chunked, editHeader, errorOf, type Loose } from '../bundle/support.ts'
import { load, seededTensor, smallBundle } from '../helpers/bundles.ts'
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
          // A copy: what is put into itself would be no JSON.
          const value = structuredClone(pick([...values, undefined]))
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
