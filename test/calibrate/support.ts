import type { Runner } from '../../src/calibrate/runner.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { type StateDict, seededState, seededUniform } from '../../src/graph/parameters.ts'
import { readWasm } from '../helpers/wasm.ts'

export const SIZE = [32, 32] as const

export const kernels = (): Promise<WebAssembly.Module> => WebAssembly.compile(readWasm('simd') as BufferSource)

/** Weights whose results neither grow nor vanish. */
export const calmState = (graph: Graph): StateDict => seededState(graph, 77, { coefficients: 1, weights: 0.6 })

/** Pictures with large forms, so that neighbours are alike. */
export function pictures(count: number, [height, width]: readonly number[] = SIZE): Float32Array[] {
  return Array.from({ length: count }, (_, number) => {
    const [a, b, c] = seededUniform(`picture ${number}`, 3, 3, (u) => 0.1 + 0.6 * u)
    return Float32Array.from({ length: height * width * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3)
      return 2 * Math.sin(a * (pixel % width) + b * Math.floor(pixel / width) + (i % 3) * c + number)
    })
  })
}

/** Copies of all tensors of a run. */
export function tensorsOf(runner: Runner, picture: Float32Array): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>()
  runner.run(picture, (tensor) => found.set(tensor, runner.read(tensor).slice()))
  return found
}
