import type { PixelArray } from '../../src/image/pixels.ts'

/** Describes a picture that models/make_image_fixtures.py makes by the same formula. */
export interface Recipe {
  kind: 'noise' | 'blocks'
  seed: number
  width: number
  height: number
  channels: 1 | 3 | 4
}

/** The picture; with `padding`, every row (the last too) is followed by that many bytes of 0xA5. */
export function makeSource(recipe: Recipe, padding = 0): Required<PixelArray> & { data: Uint8Array<ArrayBuffer> } {
  const { kind, seed, width, height, channels } = recipe
  const rowBytes = width * channels + padding
  const data = new Uint8Array(height * rowBytes).fill(0xa5)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const noise = hash32((y * width + x) * channels + c, seed) & 255
        data[y * rowBytes + x * channels + c] =
          kind === 'noise' ? noise : blockByte(hash32(((y >> 3) * 4096 + (x >> 3)) * 4 + c, seed + 1), noise)
      }
  return { data, width, height, channels, rowBytes }
}

function blockByte(block: number, noise: number): number {
  if (block & 256) return block & 512 ? 255 : 0
  return ((block & 255) + (noise & 15)) & 255
}

function hash32(index: number, seed: number): number {
  let mixed = Math.imul(index + Math.imul(seed, 0x9e3779b1), 0x85ebca6b)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 13)
}
