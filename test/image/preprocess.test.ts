import { beforeAll, describe, expect, test } from 'vitest'
import { Word } from '../../assembly/image/words.ts'
import type { Backend } from '../../src/backend.ts'
import { quantised } from '../../src/graph/integer.ts'
import { seededUniform } from '../../src/graph/parameters.ts'
import { checkPixels } from '../../src/image/pixels.ts'
import { preprocess } from '../../src/image/preprocess.ts'
import { preprocessReference } from '../../src/image/reference.ts'
import { counted, IMAGENET, leastStaging, type Options, run, SMALL } from './run.ts'
import { makeSource } from './source.ts'
import { instantiate, scratch, variants } from './wasm.ts'

const SIDES = [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 16, 17, 21, 40, 67]

describe.each(await variants())('$name = reference', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  /** Runs one picture both ways and compares every bit. */
  function compare(width: number, height: number, channels: 1 | 3 | 4, net: [number, number], options: Options = {}) {
    const kind = (width + height) % 2 ? 'noise' : 'blocks'
    const source = makeSource({ kind, seed: width * 100 + height, width, height, channels }, channels === 3 ? 5 : 0)
    const expected = preprocessReference(source, SMALL, ...net).values
    const values = run(backend, source, SMALL, ...net, options)
    expect(values, `${width}x${height}x${channels} -> ${net[1]}x${net[0]}`).toEqual(expected)
  }

  test.each([1, 3, 4] as const)('%i channels, every pair of sides around the edges', (channels) => {
    for (const width of SIDES) for (const height of SIDES) compare(width, height, channels, [8, 8])
  })

  test.each([1, 3, 4] as const)('%i channels, network inputs of any shape', (channels) => {
    for (const height of [1, 2, 7, 9, 16]) for (const width of [1, 3, 8, 17]) compare(29, 83, channels, [height, width])
    for (const height of [1, 2, 7, 9, 16]) for (const width of [1, 3, 8, 17]) compare(31, 23, channels, [height, width])
  })

  test('strides: packed pixels, wide pixels, gaps between rows', () => {
    for (const pixelStride of [12, 16, 20, 32]) compare(30, 20, 4, [8, 9], { pixelStride, rowGap: 48 })
  })

  test('narrow staging splits the crop into columns without a seam', () => {
    for (const [width, height] of [
      [67, 40],
      [40, 200],
    ])
      for (const channels of [1, 3, 4] as const) {
        const source = makeSource({ kind: 'noise', seed: 8, width, height, channels })
        const least = leastStaging((stagingBytes) => run(backend, source, SMALL, 9, 16, { stagingBytes }))
        const parts = new Set<number>()
        for (let stagingBytes = least; stagingBytes < least + 2048; stagingBytes += 100) {
          const { backend: seen, calls } = counted(backend)
          expect(run(seen, source, SMALL, 9, 16, { stagingBytes })).toEqual(
            preprocessReference(source, SMALL, 9, 16).values,
          )
          parts.add(calls.u8_resize_band)
        }
        expect(parts.size).toBeGreaterThanOrEqual(4)
        expect(() => run(backend, source, SMALL, 9, 16, { stagingBytes: least - 1 })).toThrow(
          `Staging memory has ${least - 1} bytes, expected at least ${least} for a ${width} x ${height} picture at 16 x 9`,
        )
      }
  })

  test('a picture that starts in the middle of its buffer', () => {
    const source = makeSource({ kind: 'noise', seed: 5, width: 33, height: 27, channels: 4 })
    const shifted = new Uint8ClampedArray(source.data.length + 13)
    shifted.set(source.data, 7)
    const data = shifted.subarray(7, 7 + source.data.length)
    const expected = preprocessReference(source, SMALL, 8, 8).values
    expect(run(backend, { data, width: 33, height: 27 }, SMALL, 8, 8)).toEqual(expected)
  })

  test('alpha changes nothing', () => {
    const source = makeSource({ kind: 'noise', seed: 6, width: 33, height: 27, channels: 4 })
    const opaque = { ...source, data: source.data.map((byte, i) => (i % 4 === 3 ? 255 : byte)) }
    expect(run(backend, source, SMALL, 8, 8)).toEqual(run(backend, opaque, SMALL, 8, 8))
  })

  test('pixels that the crop does not see are not read', () => {
    const source = makeSource({ kind: 'noise', seed: 7, width: 90, height: 30, channels: 1 })
    // 30 wide after resizing, of which the middle 8 are seen: source columns 33 to 57, and their neighbours in the filter.
    const [sourceLeft, sourceWidth] = [30, 30]
    const rest = source.data.map((byte, i) => {
      const seen = i % 90 >= sourceLeft && i % 90 < sourceLeft + sourceWidth
      return seen ? byte : 255 - byte
    })
    expect(run(backend, { ...source, data: rest }, SMALL, 8, 8)).toEqual(run(backend, source, SMALL, 8, 8))
  })

  test('integers are those of the values', () => {
    const source = makeSource({ kind: 'noise', seed: 4, width: 61, height: 50, channels: 4 })
    const { values } = preprocessReference(source, SMALL, 16, 17)
    for (const quantization of [
      { scale: Math.fround(0.0373), zero: 57, bits: 7 },
      { scale: Math.fround(0.01), zero: 0, bits: 8 },
      { scale: Math.fround(0.5), zero: 3, bits: 7 },
      { scale: Math.fround(1 / 255), zero: 127, bits: 7 },
    ] as const) {
      const base = scratch(backend, 70_000)
      const target = { pointer: base + 65_536, rowStride: 17 * 4, pixelStride: 4, height: 16, width: 17, quantization }
      preprocess(backend, source, SMALL, { pointer: base, bytes: 65_536 }, target)
      const bytes = new Uint8Array(backend.memory.buffer, target.pointer, 16 * 17 * 4)
      const expected = Array.from(values, (value) => quantised(value, quantization))
      expect([...bytes].filter((_, i) => i % 4 < 3)).toEqual(expected)
      expect(new Set(bytes.filter((_, i) => i % 4 === 3))).toEqual(new Set([0]))
    }
  })

  test('wrong places and sizes are refused', () => {
    const base = scratch(backend, 20_000)
    const source = makeSource({ kind: 'blocks', seed: 1, width: 40, height: 30, channels: 3 })
    const staging = { pointer: base, bytes: 16_384 }
    const target = { pointer: base + 16_384, rowStride: 128, pixelStride: 16, height: 8, width: 8 }
    const go = (change: { source?: object; staging?: object; target?: object; spec?: object }) => () =>
      preprocess(
        backend,
        { ...source, ...change.source },
        { ...SMALL, ...change.spec },
        { ...staging, ...change.staging },
        { ...target, ...change.target },
      )
    expect(go({})).not.toThrow()
    expect(go({ source: { height: 31 } })).toThrow(/data has 3600 bytes, expected 3720/)
    expect(go({ staging: { bytes: 100 } })).toThrow(/staging has 100 bytes/)
    expect(go({ staging: { bytes: 3500 } })).toThrow(
      /Staging memory has 3500 bytes, expected at least \d+ for a 40 x 30 picture at 8 x 8: shrink/,
    )
    expect(go({ staging: { pointer: base + 8 } })).toThrow(/multiple of 16/)
    expect(go({ target: { pointer: base + 2 } })).toThrow(/multiple of 4/)
    expect(go({ staging: { pointer: 2 ** 40 } })).toThrow(/staging ends at \d+, expected at most/)
    expect(go({ target: { pointer: 2 ** 40 } })).toThrow(/target ends at \d+, expected at most/)
    expect(go({ target: { height: 0 } })).toThrow(/height is 0/)
    expect(go({ target: { pixelStride: 14 } })).toThrow(/pixelStride is 14/)
    expect(go({ target: { rowStride: 127 } })).toThrow(/rowStride is 127, expected at least .* = 128/)
    const turned = { ...checkPixels(source), orientation: 6 }
    expect(() => preprocess(backend, turned, SMALL, staging, { ...target, pixelStride: 12 })).toThrow(
      /pixelStride is 12, expected a multiple of 4 from 16 on/,
    )
    expect(go({ spec: { channels: 1 } })).toThrow(/channels is 1, expected 3/)
    expect(go({ spec: { resampling: 'nearest' } })).toThrow(/resampling is nearest/)
    expect(go({ spec: { mean: [0, 0] } })).toThrow(/mean is \[0,0\], expected 3/)
    expect(go({ spec: { std: [1, 0, 1] } })).toThrow(/std is \[1,0,1\], expected 3 positive/)
    expect(go({ spec: { size: [8] } })).toThrow(/size is \[8\]/)
    expect(go({ spec: { size: [8, 0.5] } })).toThrow(/size\[1\] is 0.5/)
    expect(go({ spec: { shorterSide: 7 } })).toThrow(/shorterSide is 7, expected at least 8/)
  })

  test('256 KB resize 8000 x 6000 to 224 x 224 in one block, either way round', () => {
    for (const [width, height] of [
      [8000, 6000],
      [6000, 8000],
    ]) {
      const data = new Uint8Array(width * height * 4)
      const { backend: seen, calls } = counted(backend)
      run(seen, { data, width, height }, IMAGENET, 224, 224)
      expect(calls.u8_plan_block).toBe(1)
    }
  })

  test('numbers that no host may give do not trap', () => {
    const base = scratch(backend, 262_144)
    const words = new Int32Array(backend.memory.buffer, base, 200)
    const random = seededUniform('words', 1, 200 * 300, (u) => Math.floor((u - 0.5) * 2 ** (1 + u * 32)))
    for (let round = 0; round < 300; round++) {
      words.set(random.subarray(round * 200, round * 200 + 200))
      words.set([4, round & 1, 0, 0])
      new Float64Array(backend.memory.buffer, base + 16, 6).set([
        100,
        random[round],
        random[round + 1],
        90,
        0.5,
        Number.NaN,
      ])
      words[Word.Height] = 20
      words[Word.Width] = 30
      words.fill(0, Word.Planes, Word.SourceLeft)
      words[Word.Planes] = 4
      backend.exports.u8_plan_block(base, 262_144)
    }
  })
})
