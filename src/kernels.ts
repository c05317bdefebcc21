import { Op } from '../assembly/program/format.ts'

/** THE kernel table: one row per kernel of the module; selection, tests, benches and docs iterate it. */
export interface Kernel {
  /** dtype of the weights, operation, tile (rows or pixels x lanes): also the function in assembly/ and the op code. */
  name: keyof typeof ROWS
  op: number
  does: Operation
  dtype: Dtype
  /**
   * Of float32 kernels, quads per weight block: weights are [blocks][depth][quads of the block][4], the last block takes the rest. Of int8
   * kernels, lanes per block, all whole (docs/quantization.md).
   */
  block: number
}

/** Arithmetic of a kernel: float32, float32 on int8 weights, integers. */
export type Dtype = 'f32' | 'w8' | 'i8'

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
  | 'quantize'
  | 'dequantize'

/** Op code and block, by name: dtype_operation_tile. */
const ROWS = {
  f32_pointwise_4x8: [Op.f32_pointwise_4x8, 2],
  f32_full_4x8: [Op.f32_full_4x8, 2],
  f32_depthwise_4x4: [Op.f32_depthwise_4x4, 1],
  f32_grouped6_3x12: [Op.f32_grouped6_3x12, 3],
  f32_grouped2_4x8: [Op.f32_grouped2_4x8, 2],
  f32_fuse: [Op.f32_fuse, 0],
  w8_fuse: [Op.w8_fuse, 0],
  w8_expand: [Op.w8_expand, 0],
  f32_linear: [Op.f32_linear, 2],
  w8_linear: [Op.w8_linear, 2],
  f32_global_pool: [Op.f32_global_pool, 0],
  f32_max_pool: [Op.f32_max_pool, 0],
  f32_softmax: [Op.f32_softmax, 0],
  f32_border: [Op.f32_border, 0],
  i8_pointwise_4x8: [Op.i8_pointwise_4x8, 8],
  i8_full_4x8: [Op.i8_full_4x8, 8],
  i8_depthwise_4x8: [Op.i8_depthwise_4x8, 8],
  i8_grouped6_3x12: [Op.i8_grouped6_3x12, 12],
  i8_grouped2_4x8: [Op.i8_grouped2_4x8, 8],
  i8_fuse: [Op.i8_fuse, 0],
  i8_linear: [Op.i8_linear, 8],
  i8_global_pool: [Op.i8_global_pool, 0],
  i8_max_pool: [Op.i8_max_pool, 0],
  i8_border: [Op.i8_border, 0],
  i8_quantize: [Op.i8_quantize, 0],
  i8_dequantize: [Op.i8_dequantize, 0],
} as const satisfies Record<string, readonly [op: Op, block: number]>

export const KERNELS: readonly Kernel[] = Object.entries(ROWS).map(([name, [op, block]]) => {
  const [dtype, ...words] = name.replace(/_\d+x\d+$/, '').split('_')
  return { name: name as keyof typeof ROWS, op, does: words.join('') as Operation, dtype: dtype as Dtype, block }
})

/** The kernel that does `does` on weights of `dtype`. Convolutions have no w8 rows: w8 weights are expanded or fused to f32 first. */
export function kernelFor(does: Operation, dtype: Dtype = 'f32'): Kernel {
  return KERNELS.find((kernel) => kernel.does === does && kernel.dtype === dtype)!
}
