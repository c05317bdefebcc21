// CRC32C (Castagnoli): reflected polynomial 0x82F63B78, initial value and final xor 0xFFFFFFFF.
//
// Long inputs are folded: with y = x^8, the polynomial divides
//
//     y^836 + y^576 + y^216 + y^156 + y^56 + 1
//
// so a byte may be moved (xored) to 260, 620, 680, 780 and 836 bytes later without changing the
// checksum. Done from the front, 16 bytes at a time, only the last WINDOW bytes are left for the
// tables. No multiplication, no shuffles, one store per vector, the input stays untouched.
//
// 29 MB in pieces of 64 KB on an AMD EPYC, V8: folding 2.7 ms (3.7 ms in V8's first tier), tables
// alone (slicing by 8) 20 ms. Four terms instead of six need a window of 5275 bytes: 3.8 ms.

const POLYNOMIAL: u32 = 0x82f63b78

const TABLES: usize = 8
const TABLE_BYTES: usize = 1024
const tables = memory.data(8192, 64)

/** Largest lag, rounded up to whole lines. */
const WINDOW: usize = 896
const LINE: usize = 64
/** Folded bytes kept before the window is moved back to the front; fits an L1 cache with the tables. */
const BLOCK: usize = 8192
/** WINDOW bytes of history, BLOCK bytes, and WINDOW bytes that absorb the end. */
const scratch = memory.data(9984, 64)

/**
 * CRC32C of `bytes` bytes at `pointer`, any alignment, reads nothing outside them. `seed` is 0 or the
 * result for the bytes before, so that crc32c(b, n, crc32c(a, m, 0)) is that of a followed by b.
 * Uses static memory: one thread at a time.
 */
export function crc32c(pointer: usize, bytes: usize, seed: u32): u32 {
  // Asked of the memory, not a global: a second instance on a shared memory zeroes the tables again.
  if (load<u32>(tables + (128 << 2)) != POLYNOMIAL) fillTables()
  const state = ~seed
  return ~(bytes >= WINDOW + LINE ? foldThenTables(pointer, bytes, state) : byTables(pointer, bytes, state))
}

function fillTables(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let state = n
    for (let bit = 0; bit < 8; bit++) state = (state >> 1) ^ (POLYNOMIAL & (0 - (state & 1)))
    store<u32>(tables + (n << 2), state)
  }
  // Table t is table t - 1 followed by one zero byte.
  for (let at: usize = TABLE_BYTES; at < TABLES * TABLE_BYTES; at += 4) {
    const state = load<u32>(tables + at - TABLE_BYTES)
    store<u32>(tables + at, (state >> 8) ^ look(0, state))
  }
}

/** Needs bytes >= WINDOW + LINE. */
function foldThenTables(pointer: usize, bytes: usize, state: u32): u32 {
  const folded = (bytes - WINDOW) & ~(LINE - 1)
  const foldedEnd = pointer + folded
  const start = scratch + WINDOW
  let at = start

  memory.fill(scratch, 0, WINDOW)
  foldLine(at, pointer)
  store<u32>(at, load<u32>(at) ^ state)
  at += LINE
  pointer += LINE

  while (true) {
    const room = start + BLOCK - at
    const left = foldedEnd - pointer
    for (const stop = at + min(room, left); at < stop; at += LINE, pointer += LINE) foldLine(at, pointer)
    if (pointer == foldedEnd) break
    memory.copy(scratch, at - WINDOW, WINDOW)
    at = start
  }

  memory.fill(at, 0, WINDOW)
  state = 0
  for (const stop = at + WINDOW; at < stop; at += 16, pointer += 16) {
    const vector = v128.xor(v128.load(pointer), movedHere(at))
    state = eightBytes(state, i64x2.extract_lane(vector, 0))
    state = eightBytes(state, i64x2.extract_lane(vector, 1))
  }
  return byTables(pointer, bytes - folded - WINDOW, state)
}

// @ts-ignore: decorator
@inline
function foldLine(at: usize, pointer: usize): void {
  v128.store(at, v128.xor(v128.load(pointer), movedHere(at)))
  v128.store(at, v128.xor(v128.load(pointer, 16), movedHere(at + 16)), 16)
  v128.store(at, v128.xor(v128.load(pointer, 32), movedHere(at + 32)), 32)
  v128.store(at, v128.xor(v128.load(pointer, 48), movedHere(at + 48)), 48)
}

/** What the bytes before have sent to the 16 bytes at `at`. */
// @ts-ignore: decorator
@inline
function movedHere(at: usize): v128 {
  const near = v128.xor(v128.load(at - 260), v128.load(at - 620))
  const far = v128.xor(v128.load(at - 680), v128.load(at - 780))
  return v128.xor(v128.xor(near, far), v128.load(at - 836))
}

function byTables(pointer: usize, bytes: usize, state: u32): u32 {
  for (; bytes >= 8; bytes -= 8, pointer += 8) state = eightBytes(state, load<u64>(pointer))
  for (; bytes > 0; bytes--, pointer++) state = (state >> 8) ^ look(0, state ^ <u32>load<u8>(pointer))
  return state
}

// @ts-ignore: decorator
@inline
function eightBytes(state: u32, word: u64): u32 {
  const low = <u32>word ^ state
  const high = <u32>(word >> 32)
  const early = look(7, low) ^ look(6, low >> 8) ^ look(5, low >> 16) ^ look(4, low >> 24)
  return early ^ look(3, high) ^ look(2, high >> 8) ^ look(1, high >> 16) ^ look(0, high >> 24)
}

// @ts-ignore: decorator
@inline
function look(table: usize, byte: u32): u32 {
  return load<u32>(tables + table * TABLE_BYTES + (<usize>(byte & 255) << 2))
}
