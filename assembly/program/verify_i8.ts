import { Activation, Axis, Op, Side, Status, Step } from './format'
import { extent, keepsInside, LIMIT, overlap, reads, readsBytes, units, writes, writesBytes, written, writtenBytes } from './extents'
import { word } from './operands'

// Checks of the steps on integers. Pictures are bytes; a vector may read OVER_READ bytes past the lanes of the last pixel.

const OVER_READ: u64 = 16
/** The same of pools, whose range of lanes may itself end past its pixel. */
const POOL_OVER_READ: u64 = 4
/** Longest fixed kernel that a fusion holds in its scratch, as int16. */
export const MAX_FUSED_DEPTH: u32 = 4096

export function checkInt8(step: usize, op: u32): u32 {
  const lanes = word(step, Step.Lanes)
  const zipped = op == Op.i8_pointwise_4x8 && word(step, Step.SideMode) >= <u32>Side.Zip2
  if (op != Op.i8_border && (lanes == 0 || lanes > LIMIT || (lanes & 3) != 0 && !zipped)) return Status.BadShape
  if (op <= <u32>Op.i8_grouped2_4x8) return checkConvolution(step, op)
  if (op == Op.i8_fuse) return checkFusion(step)
  if (op == Op.i8_linear) return checkLinear(step)
  if (op == Op.i8_quantize || op == Op.i8_dequantize) return checkConversion(step, op == Op.i8_quantize)
  return checkPool(step, op)
}

function whole(lanes: u32, block: u32): u64 {
  return <u64>((lanes + block - 1) / block) * block
}

function checkConvolution(step: usize, op: u32): u32 {
  const rows = word(step, Step.Rows)
  const columns = word(step, Step.Columns)
  const depth = word(step, Step.Depth)
  const lanes = word(step, Step.Lanes)
  const stride = word(step, Step.Stride)
  const kernel = word(step, Step.Kernel)
  const mode = word(step, Step.SideMode)
  if (rows == 0 || columns == 0 || depth == 0 || stride == 0 || kernel == 0 || kernel > 64 || stride > 64) return Status.BadShape
  if (word(step, Step.Top) != 127 && word(step, Step.Top) != 255) return Status.BadShape
  let bytes: u64 = lanes
  const block: u32 = op == Op.i8_grouped6_3x12 ? 12 : 8
  if (op == Op.i8_pointwise_4x8) {
    if (kernel != 1 || stride != 1 || (depth & 3) != 0 || word(step, Step.Block) == 0 || word(step, Step.Block) > LIMIT) return Status.BadShape
    if (<u64>rows * columns > LIMIT) return Status.BadShape
    if (!units(step, (rows * columns + 7) >> 3, Axis.Pixels) && !units(step, (lanes + 7) >> 3, Axis.Panels)) return Status.BadShape
    bytes = depth
  } else {
    if (mode != Side.None || !units(step, rows, Axis.Rows)) return Status.BadShape
    if (op == Op.i8_full_4x8) {
      if (depth % (kernel * kernel * 4) != 0) return Status.BadShape
      bytes = depth / (kernel * kernel)
    } else {
      if (kernel != 3 || stride > 2) return Status.BadShape
      if (op == Op.i8_depthwise_4x8 && depth != 9) return Status.BadShape
      if (op == Op.i8_grouped6_3x12 && (depth != 56 || lanes % 12 != 0)) return Status.BadShape
      if (op == Op.i8_grouped2_4x8 && (depth != 20 || lanes % 8 != 0)) return Status.BadShape
    }
  }
  const inRows = <u64>(rows - 1) * stride + kernel
  const inColumns = <u64>(columns - 1) * stride + kernel
  const read = extent(inRows, inColumns, word(step, Step.InRow), word(step, Step.InPixel), bytes + OVER_READ)
  if (!readsBytes(step, Step.In, word(step, Step.InAt), read)) return Status.ReadsOutside
  const filled = whole(lanes, block)
  if (!reads(step, Step.Weights, 0, filled * depth) || !reads(step, Step.Bias, 0, filled << 2)) return Status.ReadsOutside
  if (!reads(step, Step.Factors, 0, filled << 2)) return Status.ReadsOutside
  let out: u64 = lanes
  if (mode != Side.None) {
    let group: u64 = 0
    if (mode == Side.Zip4) {
      out <<= 2
      group = <u64>word(step, Step.SideGroup) << 1
    } else if (mode != Side.Add) out <<= 1
    const side = extent(rows, columns, word(step, Step.SideRow), word(step, Step.SidePixel), lanes + group + OVER_READ)
    if (!readsBytes(step, Step.Side, word(step, Step.SideAt), side)) return Status.ReadsOutside
  }
  const status = writtenBytes(step, extent(rows, columns, word(step, Step.OutRow), word(step, Step.OutPixel), out))
  if (status) return status
  if (mode != Side.None && overlap(step, Step.Out, Step.Side)) return Status.Overlaps
  return overlap(step, Step.Out, Step.Weights) || overlap(step, Step.Out, Step.Bias) || overlap(step, Step.Out, Step.Factors)
    ? Status.Overlaps : Status.Ok
}

