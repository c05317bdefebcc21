import { scaledWords } from '../simd/arithmetic'

/**
 * Y, U and V -> RGBA in fixed point of 5 fraction bits, every sample of U and V for two pixels side by side:
 *
 *   t(s, k) = ((s - 128) * 256 * k + 2^14) >> 15           s - 128 times the factor k / 4096, in 32nds
 *   red     = clamp((t(Y[x], ky) + t(V[x / 2], kr) + offset) >> 5, 0, 255)
 *   green   = clamp((t(Y[x], ky) + t(U[x / 2], gu) + t(V[x / 2], gv) + offset) >> 5, 0, 255)
 *   blue    = clamp((t(Y[x], ky) + t(U[x / 2], kb) + offset) >> 5, 0, 255)
 *   alpha   = 255
 *
 * Factors and offset follow from ITU-R BT.601, 709 and 2020: src/image/matrix.ts. i16x8.q15mulr_sat_s is t; relaxed, it is as long as no factor is -2^15.
 *
 * target   4 bytes per pixel, `count` >= 1 pixels, written in whole fours.
 * y, u, v  a byte per sample. Up to 15 bytes past the last Y, and 7 past the last U and V, are read.
 * matrix   i32: ky, kr, gu, gv, kb, offset; factors above -2^15 and below 2^15.
 */
export function u8_yuv_row(target: usize, y: usize, u: usize, v: usize, count: i32, matrix: usize): void {
  const ky = i16x8.splat(load<i16>(matrix))
  const kr = i16x8.splat(load<i16>(matrix, 4))
  const gu = i16x8.splat(load<i16>(matrix, 8))
  const gv = i16x8.splat(load<i16>(matrix, 12))
  const kb = i16x8.splat(load<i16>(matrix, 16))
  const offset = i16x8.splat(load<i16>(matrix, 20))
  for (; count > 0; count -= 16, target += 64, y += 16, u += 8, v += 8) {
    const us = centred(v128.load64_zero(u))
    const vs = centred(v128.load64_zero(v))
    const red = i16x8.add(scaledWords(vs, kr), offset)
    const green = i16x8.add(i16x8.add(scaledWords(us, gu), scaledWords(vs, gv)), offset)
    const blue = i16x8.add(scaledWords(us, kb), offset)
    const bytes = v128.load(y)
    const low = scaledWords(centred(bytes), ky)
    const high = scaledWords(centred(i8x16.shuffle(bytes, bytes, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)), ky)
    const reds = sums(low, high, red)
    const greens = sums(low, high, green)
    const blues = sums(low, high, blue)
    const alphas = i8x16.splat(-1)
    const rg = lowPairs(reds, greens)
    const ba = lowPairs(blues, alphas)
    v128.store(target, lowWords(rg, ba))
    if (count > 4) v128.store(target, highWords(rg, ba), 16)
    if (count > 8) {
      const rg = highPairs(reds, greens)
      const ba = highPairs(blues, alphas)
      v128.store(target, lowWords(rg, ba), 32)
      if (count > 12) v128.store(target, highWords(rg, ba), 48)
    }
  }
}

/** (s - 128) * 256 of the first eight bytes. */
// @ts-ignore: decorator
@inline
function centred(bytes: v128): v128 {
  const zero = i8x16.splat(0)
  return v128.xor(
    i8x16.shuffle(zero, bytes, 0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23),
    i16x8.splat(-32768),
  )
}

/** Sixteen bytes of one colour: eight and eight terms of Y, eight of U and V. */
// @ts-ignore: decorator
@inline
function sums(low: v128, high: v128, colour: v128): v128 {
  const first = i8x16.shuffle(colour, colour, 0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7)
  const second = i8x16.shuffle(colour, colour, 8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 15, 14, 15)
  return i8x16.narrow_i16x8_u(i16x8.shr_s(i16x8.add(low, first), 5), i16x8.shr_s(i16x8.add(high, second), 5))
}

// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}

// @ts-ignore: decorator
@inline
function lowWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
}

// @ts-ignore: decorator
@inline
function highWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31)
}

/**
 * Every `step`th byte: target[x] = source[x * step].
 *
 * target   `count` >= 1 bytes, written in whole sixteens where `step` is 2 or 4.
 * source   there up to 16 x step - 1 bytes past the last are read.
 */
export function u8_pick_row(target: usize, source: usize, count: i32, step: i32): void {
  const end = target + <usize>count
  if (step == 2) {
    for (; target < end; target += 16, source += 32) v128.store(target, even(v128.load(source), v128.load(source, 16)))
  } else if (step == 4) {
    for (; target < end; target += 16, source += 64) {
      const first = even(v128.load(source), v128.load(source, 16))
      v128.store(target, even(first, even(v128.load(source, 32), v128.load(source, 48))))
    }
  } else {
    for (; target < end; ++target, source += <usize>step) store<u8>(target, load<u8>(source))
  }
}

// @ts-ignore: decorator
@inline
function even(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
}

/** RGBA <-> BGRA in place: `count` pixels, in whole fours. */
export function swapRow(row: usize, count: i32): void {
  for (const end = row + (<usize>count << 2); row < end; row += 16) {
    const pixels = v128.load(row)
    v128.store(row, i8x16.shuffle(pixels, pixels, 2, 1, 0, 3, 6, 5, 4, 7, 10, 9, 8, 11, 14, 13, 12, 15))
  }
}
