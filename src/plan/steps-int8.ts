import type { Activation, Quantization, Shape } from '../graph/graph.ts'
import { pooledBits, roundEven } from '../graph/integer.ts'

// Numbers of integer steps: docs/quantization.md

/** Bounds of a convolution's output: reals, or the integers that it is stored as. */
export function bounds(activation: Activation, stored?: Quantization): { low?: number; high?: number } {
  if (!stored) return { low: activation === 'none' ? undefined : 0, high: activation === 'relu6' ? 6 : undefined }
  const { scale, zero, bits } = stored
  const top = 2 ** bits - 1
  return {
    low: activation === 'none' ? 0 : zero,
    high: activation === 'relu6' ? Math.min(top, zero + roundEven(6 / scale)) : top,
  }
}

/** f(2^f / area): what a sum over a picture of `stored` integers is multiplied by, for a layer of `depth` pooled channels. */
export function meanRatio({ height, width }: Shape, depth: number, { bits }: Quantization): number {
  return Math.fround(2 ** pooledBits(depth, 2 ** bits - 1) / (height * width))
}
