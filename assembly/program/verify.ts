import { Activation, Axis, Base, Header, Op, PROGRAM_MAGIC, PROGRAM_VERSION, Side, Status, Step, Tensor } from './format'
import * as placed from './operands'
import { word } from './operands'
import { extent, keepsInside, LIMIT, overlap, reads, setTensorCount, units, writes, written } from './extents'
import { checkInt8 } from './verify_i8'
import { MAX_GROUP } from '../dynamic/fuse_w8'

/**
 * Checks the program of `bytes` bytes at `program` against the bases that `place` was given and makes it the one that `run` runs.
 *
 * After Status.Ok no step can read or write outside the tensors it names, whatever the program's author wrote: every extent is
 * worked out from shapes and strides, over-reads of a vector's rest included. Returns Status.Ok, or code | step << 8; a refused
 * program leaves none selected.
 */
export function verify(program: usize, bytes: u32): u32 {
  placed.unselect()
  if ((program & 3) != 0 || bytes < <u32>(Header.Words << 2)) return Status.WrongLength
  if (<u64>program + bytes > <u64>memory.size() << 16) return Status.WrongLength
  if (load<u32>(program, Header.Magic << 2) != <u32>PROGRAM_MAGIC) return Status.NotAProgram
  if (load<u32>(program, Header.Version << 2) != <u32>PROGRAM_VERSION) return Status.WrongVersion
  const tensors = load<u32>(program, Header.Tensors << 2)
  const steps = load<u32>(program, Header.Steps << 2)
  const length = ((<u64>Header.Words + <u64>tensors * Tensor.Words + <u64>steps * Step.Words) << 2)
  if (length != <u64>bytes || load<u32>(program, Header.Bytes << 2) != bytes) return Status.WrongLength
  if (load<u32>(program, Header.WeightBytes << 2) > placed.weightBytes) return Status.WrongBases
  if (load<u32>(program, Header.ArenaBytes << 2) > placed.arenaBytes) return Status.WrongBases
  placed.select(program)
  let status: u32 = Status.Ok
  for (let i: u32 = 0; i < tensors && !status; ++i) status = checkTensor(i)
  for (let i: u32 = 0; i < steps && !status; ++i) {
    status = checkStep(placed.steps + <usize>i * (Step.Words << 2), tensors)
    if (status) status |= i << 8
  }
  if (status) placed.unselect()
  return status
}

function checkTensor(index: u32): u32 {
  const record = placed.tensors + <usize>index * (Tensor.Words << 2)
  const base = load<u32>(record, Tensor.Base << 2)
  const offset = load<u32>(record, Tensor.Offset << 2)
  const end = <u64>offset + load<u32>(record, Tensor.Bytes << 2)
  if (base > <u32>Base.Arena || (offset & 15) != 0) return Status.BadTensor
  return end <= <u64>(base == Base.Weights ? placed.weightBytes : placed.arenaBytes) ? Status.Ok : Status.BadTensor
}

function checkStep(step: usize, tensors: u32): u32 {
  setTensorCount(tensors)
  for (let field: i32 = Step.InRow; field <= Step.Kernel; ++field) {
    if (field != Step.In && field != Step.Out && field != Step.InAt && field != Step.OutAt && word(step, field) > LIMIT) return Status.BadShape
  }
  const op = word(step, Step.Op)
  const lanes = word(step, Step.Lanes)
  const depth = word(step, Step.Depth)
  if (word(step, Step.Group) > MAX_GROUP || word(step, Step.SideGroup) > LIMIT || word(step, Step.SideRow) > LIMIT) return Status.BadShape
  if (word(step, Step.SidePixel) > LIMIT || word(step, Step.SideMode) > <u32>Side.ZipPairs) return Status.BadShape
  if (op >= <u32>Op.i8_pointwise_4x8 && op <= <u32>Op.i8_dequantize) return checkInt8(step, op)
  if (op != Op.f32_border && (lanes == 0 || (lanes & 3) != 0 && op != Op.f32_pointwise_4x8)) return Status.BadShape
  if (op >= <u32>Op.f32_pointwise_4x8 && op <= <u32>Op.f32_grouped2_4x8) return checkConvolution(step, op)
  if (op == Op.f32_fuse || op == Op.w8_fuse || op == Op.w8_expand) return checkFusion(step, op)
  if (op == Op.f32_linear || op == Op.w8_linear) {
    const quads: u64 = lanes >> 2
    if (depth == 0 || !units(step, (lanes >> 2) + 1 >> 1, Axis.Panels) || word(step, Step.Activation) > <u32>Activation.Sigmoid) return Status.BadShape
    if (!reads(step, Step.In, word(step, Step.InAt), <u64>depth << 2)) return Status.ReadsOutside
    const w8 = op == Op.w8_linear
    if (!reads(step, Step.Weights, 0, quads * depth << (w8 ? 2 : 4)) || !reads(step, Step.Bias, 0, quads << 4)) return Status.ReadsOutside
    if (w8 && !reads(step, Step.Scales, 0, quads << 4)) return Status.ReadsOutside
    return written(step, quads << 4)
  }
  return checkPool(step, op)
}

