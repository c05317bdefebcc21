import { Step } from '../program/format'
import { output, word } from '../program/operands'

// Weights of every kernel have one shape, [blocks][depth][quads of the block][4 lanes], with Block quads per block and the rest in
// the last: 2 for panels, 3 for two groups of six, 1 for depthwise. So fusing and expanding write quad by quad.

/** Address of depth 0 of quad number `quad` in Out. */
export function quadTarget(step: usize, quad: i32): usize {
  const block = <i32>word(step, Step.Block)
  const number = quad / block
  return output(step) + ((<usize>(number * block) * word(step, Step.Depth) + (quad - number * block)) << 4)
}

/** Bytes from one depth to the next. */
export function quadStride(step: usize, quad: i32): usize {
  const block = <i32>word(step, Step.Block)
  const quads = <i32>word(step, Step.Lanes) >> 2
  return <usize>min(block, quads - quad / block * block) << 4
}
