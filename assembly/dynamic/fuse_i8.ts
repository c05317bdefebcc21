import { Step } from '../program/format'
import { operand, output, scratch, side, splatWord, word } from '../program/operands'
import { scaledWords } from '../simd/arithmetic'
import { joinHalves } from '../simd/dot'
import { keeps } from './kept'

/**
 * Equation 1 of the DyNet paper in integers: an int8 kernel per output lane, with the int32 bias and the float32 factor that its
 * convolution reads. docs/quantization.md, Dynamic convolution, has every operation; floats here are plain, each rounded once.
 *
 * Fixed kernels: [lane][Depth / 4][pairs][4 k][2 kernels] int8, pairs = (g + 1) / 2, an odd partner zero; Scales [lane][g], Bias
 * [lane][1 + g], Coefficients [lane][g] float32; lanes that Holes says are padding have none. Out: blocks of Block (8 or 12) lanes,
 * [Depth / 4][lane of the block][4 k], or planar [9][8 lanes] (Depth 12, the last three of them zero); bias to Side, factors to Factors,
 * in whole blocks, zero where a block has lanes past Lanes. Units are blocks. Kernels of earlier runs may stand (kept.ts).
 *
 * A lane goes through thread scratch as int16: its largest weight must be known before any can be scaled to int8.
 */
export function i8_fuse(step: usize, begin: i32, end: i32): void {
  const block = <i32>word(step, Step.Block)
  const lanes = <i32>word(step, Step.Lanes)
  const depth: usize = word(step, Step.Depth)
  for (let unit = begin; unit < end; ++unit) {
    const start = output(step) + <usize>(unit * block) * (word(step, Step.Planar) ? 9 : depth)
    for (let i = 0; i < block; i += 4) {
      const lane = unit * block + i
      const to = start + (word(step, Step.Planar) ? <usize>i : <usize>i << 2)
      if (lane < lanes) fuseFour(step, lane, to)
      else clearFour(step, lane, to)
    }
  }
}

/**
 * Where things lie in thread scratch: int16 weights of a lane (4096 at most) or of four; coefficient pairs, 32 splats at most, of four
 * lanes; products of one; results of four.
 */
// @ts-ignore: decorator
@inline
const PAIRS: usize = 8192
// @ts-ignore: decorator
@inline
const PRODUCTS: usize = 8192 + 2048
// @ts-ignore: decorator
@inline
const LARGEST: usize = 8192 + 2048 + 512
// @ts-ignore: decorator
@inline
const SCALED: usize = 8192 + 2048 + 528
// @ts-ignore: decorator
@inline
const BIASES: usize = 8192 + 2048 + 544
// @ts-ignore: decorator
@inline
const SUMS: usize = 8192 + 2048 + 560

/** Weights of four lanes that scratch holds at once. */
// @ts-ignore: decorator
@inline
const TOGETHER: usize = 1024

