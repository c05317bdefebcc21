import { Step } from '../program/format'
import { operand, output, word } from '../program/operands'
import { highFloats, lowFloats } from '../simd/arithmetic'
import { quadStride, quadTarget } from './target'

/**
 * w[t] = s[t] q[t]: an int8 weight becomes the float32 weight that the consuming kernel reads, in cache-sized arena scratch.
 *
 * Same layout on both sides, [blocks][depth][quads of the block][4] (target.ts); scales [lanes]. Work is split by quads; a pair of
 * quads that is a whole panel goes eight weights at a time.
 */
export function w8_expand(step: usize, begin: i32, end: i32): void {
  const depth = <usize>word(step, Step.Depth)
  const scales = operand(step, Step.Scales)
  const from = operand(step, Step.Weights)
  for (let quad = begin; quad < end; ++quad) {
    const to = quadTarget(step, quad)
    const stride = quadStride(step, quad)
    const bytes = from + (to - output(step) >> 2)
    const scale = v128.load(scales + (<usize>quad << 4))
    if (stride == 32 && (quad & 1) == 0 && quad + 1 < end) {
      expandPanel(bytes, to, depth, scale, v128.load(scales + (<usize>quad << 4), 16))
      quad += 1
      continue
    }
    for (let k: usize = 0; k < depth; ++k) {
      const q = i16x8.extend_low_i8x16_s(v128.load32_zero(bytes + (k * stride >> 2)))
      v128.store(to + k * stride, f32x4.mul(lowFloats(q), scale))
    }
  }
}

function expandPanel(from: usize, to: usize, depth: usize, first: v128, second: v128): void {
  const stop = from + (depth << 3)
  for (; from < stop; from += 8, to += 32) {
    const q = v128.load8x8_s(from)
    v128.store(to, f32x4.mul(lowFloats(q), first))
    v128.store(to, f32x4.mul(highFloats(q), second), 16)
  }
}
