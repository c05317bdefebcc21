import { describe, expect, it } from 'vitest'
import { dataStartOf } from '../../src/bundle/container.ts'
import { HEADER_START, headerCrc, parseHeader } from '../../src/bundle/header.ts'
import { DynedgeError, type ErrorCode } from '../../src/errors.ts'
import { chunked, editHeader, expectRefusedEarly, type Loose, randomFrom, seal, seed, smallBundle } from './support.ts'

const bundle = smallBundle()
const dataStart = dataStartOf(bundle, 'bad-bundle')

function withLength(length: bigint): Uint8Array {
  const copy = bundle.slice()
  new DataView(copy.buffer).setBigUint64(0, length, true)
  return copy
}

const encode = (text: string) => new TextEncoder().encode(text)

describe('what is no bundle', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an HTML page', encode('<!doctype html><p>Not found</p>'), /HTML page/],
    ['a git LFS pointer', encode('version https://git-lfs.github.com/spec/v1'), /starts with "version "/],
    ['a zip', encode('PK\x03\x04 and more bytes than eight'), /Header length \d+, expected 2 to 16777216/],
    ['a header length of 0', withLength(0n), /Header length 0/],
    ['a header length of 1', withLength(1n), /Header length 1,/],
    ['a header length just too large', withLength(16777217n), /Header length 16777217/],
    ['the largest header length', withLength(2n ** 64n - 1n), /Header length 18446744073709552000/],
  ])('%s', async (_, bytes, words) => {
    await expectRefusedEarly(bytes, 'bad-bundle', words)
    await expectRefusedEarly(chunked(bytes, 3), 'bad-bundle', words)
  })

  it('a plain safetensors file', async () => {
    const json = '{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.padEnd(72)
    const file = new Uint8Array([72, 0, 0, 0, 0, 0, 0, 0, ...encode(json), 0, 0, 0, 0])
    await expectRefusedEarly(file, 'bad-bundle', /npx dynedge pack/)
  })

  it.each([
    ['not JSON', '"'],
    ['JSON and more', '"}} x'],
    ['nested too deep', `","deep":${'['.repeat(2e6)}`],
    ['nested deep but closed', `"},"deep":${'['.repeat(3e5)}${']'.repeat(3e5)}}`],
  ])('a sealed header that is %s', async (_, json) => {
    await expectRefusedEarly(seal(json), 'bad-bundle', /./)
  })

  it('a sealed header that is not UTF-8', async () => {
    const head = seal('","dynedge":"?"}}')
    head[head.indexOf(0x3f)] = 0xff
    head.set(encode(headerCrc(head)), 8 + HEADER_START.length)
    await expectRefusedEarly(head, 'bad-bundle', /safetensors header is not JSON/)
  })
})

