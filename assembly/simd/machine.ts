import { Loop } from './dot'

// Which instructions the engine has underneath, told by results that the standard leaves open. Loaded from memory, so that no
// compiler computes them.

const ZERO = memory.data<f32>([0])
const BYTES = memory.data<i32>([0x7f7f7f7f, -1])

let forced: i32 = Loop.Any

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
  // The sign of the NaN that 0 / 0 gives: set on x86, clear on arm64, which has no cheap product of int16 pairs.
  return reinterpret<i32>(load<f32>(ZERO) / load<f32>(ZERO)) < 0 ? Loop.Words : Loop.Bytes
}
