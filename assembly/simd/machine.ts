import { madd } from './arithmetic'
import { Loop } from './dot'

// Which instructions the engine has underneath, told by results that the standard leaves open. Loaded from memory, so that no
// compiler computes them.

const ZERO = memory.data<f32>([0])
const BYTES = memory.data<i32>([0x7f7f7f7f, -1])

// 1 + 2^-12: its square, rounded, lacks the last bit, 2^-24.
const FACTOR = memory.data<i32>([0x3f800800])

let forced: i32 = Loop.Any
let forcedPixels: i32 = 0

/** For tests: from now on every int8 kernel uses this loop, where the build has it and the activations allow it. */
export function useLoop(loop: i32): void {
  forced = loop
}

/** The fastest way to make quad dot products of activations 0 .. top here: Dot, Pairs, Words or Bytes. */
export function quadLoop(top: u32): i32 {
  const loop = tileLoop(top)
  return loop == Loop.Wide ? Loop.Dot : loop
}

/** As `quadLoop`, or Wide. */
export function tileLoop(top: u32): i32 {
  if (top > 127) return Loop.Words
  const loop = forced == Loop.Any ? fastest() : forced
  if (ASC_FEATURE_RELAXED_SIMD) return loop == Loop.Bytes ? Loop.Words : loop
  return loop == Loop.Bytes ? loop : Loop.Words
}

function fastest(): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    // Four times 127 * 255: what VNNI gives. arm64 takes 255 as -1; x86 without VNNI saturates pairs in int16.
    const dot = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load32_splat(BYTES), v128.load32_splat(BYTES, 4), i32x4.splat(0))
    const sum = i32x4.extract_lane(dot, 0)
    return sum < 0 ? Loop.Wide : sum == 65534 ? Loop.Pairs : Loop.Dot
  }
  // arm64 has no cheap product of int16 pairs.
  return onArm64() ? Loop.Bytes : Loop.Words
}

/** Pixels of a pointwise tile for machines with 32 vector registers; the grouped kernels have tiles of their own for them. */
export const WIDEST: i32 = 8

/**
 * For tests: from now on float32 pointwise convolutions take so many pixels at a time, 1 .. 6 or WIDEST, and only with WIDEST grouped
 * ones take their widest tile; 0, what suits the machine.
 */
export function usePixels(pixels: i32): void {
  forcedPixels = pixels
}

/** Pixels that a float32 pointwise tile takes here. Six leave no register for a product that is not added in the same instruction. */
export function pixelsPerTile(): i32 {
  if (forcedPixels) return forcedPixels
  return onArm64() ? WIDEST : fuses() ? 6 : 5
}

/** The sign of the NaN that 0 / 0 gives: set on x86, clear on arm64. */
function onArm64(): bool {
  return reinterpret<i32>(load<f32>(ZERO) / load<f32>(ZERO)) >= 0
}

/** Whether `madd` rounds once. */
function fuses(): bool {
  const factor = v128.load32_splat(FACTOR)
  const product = f32x4.mul(factor, factor)
  return f32x4.extract_lane(madd(factor, factor, f32x4.neg(product)), 0) != 0
}