function checkConvolution(step: usize, op: u32): u32 {
  const rows = word(step, Step.Rows)
  const columns = word(step, Step.Columns)
  const depth = word(step, Step.Depth)
  const lanes = word(step, Step.Lanes)
  const stride = word(step, Step.Stride)
  const kernel = word(step, Step.Kernel)
  const quads: u64 = lanes + 3 >> 2
  if (rows == 0 || columns == 0 || depth == 0 || stride == 0 || kernel == 0 || kernel > 64 || stride > 64) return Status.BadShape
  const mode = word(step, Step.SideMode)
  let bytes: u64 = <u64>lanes << 2
  if (op == Op.f32_pointwise_4x8) {
    if (kernel != 1 || stride != 1 || word(step, Step.Block) == 0 || word(step, Step.Block) > LIMIT) return Status.BadShape
    if (<u64>rows * columns > LIMIT || mode < <u32>Side.Zip2 && (lanes & 3) != 0) return Status.BadShape
    const panels = <u32>quads + 1 >> 1
    if (!units(step, (rows * columns + 7) >> 3, Axis.Pixels) && !units(step, panels, Axis.Panels)) return Status.BadShape
    bytes = <u64>depth << 2
  } else {
    if (mode != Side.None || !units(step, rows, Axis.Rows)) return Status.BadShape
    if (op == Op.f32_full_4x8) {
      if (depth % (kernel * kernel) != 0) return Status.BadShape
      bytes = <u64>(depth / (kernel * kernel)) << 2
    } else {
      if (kernel != 3 || stride > 2) return Status.BadShape
      if (op == Op.f32_depthwise_4x4 && depth != 9) return Status.BadShape
      if (op == Op.f32_grouped6_3x12 && (depth != 54 || quads % 3 == 1)) return Status.BadShape
      if (op == Op.f32_grouped2_4x8 && (depth != 18 || quads % 2 != 0)) return Status.BadShape
    }
  }
  const inRows = <u64>(rows - 1) * stride + kernel
  const inColumns = <u64>(columns - 1) * stride + kernel
  const read = extent(inRows, inColumns, word(step, Step.InRow), word(step, Step.InPixel), bytes)
  if (!reads(step, Step.In, word(step, Step.InAt), read)) return Status.ReadsOutside
  if (!reads(step, Step.Weights, 0, quads * depth << 4) || !reads(step, Step.Bias, 0, quads << 4)) return Status.ReadsOutside
  let out: u64 = <u64>lanes << 2
  if (mode != Side.None) {
    let group: u64 = 0
    if (mode == Side.Zip4) {
      out <<= 2
      group = <u64>word(step, Step.SideGroup) << 1
    } else if (mode != Side.Add) out <<= 1
    const side = extent(rows, columns, word(step, Step.SideRow), word(step, Step.SidePixel), (quads << 4) + group)
    if (!reads(step, Step.Side, word(step, Step.SideAt), side)) return Status.ReadsOutside
  }
  const write = extent(rows, columns, word(step, Step.OutRow), word(step, Step.OutPixel), out)
  const status = written(step, write)
  if (status) return status
  if (mode != Side.None && overlap(step, Step.Out, Step.Side)) return Status.Overlaps
  return overlap(step, Step.Out, Step.Weights) || overlap(step, Step.Out, Step.Bias) ? Status.Overlaps : Status.Ok
}

