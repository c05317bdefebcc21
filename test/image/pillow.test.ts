import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { imageGeometry } from '../../src/image/geometry.ts'
import { preprocessReference } from '../../src/image/reference.ts'
import type { InputSpec } from '../../src/image/spec.ts'
import { digest, run } from './run.ts'
import { makeSource, type Recipe } from './source.ts'
import { instantiate, variants } from './wasm.ts'

interface Case {
  source: Recipe
  spec: InputSpec
  height: number
  width: number
  bytesSha256: string
  valuesSha256: string
  /** Base64 of the RGB bytes where they are few: shows what differs. */
  bytes?: string
}

// A line more in the fixture is a case more here.
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/image/pillow.json', import.meta.url), 'utf8')) as {
  cases: Case[]
}

const PLAIN_LIMIT = 3e6 // pixels; the plain reference is slow

function title({ source, spec, height, width }: Case): string {
  const { kind, channels } = source
  return `${source.width}x${source.height} ${kind} x${channels} -> ${width}x${height} of ${spec.shorterSide}`
}

test('the fixtures cover both orders of the passes and all kinds of pixels', () => {
  const found = cases.map(({ source, spec, height, width }) => imageGeometry(source, spec, height, width))
  expect(found.filter(({ verticalFirst }) => verticalFirst).length).toBeGreaterThan(8)
  expect(new Set(cases.map(({ source }) => source.channels))).toEqual(new Set([1, 3, 4]))
})

describe('reference = Pillow', () => {
  test.each(
    cases.filter(({ source }) => source.width * source.height < PLAIN_LIMIT).map((c) => [title(c), c] as const),
  )('%s', (_, { source, spec, height, width, bytes, bytesSha256, valuesSha256 }) => {
    const result = preprocessReference(makeSource(source), spec, height, width)
    if (bytes) expect([...result.bytes]).toEqual([...Buffer.from(bytes, 'base64')])
    expect(digest(result.bytes)).toBe(bytesSha256)
    expect(digest(result.values)).toBe(valuesSha256)
  })
})

for (const variant of await variants()) {
  describe(`${variant.name} = Pillow`, async () => {
    const backend = await instantiate(variant.bytes)
    test.each(cases.map((c) => [title(c), c] as const))('%s', (_, { source, spec, height, width, valuesSha256 }) => {
      expect(digest(run(backend, makeSource(source), spec, height, width))).toBe(valuesSha256)
    })
  })
}
