import sharp from 'sharp'
import { afterAll, expect, test } from 'vitest'
import { decode } from '../../src/cli/decode.ts'
import type { PixelArray } from '../../src/image/pixels.ts'
import { drawing, temporary } from './support.ts'

const { at, clean } = temporary()
afterAll(clean)

const plain = () => drawing(31, 23)
const expected = () => plain().raw().toBuffer()

function largestDifference(found: PixelArray, bytes: Uint8Array): number {
  expect([found.width, found.height]).toEqual([31, 23])
  expect(found.data.length).toBe(bytes.length)
  return bytes.reduce((most, value, i) => Math.max(most, Math.abs(value - found.data[i])), 0)
}

test('Lossless formats: the very bytes', async () => {
  await plain().png().toFile(at('plain.png'))
  await plain().webp({ lossless: true }).toFile(at('plain.webp'))
  await plain().tiff({ compression: 'lzw' }).toFile(at('plain.tiff'))
  for (const name of ['plain.png', 'plain.webp', 'plain.tiff'])
    expect(largestDifference(await decode(at(name)), await expected()), name).toBe(0)
})

test('EXIF orientation is applied', async () => {
  for (const [orientation, turn] of [
    [3, 180],
    [6, 270],
    [8, 90],
  ]) {
    await plain().rotate(turn).withMetadata({ orientation }).tiff({ compression: 'lzw' }).toFile(at('turned.tiff'))
    const stored = await sharp(at('turned.tiff')).metadata()
    expect(stored.orientation).toBe(orientation)
    expect(largestDifference(await decode(at('turned.tiff')), await expected())).toBe(0)
  }
})

test('16 bits', async () => {
  await plain().toColourspace('rgb16').png().toFile(at('deep.png'))
  expect((await sharp(at('deep.png')).metadata()).depth).toBe('ushort')
  expect(largestDifference(await decode(at('deep.png')), await expected())).toBeLessThanOrEqual(1)
})

test('Gray, gray with alpha, RGB with alpha', async () => {
  await plain().grayscale().png().toFile(at('gray.png'))
  await plain().grayscale().ensureAlpha(0.5).png().toFile(at('gray-alpha.png'))
  await plain().ensureAlpha(0.25).png().toFile(at('alpha.png'))
  const gray = await decode(at('gray.png'))
  const grayAlpha = await decode(at('gray-alpha.png'))
  expect(gray.data.length).toBe(31 * 23 * gray.channels!)
  expect(Buffer.compare(Buffer.from(gray.data), Buffer.from(grayAlpha.data))).toBe(0)
  expect([1, 3]).toContain(gray.channels)
  expect(largestDifference(await decode(at('alpha.png')), await expected())).toBe(0)
})

test('CMYK becomes RGB of about the same colours', async () => {
  const flat = sharp({ create: { width: 31, height: 23, channels: 3, background: { r: 200, g: 120, b: 90 } } })
  await flat.toColourspace('cmyk').tiff({ compression: 'lzw' }).toFile(at('print.tiff'))
  expect((await sharp(at('print.tiff')).metadata()).space).toBe('cmyk')
  const { data, channels } = await decode(at('print.tiff'))
  expect(channels).toBe(3)
  for (const [channel, value] of [200, 120, 90].entries()) expect(Math.abs(data[channel] - value)).toBeLessThan(12)
})

test('Of an animation, the first frame', async () => {
  const frame = (value: number) => ({
    create: { width: 31, height: 23, channels: 3 as const, background: { r: value, g: value, b: value } },
  })
  const frames = await Promise.all([40, 200].map((value) => sharp(frame(value)).png().toBuffer()))
  await sharp(frames, { join: { animated: true } })
    .webp({ lossless: true, delay: [100, 100] })
    .toFile(at('moving.webp'))
  expect((await sharp(at('moving.webp')).metadata()).pages).toBe(2)
  expect(largestDifference(await decode(at('moving.webp')), new Uint8Array(31 * 23 * 3).fill(40))).toBe(0)
})
