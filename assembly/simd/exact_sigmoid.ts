/**
 * f(1 / f(1 + e)), e = exp(-y) per lane, by plain float32 operations in the order of docs/quantization.md: the same bits in every
 * build, on every machine. The coefficients of a dynamic layer decide integers, so no multiply-add is fused here.
 */
// @ts-ignore: decorator
@inline
export function exactSigmoid(y: v128): v128 {
  const one = f32x4.splat(1.0)
  const x = f32x4.pmin(f32x4.pmax(f32x4.neg(y), f32x4.splat(-87.0)), f32x4.splat(88.0))
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269502162933349609375)))
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)))
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)))
  let p = f32x4.splat(1.9875691500e-4)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1))
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), one)
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return f32x4.div(one, f32x4.add(one, f32x4.mul(p, power)))
}