/** Weights, biases and factors of lanes lane .. lane + 3; `to` is the first one's place in Out. */
function fuseFour(step: usize, lane: i32, to: usize): void {
  const group: usize = word(step, Step.Group)
  const stored = <usize>(lane - paddingBefore(step, lane))
  const row = stored * group << 2
  const next = <usize>(lane + 4 - paddingBefore(step, lane + 4))
  if (keeps(step, lane >> 2, word(step, Step.Lanes) >> 2, row, (next - stored) * group << 2)) return
  const planar = word(step, Step.Planar) != 0
  const depth: usize = word(step, Step.Depth)
  const stride = <usize>word(step, Step.Block) << 2
  const size = depth * (group + 1 >> 1) << 1
  const bits = 32 - <i32>clz<u32>(<u32>group * 127 - 1)
  let from = operand(step, Step.Weights) + stored * size
  let eta = operand(step, Step.Coefficients) + word(step, Step.CoefficientsAt) + row
  let scale = operand(step, Step.Scales) + row
  let bias = operand(step, Step.Bias) + row + (stored << 2)
  let rest = (<usize>(word(step, Step.Lanes) - popcnt<u32>(word(step, Step.Holes))) * group << 2) - row
  // What belongs to one lane is a long chain: those of four overlap.
  for (let i: usize = 0; i < 4; ++i) {
    const at = scratch + (i << 2)
    if (isPadding(step, lane + <i32>i)) {
      store<f32>(at, 0, BIASES)
      store<f32>(at, 1, LARGEST)
      continue
    }
    store<f32>(at, fusedBias(eta, bias, group), BIASES)
    store<f32>(at, makePairs(eta, scale, scratch + (i << 9), group, rest), LARGEST)
    eta += group << 2
    scale += group << 2
    bias += (group << 2) + 4
    rest -= group << 2
  }
  // Where there is room for four lanes in scratch, they are scaled and stored together.
  const together = !planar && depth <= TOGETHER
  let place = to
  for (let i: usize = 0; i < 4; ++i, place += planar ? 1 : 4) {
    const sums = together ? scratch + i * depth * 2 : scratch
    const at = scratch + (i << 2)
    if (isPadding(step, lane + <i32>i)) {
      if (together) memory.fill(sums, 0, depth << 1)
      else clearLane(step, place)
      store<f32>(at, 1, SCALED)
      v128.store(scratch + (i << 4), i32x4.splat(0), SUMS)
      continue
    }
    const most = <f32>sumKernels(from, scratch + (i << 9), sums, depth, group, bits)
    let factor = min(<f32>32767, floor(<f32>(127 * 32768) / max(most, 1)))
    if (planar) factor = min(factor, floor(<f32>(253 * 32768) / largestSum()))
    store<f32>(at, factor, SCALED)
    if (planar) v128.store(scratch + (i << 4), storePlanar(place, i16x8.splat(<i16>factor)), SUMS)
    else if (!together) v128.store(scratch + (i << 4), storeLane(place, stride, depth, i16x8.splat(<i16>factor)), SUMS)
    from += size
  }
  if (together) storeFour(to, stride, depth)
  const unit = <f32>(<f64>(1 << bits) * 32768.0 / 32767.0)
  const weightScale = f32x4.div(f32x4.mul(v128.load(scratch, LARGEST), f32x4.splat(unit)), v128.load(scratch, SCALED))
  const b = v128.load(scratch, BIASES)
  const limit = f32x4.splat(1073741824)
  let u = f32x4.mul(splatWord(step, Step.InScale), weightScale)
  let start = f32x4.div(b, u)
  let total = fourSums(scratch)
  const vanishing = f32x4.gt(f32x4.abs(start), limit)
  if (v128.any_true(vanishing)) {
    u = v128.bitselect(f32x4.mul(f32x4.abs(b), f32x4.splat(9.31322574615478515625e-10)), u, vanishing)
    start = f32x4.div(b, u)
    total = v128.andnot(total, vanishing)
    for (let i = 0, lanes = i32x4.bitmask(vanishing); lanes; ++i, lanes >>= 1) if (lanes & 1) clearLane(step, to + <usize>(planar ? i : i << 2))
  }
  start = i32x4.trunc_sat_f32x4_s(f32x4.pmin(f32x4.pmax(f32x4.nearest(start), f32x4.neg(limit)), limit))
  v128.store(side(step) + (<usize>lane << 2), i32x4.sub(start, i32x4.mul(total, splatWord(step, Step.InZero))))
  v128.store(operand(step, Step.Factors) + (<usize>lane << 2), f32x4.div(u, splatWord(step, Step.OutScale)))
}

/** b of one lane, in order. */
// @ts-ignore: decorator
@inline
function fusedBias(eta: usize, bias: usize, group: usize): f32 {
  let b = load<f32>(bias)
  if (group == 6) {
    b += load<f32>(eta) * load<f32>(bias, 4)
    b += load<f32>(eta, 4) * load<f32>(bias, 8)
    b += load<f32>(eta, 8) * load<f32>(bias, 12)
    b += load<f32>(eta, 12) * load<f32>(bias, 16)
    b += load<f32>(eta, 16) * load<f32>(bias, 20)
    return b + load<f32>(eta, 20) * load<f32>(bias, 24)
  }
  for (let k: usize = 0; k < group << 2; k += 4) b += load<f32>(eta + k) * load<f32>(bias + k, 4)
  return b
}

