import { Base, Op, Status, Step, Tensor } from './format'
import * as placed from './operands'
import { word } from './operands'

// What the checks of a step are made of: extents in 64 bits, worked out from shapes and strides.

/** Sizes beyond this are refused, so that no product of two of them overflows 64 bits. */
export const LIMIT: u32 = 1 << 24

/** Tensors of the program under check. */
let tensorCount: u32 = 0

export function setTensorCount(count: u32): void {
  tensorCount = count
}

function tensorWord(index: u32, field: i32): u32 {
  return load<u32>(placed.tensors + <usize>index * (Tensor.Words << 2) + (<usize>field << 2))
}

/** May `bytes` bytes from `at` on be read in the tensor that `field` names? */
export function reads(step: usize, field: i32, at: u32, bytes: u64): bool {
  return (at & 3) == 0 && readsBytes(step, field, at, bytes)
}

/** The same where values are bytes. */
export function readsBytes(step: usize, field: i32, at: u32, bytes: u64): bool {
  const index = word(step, field)
  return index < tensorCount && <u64>at + bytes <= <u64>tensorWord(index, Tensor.Bytes)
}

/** May they be written? Only the arena may, and not where an operand lies that is still to be read. */
export function writes(step: usize, field: i32, at: u32, bytes: u64): bool {
  return (at & 3) == 0 && writesBytes(step, field, at, bytes)
}

export function writesBytes(step: usize, field: i32, at: u32, bytes: u64): bool {
  return readsBytes(step, field, at, bytes) && tensorWord(word(step, field), Tensor.Base) == Base.Arena
}

/** Do two operands share memory? Only after `reads` or `writes` has checked their indices. */
export function overlap(step: usize, a: i32, b: i32): bool {
  const i = word(step, a)
  const j = word(step, b)
  if (tensorWord(i, Tensor.Base) != tensorWord(j, Tensor.Base)) return false
  const first: u64 = tensorWord(i, Tensor.Offset)
  const second: u64 = tensorWord(j, Tensor.Offset)
  return first < second + tensorWord(j, Tensor.Bytes) && second < first + tensorWord(i, Tensor.Bytes)
}

/** Bytes from the first to past the last of a picture; 0 rows never get here. */
export function extent(rows: u64, columns: u64, row: u64, pixel: u64, bytes: u64): u64 {
  return (rows - 1) * row + (columns - 1) * pixel + bytes
}

export function units(step: usize, count: u32, axis: u32): bool {
  return word(step, Step.Units) == count && word(step, Step.Axis) == axis
}

/** Status of a step whose reads are right and that writes `bytes` from OutAt on. */
export function written(step: usize, bytes: u64): u32 {
  if (!writes(step, Step.Out, word(step, Step.OutAt), bytes)) return Status.WritesOutside
  return overlap(step, Step.Out, Step.In) ? Status.Overlaps : Status.Ok
}

/** The same for bytes. */
export function writtenBytes(step: usize, bytes: u64): u32 {
  if (!writesBytes(step, Step.Out, word(step, Step.OutAt), bytes)) return Status.WritesOutside
  return overlap(step, Step.Out, Step.In) ? Status.Overlaps : Status.Ok
}

/** Status of a fusion whose other operands are right: does it note inside the arena, and apart from them, what it keeps? */
export function keepsInside(step: usize, op: u32, fours: u64, coefficientBytes: u64): u32 {
  if (!word(step, Step.Keeps)) return Status.Ok
  if (!writes(step, Step.Kept, 0, (fours << 2) + coefficientBytes)) return Status.WritesOutside
  if (overlap(step, Step.Kept, Step.Out) || overlap(step, Step.Kept, Step.Side) || overlap(step, Step.Kept, Step.Coefficients)) return Status.Overlaps
  if (overlap(step, Step.Kept, Step.Weights) || overlap(step, Step.Kept, Step.Bias)) return Status.Overlaps
  if (op != Op.f32_fuse && overlap(step, Step.Kept, Step.Scales)) return Status.Overlaps
  return op == Op.i8_fuse && overlap(step, Step.Kept, Step.Factors) ? Status.Overlaps : Status.Ok
}
