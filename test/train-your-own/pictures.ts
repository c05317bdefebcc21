import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'

const SHAPES: Record<string, (x: number, y: number, r: number) => string> = {
  'blue triangle': (x, y, r) =>
    `<polygon points="${x},${y - r} ${x + r},${y + r} ${x - r},${y + r}" fill="rgb(40,70,220)"/>`,
  'green square': (x, y, r) =>
    `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}" fill="rgb(40,170,60)"/>`,
  'red circle': (x, y, r) => `<circle cx="${x}" cy="${y}" r="${r}" fill="rgb(220,40,40)"/>`,
}
export const CLASSES = Object.keys(SHAPES)

/** A sequence of numbers in 0..1 that depends on nothing but the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A picture of a class: its shape somewhere, of some size, on a pale ground. */
function picture(name: string, random: () => number): Sharp {
  const [width, height] = [110 + Math.floor(60 * random()), 110 + Math.floor(60 * random())]
  const r = 24 + 18 * random()
  const [x, y] = [width / 2 + 24 * (random() - 0.5), height / 2 + 24 * (random() - 0.5)]
  const [grey, tint] = [170 + Math.floor(70 * random()), Math.floor(15 * random())]
  const ground = `<rect width="100%" height="100%" fill="rgb(${grey},${grey - tint},${grey - 15 + tint})"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${ground}${SHAPES[name](x, y, r)}</svg>`
  return sharp(Buffer.from(svg))
}

/** Writes `count` pictures of every class into `folder`/CLASS/. -> their paths by class */
export async function writePictures(folder: string, count: number, seed: number): Promise<Map<string, string[]>> {
  const random = seeded(seed)
  const paths = new Map<string, string[]>()
  for (const name of CLASSES) {
    mkdirSync(join(folder, name), { recursive: true })
    const files = Array.from({ length: count }, (_, index) => join(folder, name, `${index}.jpg`))
    for (const file of files) await picture(name, random).jpeg({ quality: 90 }).toFile(file)
    paths.set(name, files)
  }
  return paths
}
