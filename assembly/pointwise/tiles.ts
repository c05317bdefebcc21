import { Side, Step } from '../program/format'
import { scratch, splatWord, word } from '../program/operands'
import { clamp, madd } from '../simd/arithmetic'
import { IN, OUT, SIDE, TILE } from './pixels'
import { storeZipped } from './zip'

// c[r][n] = bias[n] + sum_k a[r][k] * b[k][n]: `b` is a panel, a[r] the pixels' pointers in scratch. Four steps of k a round, so
// that pointers move once in 16 bytes.

/** Four pixels, eight lanes; `from` is the first of the four in the pointer tables. */
export function tile4x8(from: i32, b: usize, depth: i32, bias: usize, lane: i32, step: usize, mode: u32): void {
  const table = scratch + (<usize>from << 2)
  let a0: usize = load<u32>(table, IN + 0)
  let a1: usize = load<u32>(table, IN + 4)
  let a2: usize = load<u32>(table, IN + 8)
  let a3: usize = load<u32>(table, IN + 12)
  let b0 = v128.load(bias)
  let b1 = v128.load(bias, 16)
  let c00 = b0; let c01 = b1
  let c10 = b0; let c11 = b1
  let c20 = b0; let c21 = b1
  let c30 = b0; let c31 = b1
  let x: v128
  let k = depth
  for (; k >= 4; k -= 4) {
    b0 = v128.load(b)
    b1 = v128.load(b, 16)
    x = v128.load32_splat(a0)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    x = v128.load32_splat(a1)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
    x = v128.load32_splat(a2)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
    x = v128.load32_splat(a3)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
    b0 = v128.load(b, 32)
    b1 = v128.load(b, 48)
    x = v128.load32_splat(a0, 4)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    x = v128.load32_splat(a1, 4)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
    x = v128.load32_splat(a2, 4)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
    x = v128.load32_splat(a3, 4)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
    b0 = v128.load(b, 64)
    b1 = v128.load(b, 80)
    x = v128.load32_splat(a0, 8)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    x = v128.load32_splat(a1, 8)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
    x = v128.load32_splat(a2, 8)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
    x = v128.load32_splat(a3, 8)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
    b0 = v128.load(b, 96)
    b1 = v128.load(b, 112)
    x = v128.load32_splat(a0, 12)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    x = v128.load32_splat(a1, 12)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
    x = v128.load32_splat(a2, 12)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
    x = v128.load32_splat(a3, 12)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
    b += 128
    a0 += 16; a1 += 16; a2 += 16; a3 += 16
  }
  for (; k > 0; --k) {
    b0 = v128.load(b)
    b1 = v128.load(b, 16)
    x = v128.load32_splat(a0)
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01)
    x = v128.load32_splat(a1)
    c10 = madd(x, b0, c10); c11 = madd(x, b1, c11)
    x = v128.load32_splat(a2)
    c20 = madd(x, b0, c20); c21 = madd(x, b1, c21)
    x = v128.load32_splat(a3)
    c30 = madd(x, b0, c30); c31 = madd(x, b1, c31)
    b += 32
    a0 += 4; a1 += 4; a2 += 4; a3 += 4
  }
  const at = <usize>lane << 2
  if (mode == Side.Add) {
    a0 = <usize>load<u32>(table, SIDE + 0) + at
    c00 = f32x4.add(c00, v128.load(a0)); c01 = f32x4.add(c01, v128.load(a0, 16))
    a1 = <usize>load<u32>(table, SIDE + 4) + at
    c10 = f32x4.add(c10, v128.load(a1)); c11 = f32x4.add(c11, v128.load(a1, 16))
    a2 = <usize>load<u32>(table, SIDE + 8) + at
    c20 = f32x4.add(c20, v128.load(a2)); c21 = f32x4.add(c21, v128.load(a2, 16))
    a3 = <usize>load<u32>(table, SIDE + 12) + at
    c30 = f32x4.add(c30, v128.load(a3)); c31 = f32x4.add(c31, v128.load(a3, 16))
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  c00 = clamp(c00, low, high); c01 = clamp(c01, low, high)
  c10 = clamp(c10, low, high); c11 = clamp(c11, low, high)
  c20 = clamp(c20, low, high); c21 = clamp(c21, low, high)
  c30 = clamp(c30, low, high); c31 = clamp(c31, low, high)
  if (mode <= <u32>Side.Add) {
    a0 = <usize>load<u32>(table, OUT + 0) + at
    v128.store(a0, c00); v128.store(a0, c01, 16)
    a1 = <usize>load<u32>(table, OUT + 4) + at
    v128.store(a1, c10); v128.store(a1, c11, 16)
    a2 = <usize>load<u32>(table, OUT + 8) + at
    v128.store(a2, c20); v128.store(a2, c21, 16)
    a3 = <usize>load<u32>(table, OUT + 12) + at
    v128.store(a3, c30); v128.store(a3, c31, 16)
    return
  }
  v128.store(scratch, c00, TILE + 0); v128.store(scratch, c01, TILE + 16)
  v128.store(scratch, c10, TILE + 32); v128.store(scratch, c11, TILE + 48)
  v128.store(scratch, c20, TILE + 64); v128.store(scratch, c21, TILE + 80)
  v128.store(scratch, c30, TILE + 96); v128.store(scratch, c31, TILE + 112)
  storeZipped(mode, 4, from, 8, lane, word(step, Step.Lanes), word(step, Step.SideGroup))
}

