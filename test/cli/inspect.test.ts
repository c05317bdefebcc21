import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBundle } from '../../src/cli/bundle.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { dynedge, json, LABELS, temporary, writeBundleFile, writeIntegerBundle } from './support.ts'

const { at, clean } = temporary()
const bundle = at('small.safetensors')

beforeAll(() => writeBundleFile(bundle, 'dy-mobile', 'w8'))
afterAll(clean)

test('--json: header, tensors, sizes, checksums', () => {
  const found = json(['inspect', bundle])
  expect(found).toMatchObject({
    file: bundle,
    format: 1,
    layout: 1,
    network: 'dy-mobile',
    precision: 'w8',
    width: 0.25,
    classes: 4,
    kernels: 2,
    labels: LABELS,
    licence: 'CC0-1.0',
  })
  expect(found.checksums).toEqual({ crc32c: true, sha256: true, damaged: [] })
  expect(found.bytes.file).toBe(readFileSync(bundle).length)
  let end = 0
  for (const { name, offset, bytes } of found.tensors) {
    expect(offset, name).toBe(end)
    end += bytes
  }
  expect(end).toBe(found.bytes.data)
  expect(found.tensors.find(({ name }: { name: string }) => name === 'stem.weight')).toMatchObject({
    dtype: 'I8',
    elements: 256,
  })
  expect(found.plan).toBeUndefined()
})

test('Sizes by kind of layer add up to the data', () => {
  const { kinds, bytes, ranges } = json(['inspect', bundle])
  let sum = 0
  for (const { bytes: part } of kinds) sum += part.weights + part.others
  expect(sum).toBe(bytes.data)
  expect(kinds).toContainEqual({
    kind: 'dynamic grouped 3x3, 6 per group',
    layers: 14,
    dtype: 'I8',
    bytes: expect.anything(),
  })
  expect(ranges).toBeUndefined()
})

test('int8: the range of every tensor of integers, and what is known of the quantization', async () => {
  const file = at('int8.safetensors')
  const quantization = await writeIntegerBundle(file, 'dy-mobile')
  const found = json(['inspect', file])
  expect(found).toMatchObject({ precision: 'int8', quantization })
  const { graph } = (await openBundle(file)).header.metadata as unknown as { graph: Graph }
  expect(found.ranges.length).toBe(Object.keys(graph.quantization!).length)
  for (const { tensor, low, high, scale, zero, bits } of found.ranges) {
    expect({ scale, zero, bits }, tensor).toEqual(graph.quantization![tensor])
    expect([low, high], tensor).toEqual([-zero * scale + 0, (127 - zero) * scale])
  }
  const { stdout, status } = dynedge(['inspect', file])
  expect(status).toBe(0)
  expect(stdout).toMatch(/^network +dy-mobile int8, /m)
  expect(stdout).toMatch(
    /^quantization +weights: int8, .*; arithmetic: int8; ranges: calibration; observer: minmax; images: 4/m,
  )
  expect(stdout).toMatch(/^Tensors of integers, 7 bits$/m)
  expect(stdout).toMatch(/^1x1 convolution +\d+ +I8 /m)
  const stem = found.ranges.find(({ tensor }: { tensor: string }) => tensor === 'stem')
  const row = stdout.split('\n').find((line) => /^stem +0\.0*/.test(line))!
  expect(row.split(/ +/).slice(3, 5)).toEqual([stem.scale.toPrecision(4), `${stem.zero}`])
  expect(row).toMatch(/ dB +\d+: -?[\d.]+ dB$/)
})

test('--plan: steps with shapes, multiply-adds and arena places', () => {
  const { plan } = json(['inspect', bundle, '--plan', '64x32'])
  expect(plan.size).toEqual([64, 32])
  const stem = plan.steps.find(({ step }: { step: string }) => step === 'stem')
  expect(stem).toMatchObject({
    kernel: 'f32_full_4x8',
    input: { tensor: 'image', shape: [64, 32, 3] },
    output: { tensor: 'stem', shape: [32, 16, 8] },
  })
  expect(stem.multiply_adds).toBe(32 * 16 * 8 * 27)
  for (const { step, output } of plan.steps)
    expect(output.arena_offset + output.bytes, step).toBeLessThanOrEqual(plan.arena_bytes)
  expect(plan.steps.filter(({ kernel }: { kernel: string }) => kernel === 'w8_fuse')).toHaveLength(51)
})

test('For people', () => {
  const { stdout, status, errors } = dynedge(['inspect', bundle, '--plan', '32'])
  expect([status, errors]).toEqual([0, []])
  expect(stdout).toMatch(/^network +dy-mobile w8, width 0.25, 4 classes, g_t 2$/m)
  expect(stdout).toMatch(/^checksums +CRC32C of \d+ tensors right, SHA-256 right$/m)
  expect(stdout).toMatch(/^plan for 32x32: \d+ steps, arena /m)
  expect(stdout).toMatch(/^ *\d+ +stem +f32_full_4x8 +32x32x3 /m)
})

test('Damage is found, named, and an exit code', () => {
  const bytes = readFileSync(bundle)
  const { bytes: sizes, tensors } = json(['inspect', bundle])
  const victim = tensors[5]
  bytes[sizes.header + victim.offset + 3] ^= 4
  writeFileSync(at('damaged.safetensors'), bytes)
  const { status, stdout, errors } = dynedge(['inspect', at('damaged.safetensors'), '--json'])
  expect(status).toBe(1)
  expect(JSON.parse(stdout).checksums).toEqual({ crc32c: false, sha256: false, damaged: [victim.name] })
  expect(errors).toEqual([expect.stringContaining(`is damaged: ${victim.name}`)])
  const refused = { status: 1, stdout: '', errors: [expect.stringContaining(victim.name)] }
  expect(dynedge(['unpack', at('damaged.safetensors'), '-o', at('never')])).toEqual(refused)
  expect(dynedge(['run', bundle, '--model', at('damaged.safetensors')])).toEqual(refused)
})

test('A damaged header and a wrong length are refused', () => {
  const bytes = readFileSync(bundle)
  writeFileSync(at('long.safetensors'), Buffer.concat([bytes, Buffer.alloc(64)]))
  bytes[200] ^= 1
  writeFileSync(at('head.safetensors'), bytes)
  expect(dynedge(['inspect', at('long.safetensors')]).errors).toEqual([expect.stringMatching(/too long: .*64 extra/)])
  expect(dynedge(['inspect', at('head.safetensors')]).errors).toEqual([
    expect.stringMatching(/header is damaged: CRC32C/),
  ])
})
