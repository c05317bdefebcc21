import { readdirSync, readFileSync } from 'node:fs'
import type { Graph } from '../../src/graph/graph.ts'
import { type Gains, type StateDict, seededState, seededUniform } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { quantizeGraph } from '../../src/pack/quantize-graph.ts'

/** A file of test/fixtures/int8: the int8 logits of a network with seeded weights, a digest for each of its pictures. */
export interface Int8Golden {
  network: string
  bits: 7 | 8
  seed: number
  gains: Gains
  height: number
  width: number
  /** Scale and zero point, by the first tensor of those that share them. */
  quantization: Record<string, [scale: number, zero: number]>
  pictures: { seed: number; logits: number[]; digest: string }[]
}

export const GOLDEN_FOLDER = new URL('../fixtures/int8/', import.meta.url)

export function goldenFiles(): string[] {
  return readdirSync(GOLDEN_FOLDER).filter((file) => file.endsWith('.json'))
}

export function readGolden(file: string): Int8Golden {
  return JSON.parse(readFileSync(new URL(file, GOLDEN_FOLDER), 'utf8'))
}

/** The quantized graph of a fixture and its weights. */
export function goldenNetwork({ network, bits, seed, gains, quantization }: Int8Golden): {
  graph: Graph
  state: StateDict
} {
  const graph = buildNetwork(network)
  const ranges = new Map(Object.entries(quantization).map(([tensor, [scale, zero]]) => [tensor, { scale, zero }]))
  return { graph: quantizeGraph(graph, ranges, { bits }), state: seededState(graph, seed, gains) }
}

/** H x W x 3, blocks of colour under noise: means differ from picture to picture, and with them the coefficients. */
export function goldenPicture({ height, width }: Pick<Int8Golden, 'height' | 'width'>, seed: number): Float32Array {
  const blocks = seededUniform('blocks', seed, 4 * 4 * 3, (u) => 4 * u - 2)
  const noise = seededUniform('noise', seed, height * width * 3, (u) => u - 0.5)
  return noise.map((value, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)]
    const block = Math.floor((4 * y) / height) * 4 + Math.floor((4 * x) / width)
    return value + blocks[3 * block + (i % 3)]
  })
}

/** SHA-256 of the float32 values, little-endian. */
export async function digestOf(logits: Float32Array): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', Float32Array.from(logits)))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
