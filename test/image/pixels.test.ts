import { describe, expect, test } from 'vitest'
import { DynedgeError } from '../../src/errors.ts'
import { checkPixels, type PixelSource } from '../../src/image/pixels.ts'

function refusal(source: object): string {
  try {
    checkPixels(source as PixelSource)
  } catch (error) {
    expect(error).toBeInstanceOf(DynedgeError)
    expect((error as DynedgeError).code).toBe('bad-image')
    return (error as Error).message
  }
  return 'accepted'
}

describe('pixel sources', () => {
  test.each([1, 3, 4])('%i bytes per pixel follow from the length', (channels) => {
    const data = new Uint8ClampedArray(5 * 7 * channels)
    expect(checkPixels({ data, width: 5, height: 7 })).toMatchObject({
      channels,
      planes: [{ rowBytes: 5 * channels, pixelBytes: channels }],
    })
  })

  test('bytes are seen, not copied, wherever they start', () => {
    const buffer = new Uint8Array([9, 9, 1, 2, 3, 9])
    const [{ data }] = checkPixels({ data: buffer.subarray(2, 5), width: 1, height: 1 }).planes
    expect([...data]).toEqual([1, 2, 3])
    buffer[3] = 7
    expect(data[1]).toBe(7)
  })

  test('an ArrayBuffer is fine', () => {
    const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6])
    const { channels, planes } = checkPixels({ data: buffer, width: 2, height: 1 })
    expect([channels, ...planes[0].data]).toEqual([3, 1, 2, 3, 4, 5, 6])
    expect(planes[0].data.buffer).toBe(buffer)
  })

  test('a Node Buffer is fine, and the last row may end early', () => {
    const source = { data: Buffer.alloc(16 + 9), width: 3, height: 2, channels: 3, rowBytes: 16 } as const
    expect(checkPixels(source).planes[0].data.length).toBe(25)
    expect(refusal({ ...source, data: Buffer.alloc(24) })).toMatch(/24 bytes, expected 25 .* in rows of 16/)
  })

  test.each([
    [{ width: 0 }, /width is 0, expected an integer from 1/],
    [{ height: 1.5 }, /height is 1.5/],
    [{ height: -1 }, /height is -1/],
    [{ width: Number.NaN }, /width is NaN/],
    [{ width: 2 ** 24 + 1 }, /to 16777216/],
    [{ data: new Float32Array(12) }, /data is Float32Array, expected Uint8Array, Uint8ClampedArray or ArrayBuffer/],
    [{ data: [1, 2, 3] }, /data is Array/],
    [{ data: new Uint8Array(13) }, /13 bytes, expected 4, 12 or 16 \(gray, RGB, RGBA\)/],
    [{ data: new Uint8Array(13), channels: 3 }, /13 bytes, expected 12 .*give rowBytes if rows are padded/],
    [{ channels: 2 }, /channels is 2, expected 1 \(gray\)/],
    [{ rowBytes: 6 }, /rowBytes is given without channels/],
    [{ channels: 3, rowBytes: 5 }, /rowBytes is 5, expected at least width x channels = 6/],
  ])('%o is refused', (change, message) => {
    const good = { data: new Uint8Array(12), width: 2, height: 2 }
    expect(refusal(good)).toBe('accepted')
    expect(refusal({ ...good, ...change })).toMatch(message)
  })
})
