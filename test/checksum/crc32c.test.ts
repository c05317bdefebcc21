import { beforeAll, describe, expect, it } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { crc32c as crc32cInScript, hex32 } from '../../src/bundle/checksum.ts'
import {
  compileChecksum,
  crc32cByBits,
  instantiate,
  POINTER,
  randomBytes,
  randomFrom,
  seed,
} from '../bundle/support.ts'

/** Around the table loop (8), the fold's line (64), its start (960) and its block (8192, window 896). */
const SIZES = [
  ...[0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 835, 836, 837, 896, 959, 960, 961, 975, 1023, 1024, 1087],
  ...[4096, 9087, 9088, 9089, 9151, 9152, 9153, 17279, 17280, 17281, 65535, 65536, 65537, 100003],
]

const encode = (text: string) => new TextEncoder().encode(text)

describe.each([
  ['release', true],
  ['debug', false],
])('crc32c in wasm, %s build', (_, release) => {
  const room = 131072
  let backend: Backend
  let memory: Uint8Array
  const crc = (at: number, bytes: number, before = 0) => backend.exports.crc32c(at, bytes, before) >>> 0

  beforeAll(async () => {
    backend = instantiate(await compileChecksum(release), room)
    memory = new Uint8Array(backend.memory.buffer)
    memory.set(randomBytes(room, randomFrom(seed)), POINTER)
  })

  it('gives the published check value', () => {
    const place = memory.subarray(POINTER, POINTER + 9)
    const saved = place.slice()
    place.set(encode('123456789'))
    expect(hex32(crc(POINTER, 9))).toBe('e3069283')
    place.set(saved)
  })

  it.each(SIZES)('equals the definition for %i bytes, at any alignment', (bytes) => {
    for (const shift of [0, 1, 4, 15]) {
      const at = POINTER + shift
      const expected = crc32cByBits(memory.subarray(at, at + bytes), 0x12345678)
      expect(hex32(crc(at, bytes, 0x12345678)), `seed ${seed} shift ${shift}`).toBe(hex32(expected))
    }
  })

  it('continues from piece to piece', () => {
    const random = randomFrom(seed)
    const whole = crc(POINTER, 100000)
    let sum = 0
    for (let at = 0; at < 100000; ) {
      const bytes = Math.min(100000 - at, Math.floor(random() ** 4 * 30000))
      sum = crc(POINTER + at, bytes, sum)
      at += bytes
    }
    expect(sum, `seed ${seed}`).toBe(whole)
  })

  it('reads nothing outside its bytes and changes none', () => {
    // The last bytes of the memory: a read past them traps.
    const end = memory.length
    const before = memory.slice(POINTER)
    for (const bytes of [1, 8, 960, 1031, 9153, 70001]) {
      const sum = crc(end - bytes, bytes)
      memory[end - bytes - 1] ^= 255
      expect(crc(end - bytes, bytes)).toBe(sum)
      memory[end - bytes - 1] ^= 255
    }
    expect(memory.subarray(POINTER)).toEqual(before)
  })

  it('notices every single flipped bit of a folded input', () => {
    const sum = crc(POINTER, 3000)
    for (let bit = 0; bit < 3000 * 8; bit++) {
      memory[POINTER + (bit >> 3)] ^= 1 << (bit & 7)
      if (crc(POINTER, 3000) === sum) expect.fail(`bit ${bit} unnoticed, seed ${seed}`)
      memory[POINTER + (bit >> 3)] ^= 1 << (bit & 7)
    }
  })

  it('survives its static memory being zeroed, as a second instance on shared memory does', () => {
    const sum = crc(POINTER, 70000)
    memory.fill(0, 0, POINTER)
    expect(crc(POINTER, 70000)).toBe(sum)
  })
})

describe('crc32c in TypeScript', () => {
  it('gives the published check value', () => {
    expect(hex32(crc32cInScript(encode('123456789')))).toBe('e3069283')
  })

  it('equals the definition, leaves its input alone, and continues', () => {
    const bytes = randomBytes(70000, randomFrom(seed))
    const kept = bytes.slice()
    for (const size of SIZES.filter((size) => size <= bytes.length)) {
      const part = bytes.subarray(3, 3 + size)
      expect(crc32cInScript(part, 77), `seed ${seed} size ${size}`).toBe(crc32cByBits(part, 77))
    }
    expect(bytes).toEqual(kept)
    expect(crc32cInScript(bytes.subarray(5000), crc32cInScript(bytes.subarray(0, 5000)))).toBe(crc32cInScript(bytes))
  })
})
