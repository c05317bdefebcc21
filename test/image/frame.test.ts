import { describe, expect, test } from 'vitest'
import { DynedgeError } from '../../src/errors.ts'
import { checkFrame } from '../../src/image/frame.ts'
import type { FrameSource } from '../../src/image/frame-source.ts'
import { imageOf } from '../../src/image/input.ts'
import { MATRICES, matrixWords, RANGES } from '../../src/image/matrix.ts'
import { checkPixels } from '../../src/image/pixels.ts'
import { preprocessReference, rgbReference, type Samples, uprightReference } from '../../src/image/reference.ts'
import { load, smallBundle } from '../helpers/bundles.ts'
import { type FrameRecipe, type MadeFrame, makeFrame } from './frames.ts'
import { counted, IMAGENET, leastStaging, run, SMALL } from './run.ts'
import { makeSource } from './source.ts'
import { instantiate, scratch, variants } from './wasm.ts'

const FORMATS = ['i420', 'yv12', 'nv12', 'nv21', 'yuyv', 'uyvy'] as const
const POISON = 0xa7

describe.each(await variants())('$name', ({ bytes }) => {
  test.each(MATRICES.flatMap((matrix) => RANGES.map((range) => [matrix, range] as const)))(
    'u8_yuv_row is the formula: %s, %s range',
    async (matrix, range) => {
      const backend = await instantiate(bytes)
      const at = scratch(backend, 8192)
      const u8 = new Uint8Array(backend.memory.buffer)
      const [target, y, u, v, words] = [at + 64, at + 2048, at + 4096, at + 5120, at + 6144]
      new Int32Array(backend.memory.buffer).set(matrixWords(matrix, range), words / 4)
      for (let width = 1; width <= 67; width++) {
        const { frame, rgb } = makeFrame({ format: 'i420', width, height: 1, seed: width, matrix, range })
        u8.fill(POISON, at, words)
        ;[y, u, v].forEach((place, i) => {
          u8.set(frame.planes[i].data, place)
        })
        backend.exports.u8_yuv_row(target, y, u, v, width, words)
        const expected = Array.from({ length: width }, (_, x) => [...rgb.data.subarray(x * 3, x * 3 + 3), 255]).flat()
        expect([...u8.subarray(target, target + width * 4)], `${width}`).toEqual(expected)
        const whole = Math.ceil(width / 4) * 16
        expect(new Set(u8.subarray(at, target))).toEqual(new Set([POISON]))
        expect(new Set(u8.subarray(target + whole, y))).toEqual(new Set([POISON]))
      }
    },
  )

  test('u8_pick_row picks, and writes no further than the sixteen that it began', async () => {
    const backend = await instantiate(bytes)
    const at = scratch(backend, 8192)
    const u8 = new Uint8Array(backend.memory.buffer)
    const [target, source] = [at + 64, at + 1024]
    for (let i = 0; i < 4096; i++) u8[source + i] = Math.imul(i, 2654435761) >>> 24
    for (const step of [1, 2, 3, 4, 5, 8])
      for (const count of [1, 2, 15, 16, 17, 31, 32, 33, 100]) {
        u8.fill(POISON, at, source)
        backend.exports.u8_pick_row(target, source, count, step)
        const expected = Array.from({ length: count }, (_, x) => u8[source + x * step])
        expect([...u8.subarray(target, target + count)], `${count} of ${step}`).toEqual(expected)
        expect(new Set(u8.subarray(at, target))).toEqual(new Set([POISON]))
        expect(new Set(u8.subarray(target + Math.ceil(count / 16) * 16, source))).toEqual(new Set([POISON]))
      }
  })

  /** Preprocesses a frame, turned, with as much staging as is there and with the least, and compares every bit. */
  async function compare({ frame, rgb }: MadeFrame, orientation: number, net: [number, number]) {
    const backend = await instantiate(bytes)
    const expected = preprocessReference(uprightReference(rgb, orientation), SMALL, ...net).values
    const pixels = checkPixels(await imageOf(frame, { orientation }))
    const least = leastStaging((stagingBytes) => run(backend, pixels, SMALL, ...net, { stagingBytes }))
    for (const stagingBytes of [256 * 1024, least + 300, least]) {
      const values = run(backend, pixels, SMALL, ...net, { stagingBytes })
      expect(values, `${frame.width}x${frame.height}, orientation ${orientation}, ${stagingBytes}`).toEqual(expected)
    }
  }

  test.each(FORMATS)('%s: odd sizes, every orientation', async (format) => {
    let orientation = 0
    for (const width of [1, 2, 3, 16, 21, 67])
      for (const height of [1, 2, 5, 33, 80]) {
        orientation = (orientation % 8) + 1
        await compare(makeFrame({ format, width, height }), orientation, [8, 8])
      }
    for (orientation = 1; orientation <= 8; orientation++)
      for (const [width, height] of [
        [61, 43],
        [35, 140],
      ])
        await compare(makeFrame({ format, width, height, seed: orientation }), orientation, [9, 16])
  })

  test('gaps between rows and samples, ranges, matrices', async () => {
    const recipes: Partial<FrameRecipe>[] = [
      { format: 'i420', colourStep: 2, gap: 7 },
      { format: 'yv12', colourStep: 2, step: 2 },
      { format: 'i420', colourStep: 3, gap: 100 },
      { format: 'i420', colourStep: 4, step: 4 },
      { format: 'nv12', gap: 64 },
      { format: 'nv21', colourStep: 4, gap: 1 },
      { format: 'nv12', colourStep: 3, step: 3 },
      { format: 'yuyv', gap: 3 },
      { format: 'uyvy', gap: 200 },
    ]
    for (const [i, recipe] of recipes.entries()) {
      const colours = { matrix: MATRICES[i % 3], range: RANGES[i % 2] }
      await compare(makeFrame({ format: 'i420', width: 51, height: 37, ...colours, ...recipe }), (i % 8) + 1, [8, 8])
    }
  })

  test('BGRA is RGBA with other bytes first, RGBA is RGBA', async () => {
    const backend = await instantiate(bytes)
    const { data, width, height } = makeSource({ kind: 'noise', seed: 9, width: 45, height: 30, channels: 4 })
    const swapped = data.map((_, i) => data[i % 4 < 3 ? i - (i % 4) * 2 + 2 : i])
    const expected = preprocessReference({ data, width, height }, SMALL, 8, 8).values
    const padded = new Uint8Array(height * 200).fill(0xa5)
    for (let y = 0; y < height; y++) padded.set(swapped.subarray(y * width * 4, (y + 1) * width * 4), y * 200)
    for (const frame of [
      { format: 'bgra', data: swapped, width, height },
      { format: 'bgra', data: padded.subarray(0, 29 * 200 + 180), rowBytes: 200, width, height },
      { format: 'bgra', planes: [{ data: padded.buffer, rowBytes: 200 }], width, height },
      { format: 'rgba', data, width, height },
    ] as FrameSource[])
      expect(run(backend, checkPixels(await imageOf(frame, {})), SMALL, 8, 8)).toEqual(expected)
  })
})

