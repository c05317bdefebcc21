// @ts-nocheck: AssemblyScript. What the multiply-add of this build reaches when nothing waits for memory.

/**
 * `rounds` times 12 independent multiply-adds of 4 lanes; returns a lane of their sum. Relaxed: chains through the addend, as in a
 * GEMM. Baseline: through the factor, because with constant factors the compiler would multiply only once.
 */
export function multiplyAdds(rounds: i32, factor: f32, term: f32): f32 {
  const a = f32x4.splat(factor)
  const b = f32x4.splat(term)
  let c0 = f32x4.splat(0)
  let c1 = f32x4.splat(1)
  let c2 = f32x4.splat(2)
  let c3 = f32x4.splat(3)
  let c4 = f32x4.splat(4)
  let c5 = f32x4.splat(5)
  let c6 = f32x4.splat(6)
  let c7 = f32x4.splat(7)
  let c8 = f32x4.splat(8)
  let c9 = f32x4.splat(9)
  let c10 = f32x4.splat(10)
  let c11 = f32x4.splat(11)
  for (let i = 0; i < rounds; ++i) {
    if (ASC_FEATURE_RELAXED_SIMD) {
      c0 = f32x4.relaxed_madd(a, b, c0)
      c1 = f32x4.relaxed_madd(a, b, c1)
      c2 = f32x4.relaxed_madd(a, b, c2)
      c3 = f32x4.relaxed_madd(a, b, c3)
      c4 = f32x4.relaxed_madd(a, b, c4)
      c5 = f32x4.relaxed_madd(a, b, c5)
      c6 = f32x4.relaxed_madd(a, b, c6)
      c7 = f32x4.relaxed_madd(a, b, c7)
      c8 = f32x4.relaxed_madd(a, b, c8)
      c9 = f32x4.relaxed_madd(a, b, c9)
      c10 = f32x4.relaxed_madd(a, b, c10)
      c11 = f32x4.relaxed_madd(a, b, c11)
    } else {
      c0 = f32x4.add(f32x4.mul(c0, a), b)
      c1 = f32x4.add(f32x4.mul(c1, a), b)
      c2 = f32x4.add(f32x4.mul(c2, a), b)
      c3 = f32x4.add(f32x4.mul(c3, a), b)
      c4 = f32x4.add(f32x4.mul(c4, a), b)
      c5 = f32x4.add(f32x4.mul(c5, a), b)
      c6 = f32x4.add(f32x4.mul(c6, a), b)
      c7 = f32x4.add(f32x4.mul(c7, a), b)
      c8 = f32x4.add(f32x4.mul(c8, a), b)
      c9 = f32x4.add(f32x4.mul(c9, a), b)
      c10 = f32x4.add(f32x4.mul(c10, a), b)
      c11 = f32x4.add(f32x4.mul(c11, a), b)
    }
  }
  c0 = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7)))
  c0 = f32x4.add(c0, f32x4.add(f32x4.add(c8, c9), f32x4.add(c10, c11)))
  return f32x4.extract_lane(c0, 0)
}
