import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { planImage, stagingBytes } from '../../src/image/plan.ts'
import { runImagePlan } from '../../src/image/preprocess.ts'
import { preprocessReference } from '../../src/image/reference.ts'
import { IMAGENET, type Options, run, SMALL } from './run.ts'
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
        const source = { height, width, channels }
        const whole = planImage(source, SMALL, 9, 16, 1e9)
        let bytes = whole.bytes
        let most = 1
        // Each plan gets one row of bytes less than the last one used, until none fits.
        for (;;) {
          const plan = plannedOrUndefined(() => planImage(source, SMALL, 9, 16, bytes))
          if (!plan) break
          most = Math.max(most, plan.blocks.length)
          compare(width, height, channels, [9, 16], { stagingBytes: bytes })
          bytes = plan.bytes - 16
        }
        // Up to four columns may take the same bytes.
        expect(most).toBeGreaterThanOrEqual(4)
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
    const plan = planImage({ width: 90, height: 30, channels: 1 }, SMALL, 8, 8, 1e9)
    const { sourceLeft, sourceWidth } = plan.blocks[0]
    expect(sourceLeft).toBeGreaterThan(20)
    const rest = source.data.map((byte, i) => {
      const seen = i % 90 >= sourceLeft && i % 90 < sourceLeft + sourceWidth
      return seen ? byte : 255 - byte
    })
    expect(run(backend, { ...source, data: rest }, SMALL, 8, 8)).toEqual(run(backend, source, SMALL, 8, 8))
  })

  test('one plan serves many pictures; others are refused', () => {
    const plan = planImage({ width: 40, height: 30, channels: 3 }, SMALL, 8, 8, 1 << 16)
    const base = scratch(backend, plan.bytes + 1024)
    const staging = { pointer: base, bytes: plan.bytes }
    const target = { pointer: base + plan.bytes, rowStride: 128, pixelStride: 16, height: 8, width: 8 }
    for (const seed of [1, 2]) {
      const source = makeSource({ kind: 'blocks', seed, width: 40, height: 30, channels: 3 })
      runImagePlan(backend, plan, source, staging, target)
      const values = new Float32Array(backend.memory.buffer, target.pointer, 8 * 8 * 4).filter((_, i) => i % 4 < 3)
      expect(values).toEqual(preprocessReference(source, SMALL, 8, 8).values)
    }
    const source = makeSource({ kind: 'blocks', seed: 1, width: 40, height: 30, channels: 3 })
    const go = (change: { source?: object; staging?: object; target?: object }) => () =>
      runImagePlan(
        backend,
        plan,
        { ...source, ...change.source },
        { ...staging, ...change.staging },
        { ...target, ...change.target },
      )
    expect(go({})).not.toThrow()
    expect(go({ source: { height: 29 } })).toThrow(/40 x 29 with 3 channels, expected 40 x 30/)
    expect(go({ staging: { bytes: plan.bytes - 1 } })).toThrow(/staging has/)
    expect(go({ staging: { pointer: base + 8 } })).toThrow(/multiple of 16/)
    expect(go({ target: { pointer: base + 2 } })).toThrow(/multiple of 4/)
    expect(go({ staging: { pointer: 2 ** 40 } })).toThrow(/staging ends at \d+, expected at most/)
    expect(go({ target: { pointer: 2 ** 40 } })).toThrow(/target ends at \d+, expected at most/)
    expect(go({ target: { width: 9 } })).toThrow(/target is 9 x 8, expected 8 x 8/)
    expect(go({ target: { pixelStride: 14 } })).toThrow(/pixelStride is 14/)
    expect(go({ target: { rowStride: 127 } })).toThrow(/rowStride is 127, expected at least .* = 128/)
  })
})

describe('plan', () => {
  test('256 KB resize 8000 x 6000 to 224 x 224 in one block, either way round', () => {
    expect(stagingBytes(8000, 6000, IMAGENET, 224, 224)).toBeLessThan(256 * 1024)
    expect(stagingBytes(6000, 8000, IMAGENET, 224, 224)).toBeLessThan(256 * 1024)
  })

  test('blocks lie side by side and use what they were given', () => {
    const source = { width: 3000, height: 9000, channels: 4 } as const
    const { blocks, bytes, geometry } = planImage(source, IMAGENET, 224, 224, 256 * 1024)
    expect(geometry.verticalFirst).toBe(true)
    expect(blocks.length).toBeGreaterThan(1)
    expect(bytes).toBeLessThanOrEqual(256 * 1024)
    let left = 0
    for (const block of blocks) {
      expect(block.left).toBe(left)
      left += block.width
    }
    expect(left).toBe(224)
  })

  test('too little staging says how much is needed', () => {
    expect(() => planImage({ width: 640, height: 480, channels: 4 }, IMAGENET, 224, 224, 4096)).toThrow(
      /Staging memory has 4096 bytes, expected at least \d+ for a 640 x 480 picture/,
    )
  })

  test('specs that cannot be followed are refused', () => {
    const plan = (change: object) => () =>
      planImage({ width: 9, height: 9, channels: 3 }, { ...SMALL, ...change }, 8, 8, 1 << 16)
    expect(plan({})).not.toThrow()
    expect(plan({ channels: 1 })).toThrow(/channels is 1, expected 3/)
    expect(plan({ resampling: 'nearest' })).toThrow(/resampling is nearest/)
    expect(plan({ mean: [0, 0] })).toThrow(/mean is \[0,0\], expected 3/)
    expect(plan({ std: [1, 0, 1] })).toThrow(/std is \[1,0,1\], expected 3 positive/)
    expect(plan({ size: [8] })).toThrow(/size is \[8\]/)
    expect(plan({ size: [8, 0.5] })).toThrow(/size\[1\] is 0.5/)
    expect(plan({ shorterSide: 7 })).toThrow(/shorterSide is 7, expected at least 8/)
    expect(() => planImage({ width: 9, height: 9, channels: 3 }, SMALL, 0, 8, 1 << 16)).toThrow(/height is 0/)
  })
})

function plannedOrUndefined<T>(plan: () => T): T | undefined {
  try {
    return plan()
  } catch {
    return undefined
  }
}
