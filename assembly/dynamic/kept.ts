import { Step } from '../program/format'
import { operand, word } from '../program/operands'

/** Of the kernels of four lanes, after a run; 0: never fused. */
// @ts-ignore: decorator
@inline
const FUSED: u32 = 1
// @ts-ignore: decorator
@inline
const KEPT: u32 = 2

/**
 * Do the kernels of lanes 4 `four` .. 4 `four` + 3, fused in an earlier run, still stand? Then nothing is to be fused for them.
 *
 * They do while each of their coefficients lies within Tolerance of the one that they were fused from. That one is not the last
 * frame's: small moves never add up. If they do not, today's coefficients are noted, and the caller must fuse.
 *
 * Kept: a state per four lanes, `fours` words; then coefficients as Coefficients has them from CoefficientsAt on, those of these lanes
 * `at` bytes on, `bytes` of them. The host zeroes it where earlier runs left no kernels. NaN counts as moved.
 */
export function keeps(step: usize, four: i32, fours: usize, at: usize, bytes: usize): bool {
  if (!word(step, Step.Keeps)) return false
  const kept = operand(step, Step.Kept)
  const state = kept + (<usize>four << 2)
  const now = operand(step, Step.Coefficients) + word(step, Step.CoefficientsAt) + at
  const then = kept + (fours << 2) + at
  if (load<u32>(state) != 0 && isNear(now, then, bytes, load<f32>(step, Step.Tolerance << 2))) {
    store<u32>(state, KEPT)
    return true
  }
  store<u32>(state, FUSED)
  let i: usize = 0
  for (; i + 16 <= bytes; i += 16) v128.store(then + i, v128.load(now + i))
  for (; i < bytes; i += 4) store<u32>(then + i, load<u32>(now + i))
  return false
}

/** To the end even when the first has moved: where it stops, no processor can foresee. */
function isNear(now: usize, then: usize, bytes: usize, tolerance: f32): bool {
  const limit = f32x4.splat(tolerance)
  let near = i32x4.splat(-1)
  let i: usize = 0
  for (; i + 16 <= bytes; i += 16) {
    near = v128.and(near, f32x4.le(f32x4.abs(f32x4.sub(v128.load(now + i), v128.load(then + i))), limit))
  }
  let all = i32x4.all_true(near)
  for (; i < bytes; i += 4) all = all && abs(load<f32>(now + i) - load<f32>(then + i)) <= tolerance
  return all
}
