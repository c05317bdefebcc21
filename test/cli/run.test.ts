import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relaxedSimd } from 'wasm-feature-detect'
import { decode } from '../../src/cli/decode.ts'
import { preprocessReference } from '../../src/image/reference.ts'
import { drawing, dynedge, json, LABELS, ROOT, temporary, writeBundleFile } from './support.ts'

const { at, clean } = temporary()
const good = ['run', at('photo.jpg'), '--model', at('small.safetensors')]

beforeAll(async () => {
  writeBundleFile(at('small.safetensors'), 'dy-mobile', 'f32')
  writeBundleFile(at('other.safetensors'), 'dy-shuffle', 'w8', { width: 0.5, classes: 4, kernels: 3 })
  await drawing(120, 90).jpeg().toFile(at('photo.jpg'))
  await drawing(64, 200).png().toFile(at('tall.png'))
  await drawing(300, 200).jpeg().toFile(at('truncated.jpg'))
  truncateSync(at('truncated.jpg'), Math.floor(readFileSync(at('truncated.jpg')).length / 2))
  writeFileSync(at('text.jpg'), 'This is no picture.\nNot at all.\n')
  writeFileSync(at('empty.png'), '')
  mkdirSync(at('folder.jpg'))
})
afterAll(clean)

test('--json prints exactly the promised object', async () => {
  const found = json([...good, at('tall.png')])
  expect(Object.keys(found)).toEqual(['network', 'precision', 'variant', 'threads', 'input', 'results'])
  const variant = (await relaxedSimd()) ? 'relaxed' : 'simd'
  expect(found).toMatchObject({ network: 'dy-mobile', precision: 'f32', variant, threads: 1, input: [32, 48] })
  expect(found.results.map(({ file }: { file: string }) => file)).toEqual([at('photo.jpg'), at('tall.png')])
  for (const result of found.results) {
    expect(Object.keys(result)).toEqual(['file', 'ms', 'top', 'logits_sha256'])
    expect(result.ms).toBeGreaterThan(0)
    expect(result.logits_sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(result.top).toHaveLength(4)
    let sum = 0
    let before = 1
    for (const top of result.top) {
      expect(Object.keys(top)).toEqual(['index', 'label', 'probability'])
      expect(top.label).toBe(LABELS[top.index])
      expect(top.probability).toBeLessThanOrEqual(before)
      before = top.probability
      sum += top.probability
    }
    expect(sum).toBeCloseTo(1, 5)
  }
  expect(found.results[0].logits_sha256).not.toBe(found.results[1].logits_sha256)
})

test('The logits are those of the SDK on the picture as the reference prepares it', async () => {
  const { load } = await import(pathToFileURL(`${ROOT}/dist/node.js`).href)
  const net = await load(at('small.safetensors'))
  const { values } = preprocessReference(await decode(at('photo.jpg')), net.input, 64, 40)
  const { logits } = await net.run({ data: values, height: 64, width: 40 })
  net.dispose()
  const [result] = json([...good, '--size', '64x40']).results
  expect(result.logits_sha256).toBe(createHash('sha256').update(logits).digest('hex'))
})

test('--size, --top, --variant, --repeat, --profile', () => {
  const found = json([...good, '--size', '64', '--top', '2', '--variant', 'simd', '--repeat', '3', '--profile'])
  expect(found).toMatchObject({ input: [64, 64], variant: 'simd' })
  expect(found.results[0].top).toHaveLength(2)
  const { kinds, steps, ms } = found.profile
  const fusion = kinds.find(({ kind }: { kind: string }) => kind === 'kernel fusion')
  expect(fusion.steps).toBe(51)
  const sum = (list: { share: number }[]) => list.reduce((total, { share }) => total + share, 0)
  expect(sum(kinds)).toBeCloseTo(1, 6)
  expect(sum(steps)).toBeCloseTo(1, 6)
  expect(ms).toBeGreaterThan(0)
})

test('Two models: two networks, two answers', () => {
  const first = json(good)
  const second = json(['run', at('photo.jpg'), '--model', at('other.safetensors')])
  expect([second.network, second.precision]).toEqual(['dy-shuffle', 'w8'])
  expect(second.results[0].logits_sha256).not.toBe(first.results[0].logits_sha256)
  expect(json(good).results[0].logits_sha256).toBe(first.results[0].logits_sha256)
})

test('For people: labels, percentages, bars, time, variant, shares', () => {
  const { stdout, status, errors } = dynedge([...good, '--profile', '--variant', 'simd'])
  expect([status, errors]).toEqual([0, []])
  expect(stdout).toMatch(/^dy-mobile f32, variant simd, 1 thread, input 32x48\n/)
  expect(stdout).toMatch(/photo\.jpg {2}\d+\.\d\d ms\n/)
  for (const label of LABELS) expect(stdout).toMatch(new RegExp(`^  ${label} +\\d+\\.\\d %`, 'm'))
  expect(stdout).toMatch(/█/)
  expect(stdout).toMatch(/^ {2}kernel fusion +51 steps +\d+\.\d\d ms +\d+\.\d %/m)
})

describe('Bad files', () => {
  const bad: [name: string, words: RegExp][] = [
    ['truncated.jpg', /not a picture that can be read/],
    ['text.jpg', /not a picture that can be read/],
    ['empty.png', /empty/],
    ['folder.jpg', /directory/],
    ['missing.jpg', /no such file/],
  ]

  test('are reported one line each; the others are classified all the same, exit code 1', () => {
    const files = [at('photo.jpg'), ...bad.map(([name]) => at(name)), at('tall.png')]
    const { status, stdout, errors } = dynedge(['run', ...files, '--model', at('small.safetensors'), '--json'])
    expect(status).toBe(1)
    const { results } = JSON.parse(stdout)
    expect(results.map(({ file }: { file: string }) => file)).toEqual(files)
    expect(results[0].top).toHaveLength(4)
    expect(results.at(-1).top).toHaveLength(4)
    bad.forEach(([name, words], index) => {
      const result = results[index + 1]
      expect(Object.keys(result), name).toEqual(['file', 'error'])
      expect(result.error, name).toMatch(words)
      expect(errors[index]).toBe(`dynedge: ${at(name)}: ${result.error}`)
    })
    expect(errors).toHaveLength(bad.length)
  })

  test('only bad ones: still no stack trace', () => {
    const { status, stdout, errors } = dynedge(['run', at('text.jpg'), '--model', at('small.safetensors')])
    expect(status).toBe(1)
    expect(errors).toHaveLength(1)
    expect(stdout + errors).not.toMatch(/\bat .*:\d+:\d+/)
  })
})
