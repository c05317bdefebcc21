import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { imageOf } from '../../src/image/input.ts'
import { checkPixels, type PixelArray } from '../../src/image/pixels.ts'
import { preprocessReference } from '../../src/image/reference.ts'
import { load, smallBundle } from '../helpers/bundles.ts'
import { counted, leastStaging, run, SMALL } from './run.ts'
import { makeSource } from './source.ts'
import { instantiate, variants } from './wasm.ts'

const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8]

/** The pixels as libvips turns a file that says `orientation`. */
async function turned({ data, width, height, channels }: Required<PixelArray>, orientation: number) {
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

describe.each(await variants())('$name', ({ bytes }) => {
  test.each(ORIENTATIONS)(
    'orientation %i: raw pixels as libvips turns them, to the bit, in one block and in many',
    async (orientation) => {
      const backend = await instantiate(bytes)
      for (const [width, height] of [
        [61, 47],
        [40, 90],
        [9, 120],
        [5, 7],
      ])
        for (const channels of [1, 3, 4] as const) {
          const plain = makeSource({ kind: 'noise', seed: 3, width, height, channels })
          const padded = makeSource({ kind: 'noise', seed: 3, width, height, channels }, 5)
          const expected = preprocessReference(await turned(plain, orientation), SMALL, 9, 16).values
          for (const source of [plain, padded]) {
            const pixels = checkPixels(await imageOf(source, { orientation }))
            const least = leastStaging((stagingBytes) => run(backend, pixels, SMALL, 9, 16, { stagingBytes }))
            for (const stagingBytes of [64 * 1024, least + 700, least]) {
              const { backend: seen, calls } = counted(backend)
              const context = `${width}x${height}x${channels}, ${stagingBytes} bytes of staging memory`
              expect(run(seen, pixels, SMALL, 9, 16, { stagingBytes }), context).toEqual(expected)
              if (stagingBytes !== least + 700) expect(calls.u8_plan_block > 1, context).toBe(stagingBytes === least)
            }
          }
        }
    },
  )
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