/** Padding lanes among the first `lane` ones; Holes tells of the last 12. */
function paddingBefore(step: usize, lane: i32): i32 {
  const reach = lane - <i32>word(step, Step.Lanes) + 12
  return reach <= 0 ? 0 : popcnt<i32>(<i32>word(step, Step.Holes) & (1 << reach) - 1)
}

function isPadding(step: usize, lane: i32): bool {
  const bit = lane - <i32>word(step, Step.Lanes) + 12
  return bit >= 0 && (word(step, Step.Holes) >> bit & 1) != 0
}

/** Below it, coefficients count as zero: 2^-100. */
// @ts-ignore: decorator
@inline
const LEAST: f32 = 7.888609052210118e-31

/** Coefficients e of one lane as pairs, each splat, at `to` + PAIRS; returns L. `rest` is how many bytes of coefficients there are from here. */
function makePairs(eta: usize, scale: usize, to: usize, group: usize, rest: usize): f32 {
  if (group > 8 || rest < <usize>(group > 4 ? 32 : 16)) return makeManyPairs(eta, scale, to, group)
  const counts = i32x4.splat(<i32>group)
  // What lies past this lane's coefficients is masked.
  let low = v128.and(f32x4.mul(v128.load(eta), v128.load(scale)), i32x4.lt_s(i32x4(0, 1, 2, 3), counts))
  let high = i32x4.splat(0)
  if (group > 4) high = v128.and(f32x4.mul(v128.load(eta, 16), v128.load(scale, 16)), i32x4.lt_s(i32x4(4, 5, 6, 7), counts))
  let most = f32x4.pmax(f32x4.abs(low), f32x4.abs(high))
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1))
  most = f32x4.pmax(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2))
  most = v128.bitselect(most, f32x4.splat(1), f32x4.ge(most, f32x4.splat(LEAST)))
  const ratio = f32x4.div(f32x4.splat(32767), most)
  low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(low, ratio)))
  high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(high, ratio)))
  const pairs = i16x8.narrow_i32x4_s(low, high)
  v128.store(to, v128.shuffle<i32>(pairs, pairs, 0, 0, 0, 0), PAIRS)
  v128.store(to, v128.shuffle<i32>(pairs, pairs, 1, 1, 1, 1), PAIRS + 16)
  v128.store(to, v128.shuffle<i32>(pairs, pairs, 2, 2, 2, 2), PAIRS + 32)
  v128.store(to, v128.shuffle<i32>(pairs, pairs, 3, 3, 3, 3), PAIRS + 48)
  return f32x4.extract_lane(most, 0)
}

function makeManyPairs(eta: usize, scale: usize, to: usize, group: usize): f32 {
  const products = scratch + PRODUCTS
  let most: f32 = 0
  for (let k: usize = 0; k < group << 2; k += 4) {
    const c = load<f32>(eta + k) * load<f32>(scale + k)
    store<f32>(products + k, c)
    most = max(most, abs(c))
  }
  store<f32>(products + (group << 2), 0)
  if (!(most >= LEAST)) most = 1
  const ratio: f32 = 32767 / most
  for (let k: usize = 0; k < group << 2; k += 8) {
    const low = <i32>nearest(load<f32>(products + k) * ratio)
    const high = <i32>nearest(load<f32>(products + k, 4) * ratio)
    v128.store(to + (k << 1), i32x4.splat((low & 0xffff) | (high << 16)), PAIRS)
  }
  return most
}

/** A_k of one lane as int16 at `to`, and M = max |A_k|. Coefficients are at `e` + PAIRS, `bits` is h. */
function sumKernels(from: usize, e: usize, to: usize, depth: usize, group: usize, bits: i32): i32 {
  const pairs = group + 1 >> 1
  if (pairs == 3) return sumPairs(from, e, to, depth, 3, 10)
  if (pairs == 2) return sumPairs(from, e, to, depth, 2, 9)
  return sumPairs(from, e, to, depth, pairs, bits)
}

