import { Loop } from './dot'

// Which instructions the engine has underneath, told by results that the standard leaves open. Loaded from memory, so that no
// compiler computes them.

const PROBE = memory.data<f32>([0])
const BYTES = memory.data<i32>([0x7f7f7f7f, -1])

let forced: i32 = Loop.Any

/** For tests: from now on every int8 kernel uses this loop, where the build has it and the activations allow it. */
export function useLoop(loop: i32): void {
  forced = loop
}

/** The fastest way to make quad dot products of activations 0 .. top here. */
export function quadLoop(top: u32): i32 {
  if (top > 127) return Loop.Words
  const loop = forced == Loop.Any ? fastest() : forced
  if (ASC_FEATURE_RELAXED_SIMD) return loop == Loop.Bytes ? Loop.Words : loop
  return loop == Loop.Dot || loop == Loop.Pairs ? Loop.Words : loop
}

function fastest(): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    // 4 * 127 * 255 with VNNI, 4 * 127 * -1 with sdot; x86 without VNNI saturates pairs in int16.
    const w = v128.load32_splat(BYTES)
    const a = v128.load32_splat(BYTES, 4)
    return i32x4.extract_lane(i32x4.relaxed_dot_i8x16_i7x16_add_s(w, a, i32x4.splat(0)), 0) == 65534 ? Loop.Pairs : Loop.Dot
  }
  // The sign of the NaN that 0 / 0 gives: set on x86, clear on arm64, which has no cheap product of int16 pairs.
  return reinterpret<i32>(load<f32>(PROBE) / load<f32>(PROBE)) < 0 ? Loop.Words : Loop.Bytes
}