describe('sealed headers with one fault', () => {
  it.each<[string, ErrorCode, RegExp, (entries: Loose, metadata: Loose) => void]>([
    ['newer container', 'unsupported-version', /format 2, this dynedge reads 1/, (_, m) => (m.format = 2)],
    ['container version as text', 'unsupported-version', /format "1"/, (_, m) => (m.format = '1')],
    ['no container version', 'unsupported-version', /format undefined/, (_, m) => delete m.format],
    ['newer layout', 'unsupported-layout', /weight layout 9, this dynedge reads 1/, (_, m) => (m.layout = 9)],
    ['no network', 'bad-bundle', /undefined as network/, (_, m) => delete m.network],
    ['unknown precision', 'bad-bundle', /"f16" as precision/, (_, m) => (m.precision = 'f16')],
    ['no graph', 'bad-bundle', /undefined as graph/, (_, m) => delete m.graph],
    ['input as list', 'bad-bundle', /a list as input/, (_, m) => (m.input = [])],
    ['a label that is no text', 'bad-bundle', /a list as labels/, (_, m) => (m.labels = ['a', 1])],
    ['quantization as text', 'bad-bundle', /as quantization/, (_, m) => (m.quantization = 'w8')],
    ['provenance null', 'bad-bundle', /null as provenance/, (_, m) => (m.provenance = null)],
    ['licence as number', 'bad-bundle', /7 as licence/, (_, m) => (m.licence = 7)],
    ['short sha256', 'bad-bundle', /as sha256/, (_, m) => (m.sha256 = m.sha256.slice(1))],
    ['negative weightBytes', 'bad-bundle', /-1 as weightBytes/, (_, m) => (m.weightBytes = -1)],
    ['checksums as list', 'bad-bundle', /a list as crc32c/, (_, m) => (m.crc32c = [])],
    ['a missing checksum', 'bad-bundle', /"stem" has undefined as CRC32C/, (_, m) => delete m.crc32c.stem],
    ['a checksum that is no hex', 'bad-bundle', /"stem" has "123" as CRC32C/, (_, m) => (m.crc32c.stem = '123')],
    ['other dataBytes', 'bad-bundle', /metadata says 64 bytes of data, tensors take/, (_, m) => (m.dataBytes = 64)],
    ['no tensor entry', 'bad-bundle', /"stem": its entry is null/, (e) => (e.stem = null)],
    ['unknown dtype', 'bad-bundle', /unknown dtype "F4"/, (e) => (e.stem.dtype = 'F4')],
    ['dtype from the prototype', 'bad-bundle', /unknown dtype "constructor"/, (e) => (e.stem.dtype = 'constructor')],
    ['dtype as nested list', 'bad-bundle', /unknown dtype a list/, (e) => (e.stem.dtype = [['F32']])],
    [
      'dtype of other files',
      'bad-bundle',
      /"stem" is F16/,
      (e) => Object.assign(e.stem, { dtype: 'F16', shape: [224] }),
    ],
    ['shape that is no list', 'bad-bundle', /shape is not a list/, (e) => (e.stem.shape = 112)],
    ['negative shape', 'bad-bundle', /shape is not a list/, (e) => (e.stem.shape = [-112])],
    ['shape with fractions', 'bad-bundle', /shape is not a list/, (e) => (e.stem.shape = [0.5, 224])],
    ['huge shape', 'bad-bundle', /takes 4\.0+5e\+60/, (e) => (e.stem.shape = Array(4).fill(1e15))],
    [
      'shape of other size',
      'bad-bundle',
      /448 bytes, but its F32 shape \[113\] takes 452/,
      (e) => (e.stem.shape = [113]),
    ],
    ['shape too small', 'bad-bundle', /448 bytes, but its F32 shape \[111\] takes 444/, (e) => (e.stem.shape = [111])],
    ['offsets missing', 'bad-bundle', /data_offsets is not/, (e) => delete e.stem.data_offsets],
    ['three offsets', 'bad-bundle', /data_offsets is not/, (e) => e.stem.data_offsets.push(448)],
    ['offsets backwards', 'bad-bundle', /data_offsets is not/, (e) => e.stem.data_offsets.reverse()],
    ['offsets beyond 2^53', 'bad-bundle', /data_offsets is not/, (e) => (e.stem.data_offsets = [2 ** 53, 2 ** 54])],
    ['duplicate offsets', 'bad-bundle', /overlaps/, (e) => (e['7'].data_offsets = [448, 512])],
    [
      'a hole',
      'bad-bundle',
      /leaves a hole/,
      (e) => (e['7'].data_offsets = e['7'].data_offsets.map((n: number) => n + 64)),
    ],
    ['a hole in front', 'bad-bundle', /expected 0: it leaves/, (e) => delete e.stem],
    [
      'an unaligned tensor',
      'bad-bundle',
      /63 bytes, expected a multiple of 64/,
      (e) => Object.assign(e['7'], { shape: [63], data_offsets: tail(e, 63) }),
    ],
    ['an empty tensor', 'bad-bundle', /0 bytes, expected a multiple/, (e) => Object.assign(e, { none: none(e) })],
    ['metadata that is no text', 'bad-bundle', /Metadata "extra" is 1/, (e) => (e.__metadata__.extra = 1)],
    ['more than 4 GB', 'bad-bundle', /do not fit a 32-bit memory/, (e, m) => huge(e, m)],
  ])('%s', async (_, code, words, edit) => {
    const file = editHeader(bundle, (entries, metadata) => void edit(entries, metadata))
    await expectRefusedEarly(file, code, words)
    await expectRefusedEarly(chunked(file, 1009), code, words)
  })

  const tail = (entries: Loose, bytes: number) => [entries['7'].data_offsets[0], entries['7'].data_offsets[0] + bytes]
  const none = (entries: Loose) => ({
    dtype: 'U8',
    shape: [0],
    data_offsets: Array(2).fill(entries['7'].data_offsets[1]),
  })

  function huge(entries: Loose, metadata: Loose) {
    const begin = entries['7'].data_offsets[1]
    entries.huge = { dtype: 'U8', shape: [2 ** 32], data_offsets: [begin, begin + 2 ** 32] }
    metadata.crc32c.huge = '00000000'
    metadata.dataBytes += 2 ** 32
  }

  it('dynedge metadata that is no JSON, no object, or missing', async () => {
    await expectRefusedEarly(seal('","dynedge":"{"}}'), 'bad-bundle', /metadata is not JSON/)
    await expectRefusedEarly(seal('","dynedge":"[]"}}'), 'bad-bundle', /metadata is a list/)
    await expectRefusedEarly(seal('"}}'), 'bad-bundle', /metadata is not JSON/)
  })

  it('data that does not start at a multiple of 64', async () => {
    const aligned = bundle.subarray(0, dataStart)
    const text = new TextDecoder().decode(aligned.subarray(8 + HEADER_START.length + 8))
    expect(parseHeader(seal(text)).dataStart).toBe(dataStart)
    await expectRefusedEarly(
      seal(`${text}        `, 8),
      'bad-bundle',
      /data starts at byte \d+, which is not a multiple of 64/,
    )
  })
})

