let table: Uint32Array | undefined

/** Of the largest lag below, in words. */
const WINDOW = 209

/**
 * CRC32C (Castagnoli) of headers, and of tensors when packing; loaded weights are checked in wasm.
 * `seed` is the result for the bytes before. Folds as assembly/checksum/crc32c.ts does: a first run, mostly
 * interpreted, takes 2.3 ms for 110 KB on a busy machine, and 2 to 9 ms byte by byte.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const copy = new Uint8Array(bytes)
  const words = new Uint32Array(copy.buffer, 0, copy.length >> 2)
  const folded = Math.max(0, words.length - WINDOW)
  let state = ~seed
  if (folded) {
    words[0] ^= state
    state = 0
  }
  fold(words, folded)
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    for (let bit = 0; bit < 8; bit++) byte = (byte >>> 1) ^ (byte & 1 && 0x82f63b78)
    return byte
  })
  for (let i = folded * 4; i < copy.length; i++) state = (state >>> 8) ^ table[(state ^ copy[i]) & 255]
  return ~state >>> 0
}

/** Its own function: small ones are compiled while they run. */
function fold(words: Uint32Array, end: number): void {
  for (let i = 0; i < end; i++) {
    const word = words[i]
    words[i + 65] ^= word
    words[i + 155] ^= word
    words[i + 170] ^= word
    words[i + 195] ^= word
    words[i + WINDOW] ^= word
  }
}

/** Eight lower-case hex digits. */
export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
