import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import type { PixelSource, Pixels } from '../../src/image/pixels.ts'
import { preprocess } from '../../src/image/preprocess.ts'
import type { InputSpec } from '../../src/image/spec.ts'
import { scratch } from './wasm.ts'

export const IMAGENET: InputSpec = {
  channels: 3,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  size: [224, 224],
  shorterSide: 256,
  resampling: 'bilinear',
}

/** The same at 8 x 8 out of 10, small enough for the plain reference. */
export const SMALL: InputSpec = { ...IMAGENET, size: [8, 8], shorterSide: 10 }

export interface Options {
  stagingBytes?: number
  pixelStride?: number
  /** Bytes between rows of the target. */
  rowGap?: number
}

const POISON = 0xa7
const GUARD = 64

/**
 * Preprocesses in fresh memory of the backend: guard | staging | guard | target | guard.
 * Throws when a byte outside staging and the target's own pixels changed, or a fourth lane is not 0.
 * Returns float32 [height][width][3].
 */
export function run(
  backend: Backend,
  source: PixelSource | Pixels,
  spec: InputSpec,
  height: number,
  width: number,
  { stagingBytes = 256 * 1024, pixelStride = 16, rowGap = 0 }: Options = {},
): Float32Array {
  const rowStride = width * pixelStride + rowGap
  const stagingOffset = GUARD
  const targetOffset = align16(stagingOffset + stagingBytes + GUARD)
  const size = targetOffset + height * rowStride + GUARD
  const base = scratch(backend, size)
  const staging = { pointer: base + stagingOffset, bytes: stagingBytes }
  const pointer = base + targetOffset
  const { buffer } = backend.memory
  const bytes = new Uint8Array(buffer, base, size)
  bytes.fill(POISON)

  preprocess(backend, source, spec, staging, { pointer, rowStride, pixelStride, height, width })

  const values = new Float32Array(height * width * 3)
  const view = new DataView(buffer)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const pixel = pointer + y * rowStride + x * pixelStride
      for (let c = 0; c < 3; c++) values[(y * width + x) * 3 + c] = view.getFloat32(pixel + c * 4, true)
      if (pixelStride >= 16 && view.getUint32(pixel + 12, true) !== 0)
        throw new Error(`fourth lane of pixel ${x}, ${y} is not 0`)
      bytes.fill(POISON, pixel - base, pixel - base + Math.min(pixelStride, 16))
    }
  bytes.fill(POISON, stagingOffset, stagingOffset + stagingBytes)
  const written = bytes.findIndex((byte) => byte !== POISON)
  if (written >= 0)
    throw new Error(`byte ${written} was written; staging ${stagingOffset} + ${stagingBytes}, target ${targetOffset}`)
  return values
}

function align16(bytes: number): number {
  return Math.ceil(bytes / 16) * 16
}

/** The backend, and how often each export was called. */
export function counted(backend: Backend): { backend: Backend; calls: Record<string, number> } {
  const calls: Record<string, number> = {}
  const exports = new Proxy(backend.exports, {
    get: (all, name: string) => {
      calls[name] = (calls[name] ?? 0) + 1
      return all[name]
    },
  })
  return { backend: { memory: backend.memory, exports }, calls }
}

/** The least staging memory that `attempt` does with, by what it asks for when it has less. Columns differ by some bytes. */
export function leastStaging(attempt: (stagingBytes: number) => void): number {
  for (let bytes = 1024; ; )
    try {
      attempt(bytes)
      return bytes
    } catch (error) {
      const [, needed] = /expected at least (\d+) for a/.exec((error as Error).message)!
      expect(Number(needed)).toBeGreaterThan(bytes)
      bytes = Number(needed)
    }
}

/** First 16 hex digits of SHA-256, as models/make_image_fixtures.py writes them. */
export function digest(array: Uint8Array | Float32Array): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