describe('size of the file', () => {
  it('is refused when longer than the header says', async () => {
    const long = new Uint8Array(bundle.length + 3)
    long.set(bundle)
    await expectRefusedEarly(long, 'oversized-bundle', /got \d+ bytes, expected \d+ \(3 extra\)/)
  })

  it('is refused when shorter than the header says', async () => {
    await expectRefusedEarly(bundle.subarray(0, -1), 'truncated-bundle', /\(1 missing\)/)
  })

  it('is refused when cut at any byte of the header', async () => {
    for (let size = 0; size < dataStart; size++) {
      const cut = bundle.subarray(0, size)
      const words = size < 8 ? /header is not complete/ : /got \d+ bytes, expected \d+/
      await expectRefusedEarly(cut, 'truncated-bundle', words)
      await expectRefusedEarly(chunked(cut, 97), 'truncated-bundle', /ends early/)
    }
  })
})

describe('flipped bits', () => {
  it('are noticed everywhere in the header', () => {
    const head = bundle.slice(0, dataStart)
    for (let bit = 0; bit < head.length * 8; bit++) {
      head[bit >> 3] ^= 1 << (bit & 7)
      expect(() => parseHeader(head, bundle.length), `bit ${bit}`).toThrow(DynedgeError)
      head[bit >> 3] ^= 1 << (bit & 7)
    }
    expect(parseHeader(head, bundle.length).tensors.size).toBe(4)
  })
})

describe('hostile headers, sealed', () => {
  const hostile = [
    ...['0', '-1', '0.5', '1e308', '4294967296', '9007199254740992', '64', 'null', 'true', '""', '"F32"', '"1"'],
    ...['[]', '{}', '[[]]', '[0,64]', '{"toString":1}', '{"length":2,"0":0,"1":64}', '{"__proto__":{"dtype":"F32"}}'],
    `${'['.repeat(500)}${']'.repeat(500)}`,
  ]
  const names = ['__proto__', 'constructor', '0', 'stem', 'hasOwnProperty']

  /** Replaces, deletes or adds a value somewhere below `node`. */
  function mutate(node: Loose, random: () => number): void {
    const pick = (list: string[]) => list[Math.floor(random() * list.length)]
    const keys = Object.keys(node)
    const key = pick(keys)
    const inner = key === undefined ? undefined : node[key]
    if (typeof inner === 'object' && inner && random() < 0.7) mutate(inner, random)
    else if (random() < 0.15) delete node[key]
    else if (random() < 0.2) Object.defineProperty(node, pick(names), define(pick(hostile)))
    else if (key !== undefined) Object.defineProperty(node, key, define(pick(hostile)))
  }

  const define = (json: string) => ({ value: JSON.parse(json), enumerable: true, writable: true, configurable: true })

  it('throw a DynedgeError or describe data without holes', () => {
    const random = randomFrom(seed)
    let refused = 0
    for (let round = 0; round < 3000; round++) {
      const file = editHeader(bundle, (entries, metadata) => {
        for (let more = 1 + random() * 2; more > 0; more--) mutate(random() < 0.5 ? entries : metadata, random)
        entries.__metadata__ = { ...entries.__metadata__ }
      })
      const head = file.subarray(0, dataStartOf(file, 'bad-bundle'))
      try {
        const { tensors, dataBytes } = parseHeader(head, file.length)
        let end = 0
        for (const { offset, bytes } of tensors.values()) {
          expect([offset, bytes % 64], `seed ${seed} round ${round}`).toEqual([end, 0])
          end += bytes
        }
        expect(end).toBe(dataBytes)
      } catch (error) {
        expect(error, `seed ${seed} round ${round}`).toBeInstanceOf(DynedgeError)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(1000)
  })

  it('throw nothing else when their text is cut and spliced', () => {
    const random = randomFrom(seed)
    const text = new TextDecoder().decode(bundle.subarray(8 + 43, dataStart)).trim()
    for (let round = 0; round < 3000; round++) {
      const from = Math.floor(random() * text.length)
      const to = from + Math.floor(random() ** 3 * 200)
      const junk = ['', '"', '}', '[[', '\\u0000', '1e999', '-0', '\ud800', text.slice(to, to + 30)][
        Math.floor(random() * 9)
      ]
      const head = seal(text.slice(0, from) + junk + text.slice(to))
      try {
        parseHeader(head)
      } catch (error) {
        expect(error, `seed ${seed} round ${round}`).toBeInstanceOf(DynedgeError)
      }
    }
  })
})