describe('one buffer', () => {
  const joined = (parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))

  test.each(FORMATS)('%s: its planes follow one another', (format) => {
    for (const [width, height] of [
      [8, 6],
      [9, 7],
      [1, 1],
    ]) {
      const { frame } = makeFrame({ format, width, height })
      const data = joined(frame.planes.map((plane) => plane.data))
      for (const one of [data, new Uint8ClampedArray(data), data.buffer]) {
        const found = checkFrame({ format, width, height, data: one }, DynedgeError)
        expect(found).toEqual(checkFrame(frame, DynedgeError))
      }
    }
  })

  test('rowBytes: of the first plane, of planes of U or V alone half of it', () => {
    const data = new Uint8Array(12 * 6 * 2)
    const rows = (format: FrameSource['format']) =>
      checkFrame({ format, width: 9, height: 6, data, rowBytes: 12 }, DynedgeError).planes.map((plane) => [
        plane.data.byteOffset,
        plane.rowBytes,
      ])
    expect(rows('nv12')).toEqual([
      [0, 12],
      [72, 12],
    ])
    expect(rows('yv12')).toEqual([
      [0, 12],
      [72, 6],
      [90, 6],
    ])
  })
})

describe('colours', () => {
  /** Of one pixel. */
  const rgbOf = (samples: number[], matrix: FrameSource['matrix'], range: FrameSource['range']) => {
    const planes = samples.map((byte) => ({ data: Uint8Array.of(byte), rowBytes: 1, pixelBytes: 1 }))
    return [...rgbReference(planes as [Samples, Samples, Samples], { width: 1, height: 1, matrix, range }, 1, 1).data]
  }
  /** Luma's red and blue, as the recommendations have them. */
  const LUMA = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722], bt2020: [0.2627, 0.0593] }
  const SCALES = { full: [0, 255, 255], limited: [16, 219, 224] }
  const VALUES = [0, 1, 15, 16, 17, 60, 100, 127, 128, 129, 160, 200, 234, 235, 240, 254, 255]

  test.each(MATRICES.flatMap((matrix) => RANGES.map((range) => [matrix, range] as const)))(
    '%s, %s range: within 0.6 of what real numbers give',
    (matrix, range) => {
      const [kr, kb] = LUMA[matrix]
      const [black, lumas, colours] = SCALES[range]
      let largest = 0
      for (const y of VALUES)
        for (const u of VALUES)
          for (const v of VALUES) {
            const luma = (y - black) / lumas
            const red = luma + (2 * (1 - kr) * (v - 128)) / colours
            const blue = luma + (2 * (1 - kb) * (u - 128)) / colours
            const green = (luma - kr * red - kb * blue) / (1 - kr - kb)
            const found = rgbOf([y, u, v], matrix, range)
            for (const [c, value] of [red, green, blue].entries())
              largest = Math.max(largest, Math.abs(found[c] - Math.max(0, Math.min(255, value * 255))))
          }
      expect(largest).toBeLessThan(0.6)
    },
  )

  test('gray stays gray, black black and white white', () => {
    for (const matrix of MATRICES) {
      for (let y = 0; y < 256; y++) expect(rgbOf([y, 128, 128], matrix, 'full')).toEqual([y, y, y])
      expect(rgbOf([16, 128, 128], matrix, 'limited')).toEqual([0, 0, 0])
      expect(rgbOf([235, 128, 128], matrix, 'limited')).toEqual([255, 255, 255])
    }
  })
})