/** Eight pixels, the four lanes of a half panel. */
export function tile8x4(from: i32, b: usize, depth: i32, bias: usize, lane: i32, step: usize, mode: u32): void {
  const table = scratch + (<usize>from << 2)
  let a0: usize = load<u32>(table, IN + 0)
  let a1: usize = load<u32>(table, IN + 4)
  let a2: usize = load<u32>(table, IN + 8)
  let a3: usize = load<u32>(table, IN + 12)
  let a4: usize = load<u32>(table, IN + 16)
  let a5: usize = load<u32>(table, IN + 20)
  let a6: usize = load<u32>(table, IN + 24)
  let a7: usize = load<u32>(table, IN + 28)
  let b0 = v128.load(bias)
  let c00 = b0
  let c10 = b0
  let c20 = b0
  let c30 = b0
  let c40 = b0
  let c50 = b0
  let c60 = b0
  let c70 = b0
  let x: v128
  let k = depth
  for (; k >= 4; k -= 4) {
    b0 = v128.load(b)
    x = v128.load32_splat(a0)
    c00 = madd(x, b0, c00)
    x = v128.load32_splat(a1)
    c10 = madd(x, b0, c10)
    x = v128.load32_splat(a2)
    c20 = madd(x, b0, c20)
    x = v128.load32_splat(a3)
    c30 = madd(x, b0, c30)
    x = v128.load32_splat(a4)
    c40 = madd(x, b0, c40)
    x = v128.load32_splat(a5)
    c50 = madd(x, b0, c50)
    x = v128.load32_splat(a6)
    c60 = madd(x, b0, c60)
    x = v128.load32_splat(a7)
    c70 = madd(x, b0, c70)
    b0 = v128.load(b, 16)
    x = v128.load32_splat(a0, 4)
    c00 = madd(x, b0, c00)
    x = v128.load32_splat(a1, 4)
    c10 = madd(x, b0, c10)
    x = v128.load32_splat(a2, 4)
    c20 = madd(x, b0, c20)
    x = v128.load32_splat(a3, 4)
    c30 = madd(x, b0, c30)
    x = v128.load32_splat(a4, 4)
    c40 = madd(x, b0, c40)
    x = v128.load32_splat(a5, 4)
    c50 = madd(x, b0, c50)
    x = v128.load32_splat(a6, 4)
    c60 = madd(x, b0, c60)
    x = v128.load32_splat(a7, 4)
    c70 = madd(x, b0, c70)
    b0 = v128.load(b, 32)
    x = v128.load32_splat(a0, 8)
    c00 = madd(x, b0, c00)
    x = v128.load32_splat(a1, 8)
    c10 = madd(x, b0, c10)
    x = v128.load32_splat(a2, 8)
    c20 = madd(x, b0, c20)
    x = v128.load32_splat(a3, 8)
    c30 = madd(x, b0, c30)
    x = v128.load32_splat(a4, 8)
    c40 = madd(x, b0, c40)
    x = v128.load32_splat(a5, 8)
    c50 = madd(x, b0, c50)
    x = v128.load32_splat(a6, 8)
    c60 = madd(x, b0, c60)
    x = v128.load32_splat(a7, 8)
    c70 = madd(x, b0, c70)
    b0 = v128.load(b, 48)
    x = v128.load32_splat(a0, 12)
    c00 = madd(x, b0, c00)
    x = v128.load32_splat(a1, 12)
    c10 = madd(x, b0, c10)
    x = v128.load32_splat(a2, 12)
    c20 = madd(x, b0, c20)
    x = v128.load32_splat(a3, 12)
    c30 = madd(x, b0, c30)
    x = v128.load32_splat(a4, 12)
    c40 = madd(x, b0, c40)
    x = v128.load32_splat(a5, 12)
    c50 = madd(x, b0, c50)
    x = v128.load32_splat(a6, 12)
    c60 = madd(x, b0, c60)
    x = v128.load32_splat(a7, 12)
    c70 = madd(x, b0, c70)
    b += 64
    a0 += 16; a1 += 16; a2 += 16; a3 += 16
    a4 += 16; a5 += 16; a6 += 16; a7 += 16
  }
  for (; k > 0; --k) {
    b0 = v128.load(b)
    x = v128.load32_splat(a0)
    c00 = madd(x, b0, c00)
    x = v128.load32_splat(a1)
    c10 = madd(x, b0, c10)
    x = v128.load32_splat(a2)
    c20 = madd(x, b0, c20)
    x = v128.load32_splat(a3)
    c30 = madd(x, b0, c30)
    x = v128.load32_splat(a4)
    c40 = madd(x, b0, c40)
    x = v128.load32_splat(a5)
    c50 = madd(x, b0, c50)
    x = v128.load32_splat(a6)
    c60 = madd(x, b0, c60)
    x = v128.load32_splat(a7)
    c70 = madd(x, b0, c70)
    b += 16
    a0 += 4; a1 += 4; a2 += 4; a3 += 4
    a4 += 4; a5 += 4; a6 += 4; a7 += 4
  }
  const at = <usize>lane << 2
  if (mode == Side.Add) {
    a0 = <usize>load<u32>(table, SIDE + 0) + at
    c00 = f32x4.add(c00, v128.load(a0))
    a1 = <usize>load<u32>(table, SIDE + 4) + at
    c10 = f32x4.add(c10, v128.load(a1))
    a2 = <usize>load<u32>(table, SIDE + 8) + at
    c20 = f32x4.add(c20, v128.load(a2))
    a3 = <usize>load<u32>(table, SIDE + 12) + at
    c30 = f32x4.add(c30, v128.load(a3))
    a4 = <usize>load<u32>(table, SIDE + 16) + at
    c40 = f32x4.add(c40, v128.load(a4))
    a5 = <usize>load<u32>(table, SIDE + 20) + at
    c50 = f32x4.add(c50, v128.load(a5))
    a6 = <usize>load<u32>(table, SIDE + 24) + at
    c60 = f32x4.add(c60, v128.load(a6))
    a7 = <usize>load<u32>(table, SIDE + 28) + at
    c70 = f32x4.add(c70, v128.load(a7))
  }
  const low = splatWord(step, Step.Low)
  const high = splatWord(step, Step.High)
  c00 = clamp(c00, low, high)
  c10 = clamp(c10, low, high)
  c20 = clamp(c20, low, high)
  c30 = clamp(c30, low, high)
  c40 = clamp(c40, low, high)
  c50 = clamp(c50, low, high)
  c60 = clamp(c60, low, high)
  c70 = clamp(c70, low, high)
  if (mode <= <u32>Side.Add) {
    a0 = <usize>load<u32>(table, OUT + 0) + at
    v128.store(a0, c00)
    a1 = <usize>load<u32>(table, OUT + 4) + at
    v128.store(a1, c10)
    a2 = <usize>load<u32>(table, OUT + 8) + at
    v128.store(a2, c20)
    a3 = <usize>load<u32>(table, OUT + 12) + at
    v128.store(a3, c30)
    a4 = <usize>load<u32>(table, OUT + 16) + at
    v128.store(a4, c40)
    a5 = <usize>load<u32>(table, OUT + 20) + at
    v128.store(a5, c50)
    a6 = <usize>load<u32>(table, OUT + 24) + at
    v128.store(a6, c60)
    a7 = <usize>load<u32>(table, OUT + 28) + at
    v128.store(a7, c70)
    return
  }
  v128.store(scratch, c00, TILE + 0)
  v128.store(scratch, c10, TILE + 32)
  v128.store(scratch, c20, TILE + 64)
  v128.store(scratch, c30, TILE + 96)
  v128.store(scratch, c40, TILE + 128)
  v128.store(scratch, c50, TILE + 160)
  v128.store(scratch, c60, TILE + 192)
  v128.store(scratch, c70, TILE + 224)
  storeZipped(mode, 8, from, 4, lane, word(step, Step.Lanes), word(step, Step.SideGroup))
}
