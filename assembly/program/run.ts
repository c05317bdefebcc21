import { MAX_THREADS, Op, Status, Step } from './format'
import * as placed from './operands'
import { word } from './operands'
import { f32_pointwise_4x8 } from '../pointwise/f32'
import { f32_full_4x8 } from '../full/f32'
import { f32_depthwise_4x4 } from '../depthwise/f32'
import { f32_grouped6_3x12 } from '../grouped/six_f32'
import { f32_grouped2_4x8 } from '../grouped/two_f32'
import { f32_fuse } from '../dynamic/fuse_f32'
import { w8_fuse } from '../dynamic/fuse_w8'
import { w8_expand } from '../dynamic/expand_w8'
import { f32_linear } from '../linear/f32'
import { w8_linear } from '../linear/w8'
import { f32_global_pool } from '../pool/global'
import { f32_max_pool } from '../pool/max'
import { f32_border } from '../pool/border'
import { f32_softmax } from '../softmax/f32'
import { i8_pointwise_4x8 } from '../pointwise/i8'
import { i8_full_4x8 } from '../full/i8'
import { i8_depthwise_4x8 } from '../depthwise/i8'
import { i8_grouped6_3x12 } from '../grouped/six_i8'
import { i8_grouped2_4x8 } from '../grouped/two_i8'
import { i8_fuse } from '../dynamic/fuse_i8'
import { i8_linear } from '../linear/i8'
import { i8_global_pool } from '../pool/global_i8'
import { i8_max_pool } from '../pool/max_i8'
import { i8_border } from '../pool/border_i8'
import { i8_quantize } from '../quantize/quantize'
import { i8_dequantize } from '../quantize/dequantize'

/**
 * Runs this thread's share of steps from .. to - 1 of the verified program. The whole range is a normal call, one step is
 * profiling. With several threads the caller sees to it that all have finished a step before any starts the next.
 */
export function run(from: u32, to: u32, thread: i32, threads: i32): u32 {
  if (!placed.steps) return Status.NotVerified
  if (from > to || to > placed.stepCount || thread < 0 || thread >= threads || threads > MAX_THREADS) return Status.BadRange
  placed.useScratch(thread)
  for (let i = from; i < to; ++i) {
    const step = placed.steps + <usize>i * (Step.Words << 2)
    const units: u64 = word(step, Step.Units)
    const begin = <i32>(units * thread / threads)
    const end = <i32>(units * (thread + 1) / threads)
    if (begin < end) dispatch(step, begin, end)
  }
  return Status.Ok
}

/**
 * Runs units begin .. end - 1 of step `index` of the verified program with the scratch of `thread`: for a host whose own threads share
 * steps, each with an instance over the same memory. It sees to the order of steps, and that no unit is run twice.
 */
export function runUnits(index: u32, begin: u32, end: u32, thread: i32): u32 {
  if (!placed.steps) return Status.NotVerified
  if (index >= placed.stepCount || thread < 0 || thread >= MAX_THREADS) return Status.BadRange
  const step = placed.steps + <usize>index * (Step.Words << 2)
  if (begin >= end || end > word(step, Step.Units)) return Status.BadRange
  placed.useScratch(thread)
  dispatch(step, begin, end)
  return Status.Ok
}

/** The module's half of the kernel table; its other half is src/kernels.ts. */
export function dispatch(step: usize, begin: i32, end: i32): void {
  switch (word(step, Step.Op)) {
    case Op.f32_pointwise_4x8: f32_pointwise_4x8(step, begin, end); break
    case Op.f32_full_4x8: f32_full_4x8(step, begin, end); break
    case Op.f32_depthwise_4x4: f32_depthwise_4x4(step, begin, end); break
    case Op.f32_grouped6_3x12: f32_grouped6_3x12(step, begin, end); break
    case Op.f32_grouped2_4x8: f32_grouped2_4x8(step, begin, end); break
    case Op.f32_fuse: f32_fuse(step, begin, end); break
    case Op.w8_fuse: w8_fuse(step, begin, end); break
    case Op.w8_expand: w8_expand(step, begin, end); break
    case Op.f32_linear: f32_linear(step, begin, end); break
    case Op.w8_linear: w8_linear(step, begin, end); break
    case Op.f32_global_pool: f32_global_pool(step, begin, end); break
    case Op.f32_max_pool: f32_max_pool(step, begin, end); break
    case Op.f32_softmax: f32_softmax(step, begin, end); break
    case Op.f32_border: f32_border(step, begin, end); break
    case Op.i8_pointwise_4x8: i8_pointwise_4x8(step, begin, end); break
    case Op.i8_full_4x8: i8_full_4x8(step, begin, end); break
    case Op.i8_depthwise_4x8: i8_depthwise_4x8(step, begin, end); break
    case Op.i8_grouped6_3x12: i8_grouped6_3x12(step, begin, end); break
    case Op.i8_grouped2_4x8: i8_grouped2_4x8(step, begin, end); break
    case Op.i8_fuse: i8_fuse(step, begin, end); break
    case Op.i8_linear: i8_linear(step, begin, end); break
    case Op.i8_global_pool: i8_global_pool(step, begin, end); break
    case Op.i8_max_pool: i8_max_pool(step, begin, end); break
    case Op.i8_border: i8_border(step, begin, end); break
    case Op.i8_quantize: i8_quantize(step, begin, end); break
    case Op.i8_dequantize: i8_dequantize(step, begin, end); break
  }
}
