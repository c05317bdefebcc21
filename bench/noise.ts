import { seededPicture } from '../src/bench/latency.ts'
import { seededUniform } from '../src/graph/parameters.ts'

/** Noise of a few kinds, as an untrained network may see it; the first is the one that is timed. */
export function seededPictures(size: number, count: number): Float32Array[] {
  const more = Array.from({ length: count - 1 }, (_, i) =>
    seededUniform(`image ${i}`, 1, size * size * 3, (u) => (4 * u - 2) / (1 + (i % 3))),
  )
  return [seededPicture(size).data, ...more]
}
