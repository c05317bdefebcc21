import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { seededState } from '../../src/graph/parameters.ts'
import { DEFAULT_STAGING_BYTES } from '../../src/image/preprocess.ts'
import { Placed } from '../helpers/run.ts'
import { instantiate, poison, randomFrom, reserve, seed, touched, variants } from '../helpers/wasm.ts'
import { graphOf } from '../kernels/graphs.ts'

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  test('three channels become four lanes, the fourth 0; what lies between pixels and rows stays', () => {
    const random = randomFrom(seed)
    for (const [rows, columns] of [
      [1, 1],
      [3, 1],
      [2, 5],
      [4, 7],
    ])
      for (const pixelStride of [16, 20, 32])
        for (const gap of [0, 12]) {
          const rowStride = columns * pixelStride + gap
          const at = reserve(backend, 8192)
          poison(backend, at, 8192)
          const source = new Float32Array(backend.memory.buffer, at, rows * columns * 3)
          source.set(source.map(() => random() - 0.5))
          const target = at + 4096
          const want = new Float32Array(backend.memory.buffer, target, 1024).slice()
          for (let y = 0; y < rows; ++y)
            for (let x = 0; x < columns; ++x)
              for (let c = 0; c < 4; ++c)
                want[(y * rowStride + x * pixelStride) / 4 + c] = c < 3 ? source[(y * columns + x) * 3 + c] : 0
          backend.exports.f32_spread_rows(target, at, rows, columns, rowStride, pixelStride)
          const found = new Float32Array(backend.memory.buffer, target, 1024)
          expect(found, `${rows}x${columns}, strides ${rowStride}, ${pixelStride}, SEED=${seed}`).toEqual(want)
          expect(touched(backend, at + 4 * source.length, 4096 - 4 * source.length)).toBe(-4)
        }
  })

  test('a picture larger than the staging memory goes in by parts', () => {
    const graph = graphOf((net) => ({ picture: net.image, out: net.conv('out', net.image, 4, { kernel: 3 }) }))
    const [height, width] = [211, 307]
    expect(height * width * 12).toBeGreaterThan(2 * DEFAULT_STAGING_BYTES)
    const placed = new Placed(backend, graph, seededState(graph, seed), 'f32', height, width)
    const random = randomFrom(seed)
    const picture = Float32Array.from({ length: height * width * 3 }, () => random() * 4 - 2)
    placed.engine.write(placed.plan.pictures.get(graph.input)!, picture)
    placed.checkGuards()
    expect(placed.read(graph.input)).toEqual(picture)
  })
})