function checkFusion(step: usize, op: u32): u32 {
  const quads: u64 = word(step, Step.Lanes) >> 2
  const depth: u64 = word(step, Step.Depth)
  const group: u64 = word(step, Step.Group)
  const block = word(step, Step.Block)
  if (depth == 0 || block == 0 || block > 3 || !units(step, <u32>quads, Axis.Quads)) return Status.BadShape
  if (!writes(step, Step.Out, word(step, Step.OutAt), quads * depth << 4)) return Status.WritesOutside
  if (op == Op.w8_expand) {
    if (!reads(step, Step.Weights, 0, quads * depth << 2) || !reads(step, Step.Scales, 0, quads << 4)) return Status.ReadsOutside
    return overlap(step, Step.Out, Step.Weights) || overlap(step, Step.Out, Step.Scales) ? Status.Overlaps : Status.Ok
  }
  if (group == 0) return Status.BadShape
  const w8 = op == Op.w8_fuse
  const kernels = w8 ? quads * depth * (group + 1 >> 1) << 3 : quads * depth * group << 4
  const row = quads * group << 4
  if (!reads(step, Step.Weights, 0, kernels) || !reads(step, Step.Bias, 0, row + (quads << 4))) return Status.ReadsOutside
  if (!reads(step, Step.Coefficients, word(step, Step.CoefficientsAt), row)) return Status.ReadsOutside
  if (w8 && !reads(step, Step.Scales, 0, row)) return Status.ReadsOutside
  if (!writes(step, Step.Side, word(step, Step.SideAt), quads << 4)) return Status.WritesOutside
  if (overlap(step, Step.Out, Step.Coefficients) || overlap(step, Step.Side, Step.Coefficients)) return Status.Overlaps
  if (overlap(step, Step.Out, Step.Side) || overlap(step, Step.Out, Step.Weights) || overlap(step, Step.Side, Step.Weights)) return Status.Overlaps
  return keepsInside(step, op, quads, row)
}

function checkPool(step: usize, op: u32): u32 {
  const lanes = word(step, Step.Lanes)
  const bytes = <u64>lanes << 2
  const rows = word(step, Step.Rows)
  const columns = word(step, Step.Columns)
  const inRows = word(step, Step.InRows)
  const inColumns = word(step, Step.InColumns)
  const kernel = word(step, Step.Kernel)
  const outRow = word(step, Step.OutRow)
  if (op == Op.f32_softmax) {
    if (word(step, Step.Depth) == 0 || word(step, Step.Depth) > lanes || !units(step, 1, Axis.Whole)) return Status.BadShape
    if (!reads(step, Step.In, word(step, Step.InAt), bytes)) return Status.ReadsOutside
    return written(step, bytes)
  }
  if (op == Op.f32_border) {
    if (rows == 0 || kernel == 0 || !units(step, rows, Axis.Rows)) return Status.BadShape
    if (<u64>kernel * word(step, Step.OutPixel) * 2 > <u64>outRow) return Status.BadShape
    return writes(step, Step.Out, word(step, Step.OutAt), <u64>rows * outRow) ? Status.Ok : Status.WritesOutside
  }
  if (op != Op.f32_global_pool && op != Op.f32_max_pool) return Status.BadOp
  if (inRows == 0 || inColumns == 0) return Status.BadShape
  const read = extent(inRows, inColumns, word(step, Step.InRow), word(step, Step.InPixel), bytes)
  if (!reads(step, Step.In, word(step, Step.InAt), read)) return Status.ReadsOutside
  if (op == Op.f32_global_pool) return units(step, lanes >> 2, Axis.Quads) ? written(step, bytes) : Status.BadShape
  if (rows == 0 || columns == 0 || kernel == 0 || kernel > 64 || word(step, Step.Stride) == 0 || word(step, Step.Stride) > 64) return Status.BadShape
  if (!units(step, rows, Axis.Rows)) return Status.BadShape
  return written(step, extent(rows, columns, outRow, word(step, Step.OutPixel), bytes))
}
