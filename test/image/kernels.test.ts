import { beforeEach, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { instantiate, scratch, variants } from './wasm.ts'

const POISON = 0xa7

describe.each(await variants())('$name', ({ bytes }) => {
  let backend: Backend
  let u8: Uint8Array
  let i32: Int32Array
  let random: () => number
  let sourceAt: number
  let weightsAt: number
  let windowsAt: number
  let targetAt: number

  beforeEach(async () => {
    backend = await instantiate(bytes)
    sourceAt = scratch(backend, 32768)
    weightsAt = sourceAt + 4096
    windowsAt = sourceAt + 8192
    targetAt = sourceAt + 16384
    u8 = new Uint8Array(backend.memory.buffer)
    i32 = new Int32Array(backend.memory.buffer)
    u8.fill(POISON, sourceAt)
    random = seeded(20)
  })

  /** `count` weights that sum to about `total` times 2^22 (above one, the clamp shows), padded with 0 to `padded`. */
  function fillWeights(count: number, padded: number, total: number): number[] {
    const parts = Array.from({ length: count }, () => random() + 0.01)
    const sum = parts.reduce((a, b) => a + b)
    return [...parts.map((part) => Math.floor((part / sum) * total * 2 ** 22)), ...new Array(padded - count).fill(0)]
  }

  const clamp = (sum: number) => Math.max(0, Math.min(255, Math.floor((sum + 2 ** 21) / 2 ** 22)))

  test.each([
    ['u8_resize_row_gray', 1],
    ['u8_resize_row_rgb', 3],
    ['u8_resize_row_rgba', 4],
  ] as const)('%s is the formula, and writes nothing else', (name, channels) => {
    for (let i = 0; i < 2048; i++) u8[sourceAt + i] = random() < 0.2 ? 255 : random() * 256
    for (const width of [1, 2, 3, 4, 5, 7, 16, 31]) {
      const windows: number[] = []
      const weights: number[] = []
      const expected: number[] = []
      // As many for every pixel, of which the last few may be unused.
      const unit = channels === 1 ? 4 : 2
      const most = unit * (1 + Math.floor(random() * 5))
      for (let x = 0; x < width; x++) {
        const first = Math.floor(random() * 300)
        const count = 1 + Math.floor(random() * most)
        const taps = fillWeights(count, most, x % 3 ? 1 : 1.4)
        for (let c = 0; c < 3; c++) {
          let sum = 0
          for (let j = 0; j < count; j++)
            sum += taps[j] * u8[sourceAt + (first + j) * channels + (channels === 1 ? 0 : c)]
          expected.push(clamp(sum))
        }
        windows.push(first * channels)
        weights.push(...taps)
      }
      // Pixels come in whole fours.
      const whole = Math.ceil(width / 4) * 4
      i32.fill(0, windowsAt / 4, windowsAt / 4 + whole)
      i32.set(windows, windowsAt / 4)
      i32.set(weights, weightsAt / 4)
      u8.fill(POISON, targetAt - 16, targetAt + 256)
      backend.exports[name](targetAt, sourceAt, windowsAt, weightsAt, width, most)
      const pixels = [...u8.subarray(targetAt, targetAt + width * 4)]
      expect(pixels.filter((_, i) => i % 4 < 3)).toEqual(expected)
      expect(new Set(u8.subarray(targetAt - 16, targetAt))).toEqual(new Set([POISON]))
      expect(new Set(u8.subarray(targetAt + whole * 4, targetAt + 256))).toEqual(new Set([POISON]))
    }
  })

  test('u8_resize_columns is the formula, from every slot of the ring', () => {
    for (let i = 0; i < 2048; i++) u8[sourceAt + i] = random() < 0.2 ? 255 : random() * 256
    for (const rowBytes of [16, 32, 48])
      for (const slots of [1, 2, 3, 7])
        for (let slot = 0; slot < slots; slot++)
          for (let taps = 1; taps <= slots; taps++) {
            const weights = fillWeights(taps, taps, taps % 2 ? 1 : 1.3)
            i32.set(weights, weightsAt / 4)
            u8.fill(POISON, targetAt - 16, targetAt + 256)
            backend.exports.u8_resize_columns(targetAt, sourceAt, rowBytes, slots, slot, weightsAt, taps)
            const expected = Array.from({ length: rowBytes }, (_, i) => {
              let sum = 0
              for (let j = 0; j < taps; j++) sum += weights[j] * u8[sourceAt + ((slot + j) % slots) * rowBytes + i]
              return clamp(sum)
            })
            expect([...u8.subarray(targetAt, targetAt + rowBytes)]).toEqual(expected)
            expect(new Set(u8.subarray(targetAt - 16, targetAt))).toEqual(new Set([POISON]))
            expect(new Set(u8.subarray(targetAt + rowBytes, targetAt + 256))).toEqual(new Set([POISON]))
          }
  })

  test('f32_normalise_row looks every byte up in its channel', () => {
    const f32 = new Float32Array(backend.memory.buffer)
    const tables = Array.from({ length: 3 * 256 }, () => Math.fround(random() - 0.5))
    f32.set(tables, weightsAt / 4)
    for (let i = 0; i < 256 * 4; i++) u8[sourceAt + i] = i % 4 === 3 ? random() * 256 : (i >> 2) + (i % 4) * 85
    for (const stride of [12, 16, 20, 32]) {
      u8.fill(POISON, targetAt - 16, targetAt + 256 * 32 + 16)
      backend.exports.f32_normalise_row(targetAt, sourceAt, weightsAt, 256, stride)
      for (let x = 0; x < 256; x++) {
        const lanes = [
          ...f32.subarray((targetAt + x * stride) / 4, (targetAt + x * stride) / 4 + (stride === 12 ? 3 : 4)),
        ]
        const expected = [0, 1, 2].map((c) => tables[c * 256 + u8[sourceAt + x * 4 + c]])
        expect(lanes).toEqual(stride === 12 ? expected : [...expected, 0])
        const gap = u8.subarray(targetAt + x * stride + 16, targetAt + (x + 1) * stride)
        expect(gap.every((byte) => byte === POISON)).toBe(true)
      }
      const after = targetAt + 256 * stride
      expect(new Set(u8.subarray(after, after + 16))).toEqual(new Set([POISON]))
    }
  })
})

/** Numbers in [0, 1), the same on every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
