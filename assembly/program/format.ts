// The binary program, shared word for word by the planner (TypeScript) and the module (AssemblyScript).
// docs/program.md explains it. A change of any number here is a new PROGRAM_VERSION.

/** 'DYEP', little endian. */
export const PROGRAM_MAGIC = 0x50455944
export const PROGRAM_VERSION = 4

/** Threads that can share a program. */
export const MAX_THREADS = 16
/** Scratch memory of one. */
export const SCRATCH_BYTES = 16 * 1024

/** Words (u32) of the program's header. */
export const enum Header {
  Magic,
  Version,
  /** Bytes of the whole program, header included. */
  Bytes,
  Tensors,
  Steps,
  WeightBytes,
  ArenaBytes,
  /** Reserved, zero. */
  Zero,
  Words,
}

/** Words of a tensor record: where its bytes lie. */
export const enum Tensor {
  /** Base.Weights or Base.Arena. */
  Base,
  Offset,
  Bytes,
  /** Reserved, zero. */
  Zero,
  Words,
}

export const enum Base {
  Weights,
  Arena,
}

/** Operation codes: one per kernel. */
export const enum Op {
  f32_pointwise_4x8 = 1,
  f32_full_4x8,
  f32_depthwise_4x4,
  f32_grouped6_3x12,
  f32_grouped2_4x8,
  f32_fuse,
  w8_fuse,
  w8_expand,
  f32_linear,
  w8_linear,
  f32_global_pool,
  f32_max_pool,
  f32_softmax,
  f32_border,
  i8_pointwise_4x8,
  i8_full_4x8,
  i8_depthwise_4x8,
  i8_grouped6_3x12,
  i8_grouped2_4x8,
  i8_fuse,
  i8_linear,
  i8_global_pool,
  i8_max_pool,
  i8_border,
  i8_quantize,
  i8_dequantize,
}

/**
 * Words of a step. Tensors are named by their index; `...At` are byte offsets into them; rows, columns
 * and pixels are strides in bytes. A word that a kernel does not use is zero.
 */
export const enum Step {
  Op,
  /** Units of work that threads share, and what a unit is. */
  Units,
  Axis,
  /** Graph node the step came from; only for people. */
  Node,
  In,
  InAt,
  InRow,
  InPixel,
  /** Spatial size of the input, for pools. */
  InRows,
  InColumns,
  Out,
  OutAt,
  OutRow,
  OutPixel,
  Rows,
  Columns,
  /** Reduction length of one output: input lanes, or taps times inputs per group. */
  Depth,
  /** Output lanes, a multiple of 4. */
  Lanes,
  Stride,
  Kernel,
  Weights,
  Bias,
  /** Bounds of the output, as float32 bits; of an int8 output as integers 0..255. */
  Low,
  High,
  /** Second input of the epilogue: residual, or the channels that pass through a shuffle. */
  Side,
  SideAt,
  SideRow,
  SidePixel,
  SideMode,
  /** Bytes between channel groups of the pass-through. */
  SideGroup,
  /** Panels (pointwise) or quads (fusion) per block. */
  Block,
  Coefficients,
  CoefficientsAt,
  /** Fixed kernels per output channel, g_t. */
  Group,
  Scales,
  /** Function after a linear layer. */
  Activation,
  /** int8: float32 factor per output lane, read by convolutions and linear layers, written by fusions. */
  Factors,
  /** Zero points of input, output and side. */
  InZero,
  OutZero,
  SideZero,
  /** float32 bits: scales of input and output (fusions, quantize, dequantize). */
  InScale,
  OutScale,
  /** float32 bits: side's scale / output's scale (residual), or 2^f / area (pool). */
  Ratio,
  /** Values of the input: 127 or 255. */
  Top,
  /** What a fusion writes for: nonzero, a depthwise convolution. */
  Planar,
  /** Of a fusion: which of its last 12 lanes are padding (bit 0: lane Lanes - 12). Nothing is stored for them. */
  Holes,
  /** Of a fusion: nonzero where kernels of earlier runs may stand; what they were fused from; float32 bits: how far it may lie. */
  Keeps,
  Kept,
  Tolerance,
  /** Units that a thread takes at least at a time, where threads share by `share`; 0 is 1. */
  Grain,
  /** Nonzero: touches nothing that the steps before it, back to the last with 0, touch; `share` may run it beside them. */
  Beside,
  Words,
}

/** What a unit of work is. */
export const enum Axis {
  Whole,
  /** Blocks of 8 pixels. */
  Pixels,
  /** Panels of 8 output lanes. */
  Panels,
  Rows,
  /** Vectors of 4 lanes. */
  Quads,
}

export const enum Side {
  None,
  /** out = clamp(conv + side). */
  Add,
  /** out[2j] = side[j], out[2j + 1] = conv[j]: shuffle with 2 groups. */
  Zip2,
  /** out[4j + i] = side[i][j] (i < 3), out[4j + 3] = conv[j]: 4 groups, split 3:1. */
  Zip4,
  /** out[4j, 4j + 1] = side[2j, 2j + 1], out[4j + 2, 4j + 3] = conv[2j, 2j + 1]: 4 groups, split 2:2. */
  ZipPairs,
}

export const enum Activation {
  None,
  Sigmoid,
}

/** `verify` and `run`: 0, or code | step << 8. */
export const enum Status {
  Ok,
  NotAProgram,
  WrongVersion,
  WrongLength,
  WrongBases,
  BadTensor,
  BadOp,
  BadShape,
  ReadsOutside,
  WritesOutside,
  Overlaps,
  NotVerified,
  BadRange,
  /** A thread died while it held units of a step, or holds them and makes no progress. */
  Lost,
}