describe('what contradicts itself is refused', () => {
  const planes = (...lengths: number[]) => lengths.map((length) => ({ data: new Uint8Array(length) }))
  const good = { format: 'nv12', width: 8, height: 6, planes: planes(48, 24) }
  const whole = { format: 'nv12', width: 8, height: 6, data: new Uint8Array(72) }
  const plane = (index: number, change: object) => ({
    planes: good.planes.map((one, i) => (i === index ? { ...one, ...change } : one)),
  })

  test.each<[object, RegExp]>([
    [{ format: 'p010' }, /format is p010, expected one of rgba, bgra, .*, uyvy/],
    [{ format: null }, /format is an object/],
    [{ format: 'constructor' }, /format is constructor/],
    [{ width: 0 }, /width is 0, expected an integer from 1 to 16777216/],
    [{ width: undefined }, /width is undefined/],
    [{ height: 2.5 }, /height is 2.5/],
    [{ height: 2 ** 24 + 1 }, /height is 16777217/],
    [{ matrix: 'rgb' }, /matrix is rgb, expected one of bt601, bt709, bt2020/],
    [{ range: true }, /range is true, expected one of full, limited/],
    [{ data: new Uint8Array(72) }, /both planes and data, expected one of them/],
    [{ planes: undefined }, /neither planes nor data/],
    [{ planes: 3 }, /planes is 3, expected an array of 2: Y, UV/],
    [{ planes: planes(48) }, /planes is an array of 1, expected an array of 2: Y, UV/],
    [{ planes: [null, null] }, /planes is an array of 2/],
    [{ rowBytes: 8 }, /rowBytes is given beside planes/],
    [plane(0, { data: new Float32Array(48) }), /planes\[0\].data is Float32Array, expected Uint8Array/],
    [plane(1, { data: undefined }), /planes\[1\].data is Undefined/],
    [plane(1, { data: new Uint8Array(0) }), /planes\[1\].data is empty, or was given away/],
    [plane(0, { data: new Uint8Array(47) }), /planes\[0\].data has 47 bytes, expected 48 for 8 x 6 samples \(Y\)/],
    [plane(1, { data: new Uint8Array(23) }), /planes\[1\].data has 23 bytes, expected 24 for 4 x 3 samples \(UV\)/],
    [plane(0, { rowBytes: 7 }), /planes\[0\].rowBytes is 7, expected an integer of at least 8/],
    [plane(1, { rowBytes: 8.5 }), /planes\[1\].rowBytes is 8.5/],
    [plane(1, { rowBytes: 9 }), /planes\[1\].data has 24 bytes, expected 26 .* in rows of 9/],
    [plane(0, { pixelBytes: 0 }), /planes\[0\].pixelBytes is 0, expected an integer of at least 1/],
    [plane(1, { pixelBytes: 1 }), /planes\[1\].pixelBytes is 1, expected an integer of at least 2/],
    [plane(1, { pixelBytes: '2' }), /planes\[1\].pixelBytes is 2/],
    [plane(1, { pixelBytes: Number.NaN }), /planes\[1\].pixelBytes is NaN/],
    [
      { format: 'bgra', planes: [{ data: new Uint8Array(192), pixelBytes: 8 }] },
      /planes\[0\].pixelBytes is 8, expected 4/,
    ],
    [{ format: 'yuyv', planes: planes(95) }, /planes\[0\].data has 95 bytes, expected 96 for 4 x 6 samples \(pair\)/],
  ])('%o', async (change, message) => {
    const refused = { code: 'bad-image', message: expect.stringMatching(message) }
    await expect(imageOf({ ...good, ...change } as FrameSource, {})).rejects.toMatchObject(refused)
    await expect(imageOf({ ...good, ...change } as FrameSource, { orientation: 6 })).rejects.toMatchObject(refused)
  })

  test.each<[object, RegExp]>([
    [
      { data: new Uint8Array(71) },
      /data has 71 bytes, expected 72 for 8 x 6 pixels \(Y, UV\); give rowBytes or planes/,
    ],
    [{ data: new Uint8Array(73) }, /data has 73 bytes, expected 72/],
    [{ data: 'bytes' }, /data is String/],
    [{ data: new Uint16Array(36) }, /data is Uint16Array/],
    [{ data: new ArrayBuffer(0) }, /data is empty/],
    [{ rowBytes: 7 }, /rowBytes is 7, expected an integer of at least 8/],
    [{ rowBytes: 9 }, /data has 72 bytes, expected 80 .* in rows of 9/],
  ])('one buffer: %o', async (change, message) => {
    const refused = { code: 'bad-image', message: expect.stringMatching(message) }
    await expect(imageOf({ ...whole, ...change } as FrameSource, {})).rejects.toMatchObject(refused)
  })

  test('and what does not is not', async () => {
    expect((await imageOf(good as FrameSource, {})).width).toBe(8)
    expect((await imageOf(whole as FrameSource, {})).width).toBe(8)
  })
})

