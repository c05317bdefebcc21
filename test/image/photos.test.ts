import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/cli/decode.ts'
import type { PixelArray } from '../../src/image/pixels.ts'
import { preprocessReference } from '../../src/image/reference.ts'
import type { InputSpec } from '../../src/image/spec.ts'
import { digest, run } from './run.ts'
import { instantiate, variants } from './wasm.ts'

interface Case {
  photo: string
  spec: InputSpec
  height: number
  width: number
  bytesSha256: string
  valuesSha256: string
}

// From a JPEG file to the network's input, as Pillow, torchvision's rules and PyTorch make it: models/make_image_fixtures.py.
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/image/photos.json', import.meta.url), 'utf8')) as {
  cases: Case[]
}
const photos = [...new Set(cases.map(({ photo }) => photo))]
const pixels = new Map<string, PixelArray>()

beforeAll(async () => {
  for (const photo of photos)
    pixels.set(photo, await decode(fileURLToPath(new URL(`../../samples/${photo}`, import.meta.url))))
})

test('there are many photographs', () => expect(photos.length).toBeGreaterThan(10))

describe.each(photos)('%s', (photo) => {
  const own = cases.filter((one) => one.photo === photo)

  test('the plain reference, to the bit', () => {
    // It is slow.
    const { spec, height, width, bytesSha256, valuesSha256 } = own[photos.indexOf(photo) % own.length]
    const { bytes, values } = preprocessReference(pixels.get(photo)!, spec, height, width)
    expect([digest(bytes), digest(values)]).toEqual([bytesSha256, valuesSha256])
  })

  test.each(variants())('$name, to the bit, in RGB and RGBA', async ({ bytes }) => {
    const backend = await instantiate(bytes)
    const source = pixels.get(photo)!
    const rgba = { ...source, data: withAlpha(source.data), channels: 4 as const }
    for (const [i, { spec, height, width, valuesSha256 }] of own.entries())
      for (const kind of i % 3 ? [source] : [source, rgba])
        expect(digest(run(backend, kind, spec, height, width)), `${width}x${height}`).toBe(valuesSha256)
  })
})

/** Alpha of all values: it must not count. */
function withAlpha(rgb: Uint8Array | Uint8ClampedArray): Uint8Array {
  return Uint8Array.from({ length: (rgb.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? i & 255 : rgb[(i >> 2) * 3 + (i % 4)],
  )
}