// @ts-ignore: decorator
@inline
function sumPairs(from: usize, e: usize, to: usize, depth: usize, pairs: usize, bits: i32): i32 {
  const e0 = v128.load(e, PAIRS)
  const e1 = v128.load(e, PAIRS + 16)
  const e2 = v128.load(e, PAIRS + 32)
  const half = i32x4.splat(1 << bits - 1)
  const size = pairs << 3
  let most = i16x8.splat(0)
  for (const stop = to + ((depth & ~7) << 1); to < stop; to += 16, from += size << 1) {
    const a = i16x8.narrow_i32x4_s(
      i32x4.shr_s(i32x4.add(quadSums(from, e, pairs, e0, e1, e2), half), bits),
      i32x4.shr_s(i32x4.add(quadSums(from + size, e, pairs, e0, e1, e2), half), bits),
    )
    most = i16x8.max_s(most, i16x8.abs(a))
    v128.store(to, a)
  }
  if (depth & 4) {
    const a = i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(quadSums(from, e, pairs, e0, e1, e2), half), bits), i32x4.splat(0))
    most = i16x8.max_s(most, i16x8.abs(a))
    v128.store64_lane(to, a, 0)
  }
  most = i16x8.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1))
  most = i16x8.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2))
  return max(<i32>i16x8.extract_lane_s(most, 0), <i32>i16x8.extract_lane_s(most, 1))
}

/** W_k for four k. */
// @ts-ignore: decorator
@inline
function quadSums(from: usize, e: usize, pairs: usize, e0: v128, e1: v128, e2: v128): v128 {
  let sum = i32x4.dot_i16x8_s(v128.load8x8_s(from), e0)
  if (pairs == 2 || pairs == 3) sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load8x8_s(from, 8), e1))
  if (pairs == 3) sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load8x8_s(from, 16), e2))
  if (pairs != 2 && pairs != 3) for (let pair: usize = 1; pair < pairs; ++pair) {
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load8x8_s(from + (pair << 3)), v128.load(e + (pair << 4), PAIRS)))
  }
  return sum
}

/** P of the nine weights in scratch. */
function largestSum(): f32 {
  const zero = i16x8.splat(0)
  const ones = i16x8.splat(1)
  const a = v128.load(scratch)
  const b = v128.load64_zero(scratch, 16)
  const above = i32x4.add(i32x4.dot_i16x8_s(i16x8.max_s(a, zero), ones), i32x4.dot_i16x8_s(i16x8.max_s(b, zero), ones))
  const below = i32x4.add(i32x4.dot_i16x8_s(i16x8.min_s(a, zero), ones), i32x4.dot_i16x8_s(i16x8.min_s(b, zero), ones))
  return <f32>max(max(sumOf(above), -sumOf(below)), 1)
}

// @ts-ignore: decorator
@inline
function sumOf(x: v128): i32 {
  x = i32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1))
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1)
}

/** w = (A F + 2^14) >> 15 of the lane in scratch, in quads `stride` bytes apart; returns four partial sums of w. */
function storeLane(to: usize, stride: usize, depth: usize, factor: v128): v128 {
  let sum = i32x4.splat(0)
  let from = scratch
  for (const stop = from + (depth << 1); from < stop; from += 8, to += stride) {
    const w = scaledWords(v128.load64_zero(from), factor)
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(w))
    v128.store32_lane(to, i8x16.narrow_i16x8_s(w, w), 0)
  }
  return sum
}