test('networks take frames: turned, to classify and for their kernels', async () => {
  const bundle = smallBundle('f32')
  const net = await load(bundle, { variant: 'simd' })
  const { frame, rgb } = makeFrame({ format: 'nv21', width: 99, height: 70, gap: 5 })
  const turned = uprightReference(rgb, 6)
  const expected = await net.classify(turned, { topK: 10 })
  expect(await net.classify(frame, { topK: 10, orientation: 6 })).toEqual(expected)
  expect(await net.kernels(frame, { orientation: 6 })).toEqual(await net.kernels(turned))
  net.dispose()
})

test('a frame of 1280x720 takes few calls of the module', async () => {
  const backend = await instantiate((await variants())[0].bytes)
  for (const [format, most] of [
    ['nv12', 10],
    ['rgba', 30],
  ] as const) {
    const frame =
      format === 'nv12'
        ? makeFrame({ format, width: 1280, height: 720 }).frame
        : { format, width: 1280, height: 720, data: new Uint8Array(1280 * 720 * 4) }
    const pixels = checkPixels(await imageOf(frame, { orientation: 6 }))
    const { backend: seen, calls } = counted(backend)
    run(seen, pixels, IMAGENET, 224, 224)
    expect(Object.keys(calls).sort()).toEqual(['u8_plan_block', 'u8_resize_band'])
    expect(calls.u8_plan_block).toBe(1)
    expect(calls.u8_resize_band, format).toBeLessThanOrEqual(most)
  }
})
