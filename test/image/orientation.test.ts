import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { imageOf } from '../../src/image/input.ts'
import { checkPixels, type PixelSource } from '../../src/image/pixels.ts'
import { load, smallBundle } from '../helpers/bundles.ts'
import { makeSource } from './source.ts'

const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8]

/** The pixels as libvips turns a file that says `orientation`. */
async function turned({ data, width, height, channels }: Required<PixelSource>, orientation: number) {
  const file = await sharp(data, { raw: { width, height, channels } })
    .withMetadata({ orientation })
    .tiff({ compression: 'none', predictor: 'none' })
    .toBuffer()
  const { data: bytes, info } = await sharp(file)
    .autoOrient()
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect(info.channels).toBe(channels)
  return { data: new Uint8Array(bytes), width: info.width, height: info.height, channels }
}

describe.each([1, 3, 4] as const)('raw pixels of %i bytes', (channels) => {
  test.each(ORIENTATIONS)('orientation %i: rows and parts of rows as libvips turns them', async (orientation) => {
    const plain = makeSource({ kind: 'noise', seed: 3, width: 61, height: 47, channels })
    const padded = makeSource({ kind: 'noise', seed: 3, width: 61, height: 47, channels }, 5)
    const expected = await turned(plain, orientation)
    for (const source of [plain, padded]) {
      const pixels = checkPixels(await imageOf(source, { orientation }))
      expect([pixels.width, pixels.height]).toEqual([expected.width, expected.height])
      for (const [left, count] of [
        [0, pixels.width],
        [7, 20],
        [pixels.width - 1, 1],
      ])
        for (let y = 0; y < pixels.height; y += left ? 5 : 1) {
          const from = (y * expected.width + left) * channels
          const row =
            pixels.row?.(y, left, count) ??
            pixels.data.subarray(y * pixels.rowBytes + left * channels, y * pixels.rowBytes + (left + count) * channels)
          expect(Buffer.compare(row, expected.data.subarray(from, from + count * channels)), `row ${y}`).toBe(0)
        }
    }
  })
})

test.each(ORIENTATIONS)(
  'orientation %i: a picture of many bands is classified as the one that libvips turns',
  async (orientation) => {
    const net = await load(smallBundle('f32'), { variant: 'simd' })
    const source = makeSource({ kind: 'blocks', seed: 5, width: 1403, height: 1207, channels: 3 })
    const upright = await net.classify(await turned(source, orientation), { topK: 10 })
    expect(await net.classify(source, { topK: 10, orientation })).toEqual(upright)
    if (orientation > 1) expect(await net.classify(source, { topK: 10 })).not.toEqual(upright)
  },
)

test.each([0, 9, 2.5, -1, Number.NaN, '6', {}])('orientation %o is refused', async (orientation) => {
  const source = { data: new Uint8Array(12), width: 2, height: 2 }
  await expect(imageOf(source, { orientation: orientation as number })).rejects.toMatchObject({
    code: 'bad-input',
    message: expect.stringMatching(/^orientation is .*, expected 1 to 8, as in EXIF/),
  })
})