/** The same for four lanes, that lie in scratch one after another; their sums go to SUMS. */
function storeFour(to: usize, stride: usize, depth: usize): void {
  const factors = i32x4.trunc_sat_f32x4_s(v128.load(scratch, SCALED))
  const splats = i16x8.narrow_i32x4_s(factors, factors)
  const f0 = i8x16.swizzle(splats, i16x8.splat(0x0100))
  const f1 = i8x16.swizzle(splats, i16x8.splat(0x0302))
  const f2 = i8x16.swizzle(splats, i16x8.splat(0x0504))
  const f3 = i8x16.swizzle(splats, i16x8.splat(0x0706))
  const pitch = depth << 1
  let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  let from = scratch
  for (const stop = from + ((depth & ~7) << 1); from < stop; from += 16, to += stride << 1) {
    const second = from + pitch
    const third = second + pitch
    const w0 = scaledWords(v128.load(from), f0)
    const w1 = scaledWords(v128.load(second), f1)
    const w2 = scaledWords(v128.load(third), f2)
    const w3 = scaledWords(v128.load(third + pitch), f3)
    s0 = i32x4.add(s0, i32x4.extadd_pairwise_i16x8_s(w0))
    s1 = i32x4.add(s1, i32x4.extadd_pairwise_i16x8_s(w1))
    s2 = i32x4.add(s2, i32x4.extadd_pairwise_i16x8_s(w2))
    s3 = i32x4.add(s3, i32x4.extadd_pairwise_i16x8_s(w3))
    const a = i8x16.narrow_i16x8_s(w0, w1)
    const b = i8x16.narrow_i16x8_s(w2, w3)
    v128.store(to, v128.shuffle<i32>(a, b, 0, 2, 4, 6))
    v128.store(to + stride, v128.shuffle<i32>(a, b, 1, 3, 5, 7))
  }
  if (depth & 4) {
    const second = from + pitch
    const third = second + pitch
    const w0 = scaledWords(v128.load64_zero(from), f0)
    const w1 = scaledWords(v128.load64_zero(second), f1)
    const w2 = scaledWords(v128.load64_zero(third), f2)
    const w3 = scaledWords(v128.load64_zero(third + pitch), f3)
    s0 = i32x4.add(s0, i32x4.extadd_pairwise_i16x8_s(w0))
    s1 = i32x4.add(s1, i32x4.extadd_pairwise_i16x8_s(w1))
    s2 = i32x4.add(s2, i32x4.extadd_pairwise_i16x8_s(w2))
    s3 = i32x4.add(s3, i32x4.extadd_pairwise_i16x8_s(w3))
    v128.store(to, v128.shuffle<i32>(i8x16.narrow_i16x8_s(w0, w1), i8x16.narrow_i16x8_s(w2, w3), 0, 2, 4, 6))
  }
  v128.store(scratch, s0, SUMS)
  v128.store(scratch, s1, SUMS + 16)
  v128.store(scratch, s2, SUMS + 32)
  v128.store(scratch, s3, SUMS + 48)
}

/** The same for nine taps, eight bytes apart. */
function storePlanar(to: usize, factor: v128): v128 {
  const first = scaledWords(v128.load(scratch), factor)
  const last = scaledWords(v128.load64_zero(scratch, 16), factor)
  const bytes = i8x16.narrow_i16x8_s(first, last)
  v128.store8_lane(to, bytes, 0)
  v128.store8_lane(to, bytes, 1, 8)
  v128.store8_lane(to, bytes, 2, 16)
  v128.store8_lane(to, bytes, 3, 24)
  v128.store8_lane(to, bytes, 4, 32)
  v128.store8_lane(to, bytes, 5, 40)
  v128.store8_lane(to, bytes, 6, 48)
  v128.store8_lane(to, bytes, 7, 56)
  v128.store8_lane(to, bytes, 8, 64)
  return i32x4.add(i32x4.extadd_pairwise_i16x8_s(first), i32x4.extadd_pairwise_i16x8_s(last))
}

/** Four vectors of partial sums -> four sums. */
function fourSums(from: usize): v128 {
  const a = joinHalves(v128.load(from, SUMS), v128.load(from, SUMS + 16))
  const b = joinHalves(v128.load(from, SUMS + 32), v128.load(from, SUMS + 48))
  return joinHalves(a, b)
}

/** Zeroes the weights of one lane. */
function clearLane(step: usize, to: usize): void {
  const stride: usize = word(step, Step.Block)
  if (word(step, Step.Planar)) for (let k: usize = 0; k < 72; k += 8) store<u8>(to + k, 0)
  else for (let k: usize = 0; k < <usize>word(step, Step.Depth); k += 4) store<u32>(to + k * stride, 0)
}

/** Four lanes that only fill up a block. */
function clearFour(step: usize, lane: i32, to: usize): void {
  for (let i: usize = 0; i < 4; ++i) clearLane(step, to + (word(step, Step.Planar) ? i : i << 2))
  v128.store(side(step) + (<usize>lane << 2), i32x4.splat(0))
  v128.store(operand(step, Step.Factors) + (<usize>lane << 2), i32x4.splat(0))
}