function checkFusion(step: usize): u32 {
  const lanes = word(step, Step.Lanes)
  const depth = word(step, Step.Depth)
  const group = word(step, Step.Group)
  const block = word(step, Step.Block)
  const planar = word(step, Step.Planar) != 0
  if (depth == 0 || (depth & 3) != 0 || depth > MAX_FUSED_DEPTH || group == 0 || block != 8 && block != 12) return Status.BadShape
  if (planar && (depth != 12 || block != 8) || !units(step, (lanes + block - 1) / block, Axis.Panels)) return Status.BadShape
  const filled = whole(lanes, block)
  const holes = word(step, Step.Holes)
  // Bits of lanes that are there, and a lane that is none.
  if (holes >= 1 << 12 || lanes < 12 && (holes & (1 << 12 - lanes) - 1) != 0) return Status.BadShape
  const stored = <u64>lanes - popcnt<u32>(holes)
  const each = stored * group << 2
  if (!reads(step, Step.Weights, 0, stored * depth * (group + 1 >> 1) << 1) || !reads(step, Step.Scales, 0, each)) return Status.ReadsOutside
  if (!reads(step, Step.Bias, 0, each + (stored << 2)) || !reads(step, Step.Coefficients, word(step, Step.CoefficientsAt), each)) return Status.ReadsOutside
  if (!writes(step, Step.Out, word(step, Step.OutAt), filled * (planar ? 9 : depth))) return Status.WritesOutside
  if (!writes(step, Step.Side, word(step, Step.SideAt), filled << 2) || !writes(step, Step.Factors, 0, filled << 2)) return Status.WritesOutside
  if (overlap(step, Step.Out, Step.Side) || overlap(step, Step.Out, Step.Factors) || overlap(step, Step.Side, Step.Factors)) return Status.Overlaps
  if (readsWhatItWrites(step, Step.Out) || readsWhatItWrites(step, Step.Side) || readsWhatItWrites(step, Step.Factors)) return Status.Overlaps
  return keepsInside(step, Op.i8_fuse, lanes >> 2, each)
}

function readsWhatItWrites(step: usize, target: i32): bool {
  return overlap(step, target, Step.Coefficients) || overlap(step, target, Step.Weights) || overlap(step, target, Step.Scales) || overlap(step, target, Step.Bias)
}

function checkLinear(step: usize): u32 {
  const lanes = word(step, Step.Lanes)
  const depth = word(step, Step.Depth)
  if (depth == 0 || (depth & 3) != 0 || !units(step, (lanes + 7) >> 3, Axis.Panels) || word(step, Step.Activation) > <u32>Activation.Sigmoid) return Status.BadShape
  const filled = whole(lanes, 8)
  if (!readsBytes(step, Step.In, word(step, Step.InAt), <u64>depth << 1) || !reads(step, Step.Weights, 0, filled * depth)) return Status.ReadsOutside
  if (!reads(step, Step.Bias, 0, filled << 2) || !reads(step, Step.Factors, 0, filled << 2)) return Status.ReadsOutside
  return written(step, <u64>lanes << 2)
}

function checkConversion(step: usize, quantize: bool): u32 {
  const rows = word(step, Step.Rows)
  const columns = word(step, Step.Columns)
  const lanes: u64 = word(step, Step.Lanes)
  if (rows == 0 || columns == 0 || !units(step, rows, Axis.Rows)) return Status.BadShape
  const read = extent(rows, columns, word(step, Step.InRow), word(step, Step.InPixel), quantize ? lanes << 2 : lanes)
  const write = extent(rows, columns, word(step, Step.OutRow), word(step, Step.OutPixel), quantize ? lanes : lanes << 2)
  if (!readsBytes(step, Step.In, word(step, Step.InAt), read)) return Status.ReadsOutside
  return writtenBytes(step, write)
}

function checkPool(step: usize, op: u32): u32 {
  const lanes = word(step, Step.Lanes)
  const rows = word(step, Step.Rows)
  const columns = word(step, Step.Columns)
  const inRows = word(step, Step.InRows)
  const inColumns = word(step, Step.InColumns)
  const kernel = word(step, Step.Kernel)
  const outRow = word(step, Step.OutRow)
  if (op == Op.i8_border) {
    if (rows == 0 || kernel == 0 || !units(step, rows, Axis.Rows)) return Status.BadShape
    if (<u64>kernel * word(step, Step.OutPixel) * 2 > <u64>outRow) return Status.BadShape
    return writesBytes(step, Step.Out, word(step, Step.OutAt), <u64>rows * outRow) ? Status.Ok : Status.WritesOutside
  }
  if (inRows == 0 || inColumns == 0 || <u64>inRows * inColumns > LIMIT) return Status.BadShape
  const read = extent(inRows, inColumns, word(step, Step.InRow), word(step, Step.InPixel), lanes + POOL_OVER_READ)
  if (!readsBytes(step, Step.In, word(step, Step.InAt), read)) return Status.ReadsOutside
  if (op == Op.i8_global_pool) return units(step, (lanes + 7) >> 3, Axis.Quads) ? writtenBytes(step, <u64>lanes << 1) : Status.BadShape
  const stride = word(step, Step.Stride)
  if (rows == 0 || columns == 0 || kernel == 0 || kernel > 64 || stride == 0 || stride > 64 || !units(step, rows, Axis.Rows)) return Status.BadShape
  return writtenBytes(step, extent(rows, columns, outRow, word(step, Step.OutPixel), lanes))
}
