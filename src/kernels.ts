import { Op } from '../assembly/program/format.ts'

/** THE kernel table: one row per kernel of the module; selection, tests, benches and docs iterate it. */
export interface Kernel {
  /** dtype of the weights, operation, tile (rows or pixels x lanes): also the function in assembly/ and the op code. */
  name: keyof typeof ROWS
  op: number
  does: Operation
  dtype: 'f32' | 'w8'
  /** Quads per weight block: weights are [blocks][depth][quads of the block][4], the last block takes the rest. */
  block: number
  /** Where the source is. */
  source: string
}

export type Operation =
  | 'pointwise'
  | 'full'
  | 'depthwise'
  | 'grouped6'
  | 'grouped2'
  | 'fuse'
  | 'expand'
  | 'linear'
  | 'globalpool'
  | 'maxpool'
  | 'softmax'
  | 'border'

const ROWS = {
  f32_pointwise_4x8: [Op.f32_pointwise_4x8, 'pointwise', 'f32', 2, 'pointwise/f32.ts'],
  f32_full_4x8: [Op.f32_full_4x8, 'full', 'f32', 2, 'full/f32.ts'],
  f32_depthwise_4x4: [Op.f32_depthwise_4x4, 'depthwise', 'f32', 1, 'depthwise/f32.ts'],
  f32_grouped6_3x12: [Op.f32_grouped6_3x12, 'grouped6', 'f32', 3, 'grouped/six_f32.ts'],
  f32_grouped2_4x8: [Op.f32_grouped2_4x8, 'grouped2', 'f32', 2, 'grouped/two_f32.ts'],
  f32_fuse: [Op.f32_fuse, 'fuse', 'f32', 0, 'dynamic/fuse_f32.ts'],
  w8_fuse: [Op.w8_fuse, 'fuse', 'w8', 0, 'dynamic/fuse_w8.ts'],
  w8_expand: [Op.w8_expand, 'expand', 'w8', 0, 'dynamic/expand_w8.ts'],
  f32_linear: [Op.f32_linear, 'linear', 'f32', 2, 'linear/f32.ts'],
  w8_linear: [Op.w8_linear, 'linear', 'w8', 2, 'linear/w8.ts'],
  f32_global_pool: [Op.f32_global_pool, 'globalpool', 'f32', 0, 'pool/global.ts'],
  f32_max_pool: [Op.f32_max_pool, 'maxpool', 'f32', 0, 'pool/max.ts'],
  f32_softmax: [Op.f32_softmax, 'softmax', 'f32', 0, 'softmax/f32.ts'],
  f32_border: [Op.f32_border, 'border', 'f32', 0, 'pool/border.ts'],
} as const satisfies Record<string, readonly [Op, Operation, 'f32' | 'w8', number, string]>

export const KERNELS: readonly Kernel[] = Object.entries(ROWS).map(([name, [op, does, dtype, block, source]]) => ({
  name: name as keyof typeof ROWS,
  op,
  does,
  dtype,
  block,
  source,
}))

/** The kernel that does `does` on weights of `dtype`. Convolutions have f32 rows only: w8 weights are expanded or fused to f32 first. */
export function kernelFor(does: Operation, dtype: 'f32' | 'w8' = 'f32'): Kernel {
  return KERNELS.find((kernel) => kernel.does === does && kernel.dtype === dtype)!
}
