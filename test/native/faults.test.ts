import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Header } from '../../assembly/program/format.ts'
import { crc32c, hex32 } from '../../src/bundle/checksum.ts'
import { dataStartOf } from '../../src/bundle/container.ts'
import { HEADER_START, headerCrc, parseHeader } from '../../src/bundle/header.ts'
import { seededState } from '../../src/graph/parameters.ts'
import { HOST_TENSOR, HostWord, PROGRAM_TENSOR } from '../../src/host/format.ts'
import { addPrograms } from '../../src/host/programs.ts'
import { checkHeader } from '../../src/load.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { packBundle } from '../../src/pack/pack.ts'
import { planNetwork } from '../../src/plan/plan.ts'
import { digestOf, goldenNetwork, goldenPicture, readGolden } from '../golden/int8.ts'
import { INPUT, seededBundle, seededTensor, smallBundle } from '../helpers/bundles.ts'
import { quantized } from '../helpers/quantized.ts'
import { instantiate, readWasm, seed } from '../helpers/wasm.ts'
import { makeFrame } from '../image/frames.ts'
import { tiny } from '../kernels/graphs.ts'
import { built, started, TARGETS, temporary } from './support.ts'

// All of it with AddressSanitizer and UndefinedBehaviorSanitizer: whatever they find ends the program.

const folder = temporary()
afterAll(folder.clean)
const target = TARGETS.sanitized
let programs: string
beforeAll(() => {
  programs = built(target)
}, 600_000)
const host = (...args: string[]) => started(target, join(programs, 'dynedge-host'), args)

const graph = buildNetwork('dy-mobile', { width: 0.25, classes: 4, kernels: 2 })
const bundle = addPrograms(seededBundle(graph, 'w8', ['cat', 'dog', 'ship', 'frog']), [
  [32, 32],
  [64, 48],
])

/** A copy with some bytes changed, and the checksums of record and header right again. */
function changed(edit: (file: Uint8Array, record: DataView) => void, sealed = true): Uint8Array {
  const file = bundle.slice()
  const dataStart = dataStartOf(file, 'bad-bundle')
  const { offset, bytes } = parseHeader(bundle.subarray(0, dataStart), bundle.length).tensors.get(HOST_TENSOR)!
  const record = file.subarray(dataStart + offset, dataStart + offset + bytes)
  edit(file, new DataView(record.buffer, record.byteOffset, bytes))
  if (!sealed) return file
  const digits = 8 + HEADER_START.length
  const encoder = new TextEncoder()
  file.set(encoder.encode(hex32(crc32c(record))), digits + 8 + 18 + 16)
  file.set(encoder.encode(headerCrc(file.subarray(0, dataStart))), digits)
  return file
}
const word = (index: number, value: number) => (_: Uint8Array, record: DataView) =>
  record.setUint32(index * 4, value, true)

describe('a bundle that is none is refused, in words', () => {
  const dataStart = dataStartOf(bundle, 'bad-bundle')
  const longer = new Uint8Array(bundle.length + 1)
  longer.set(bundle)
  const flip = (at: number) => (file: Uint8Array) => {
    file[at] ^= 4
  }
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /^error truncated-bundle: .*got 0 bytes/],
    ['a few bytes', bundle.subarray(0, 5), /^error truncated-bundle/],
    ['a page', new TextEncoder().encode('<!doctype html><html></html>'), /^error bad-bundle: Not a bundle/],
    ['half a header', bundle.subarray(0, 300), /^error truncated-bundle: .*got 300 bytes/],
    ['a byte missing', bundle.subarray(0, -1), /^error truncated-bundle: .*got \d+ bytes, expected \d+$/],
    ['a byte too many', longer, /^error oversized-bundle: .*got \d+ bytes, expected \d+$/],
    ['no programs', smallBundle('f32'), /^error no-program: .*dynedge pack --plan/],
    [
      'a bit of the header',
      changed(flip(dataStart - 200), false),
      /^error damaged-bundle: The bundle's header is damaged: CRC32C [0-9a-f]{8}, expected [0-9a-f]{8}/,
    ],
    ['a bit of a weight', changed(flip(dataStart + 1000)), /^error damaged-bundle: s1\.0\.[\w.]+ is damaged: CRC32C/],
    [
      'a bit of the record',
      changed((_, record) => record.setUint8(record.getUint32(HostWord.Name * 4, true), 0x44), false),
      /^error damaged-bundle: The bundle's record/,
    ],
    [
      'another record',
      changed(word(HostWord.Version, 2)),
      /^error unsupported-version: The bundle's record has version 2, this library reads 1/,
    ],
    [
      'other programs',
      changed(word(HostWord.ProgramVersion, 3)),
      /^error unsupported-version: The bundle's programs have version 3, this library runs 4/,
    ],
    ['another layout', changed(word(HostWord.Layout, 9)), /^error unsupported-layout/],
    ['no deviation', changed(word(HostWord.Deviation, 0)), /^error bad-bundle: .*contradicts itself: the input/],
    [
      'weights elsewhere',
      changed(word(HostWord.WeightBytes, 64)),
      /^error bad-bundle: .*contradicts itself: the weights/,
    ],
    ['labels outside', changed(word(HostWord.Labels, 1 << 28)), /^error bad-bundle: .*contradicts itself: the labels/],
    [
      'no such offset',
      changed(word(HostWord.ProgramsAt, 0xfffffff0)),
      /^error bad-bundle: .*contradicts itself: the programs/,
    ],
  ]
  test.each(cases)('%s', (_, file, message) => {
    expect(host(folder.write('bad.safetensors', file), 'about')).toEqual([expect.stringMatching(message)])
  })

  test('a program that was exchanged for one the verifier refuses', () => {
    const file = changed((whole, record) => {
      const { tensors } = parseHeader(bundle.subarray(0, dataStart), bundle.length)
      const at = record.getUint32(HostWord.ProgramsAt * 4, true)
      const { offset } = tensors.get(`${PROGRAM_TENSOR}32x32`)!
      const program = whole.subarray(dataStart + offset, dataStart + offset + record.getUint32(at + 12, true))
      new DataView(program.buffer, program.byteOffset).setUint32((Header.Words + 1) * 4, 4, true)
      record.setUint32(at + 16, crc32c(program), true)
    })
    const path = folder.write('exchanged.safetensors', file)
    expect(host(path, '-height', '32', '-width', '32', 'about')).toEqual([
      expect.stringMatching(
        /^error bad-program: The module refuses the program: status 5 at step 0; pack the bundle again/,
      ),
    ])
    // The other one is whole.
    expect(host(path, '-height', '64', '-width', '48', 'select', '32x32', 'select', '64x48', 'about')).toEqual([
      expect.stringMatching(/^error bad-program/),
      expect.stringMatching(/^about dy-mobile w8/),
      'size 32x32',
      'size 64x48',
    ])
  })
})

test('calls that are wrong are refused, and the network works afterwards', async () => {
  const path = folder.write('calls.safetensors', bundle)
  const picture = folder.write('calls.f32', seededTensor(32, 32).data)
  const [refused, bytes] = [
    (code: string, words: RegExp) => expect.stringMatching(new RegExp(`^error ${code}: ${words.source}`)),
    folder.write('calls.rgb', new Uint8Array(40 * 30 * 3)),
  ]
  expect(
    host(
      ...[path, '-only', '1', '-height', '32', '-width', '32'],
      ...['run', 'read', folder.at('x.out'), 'top', '2', 'select', '64x48', 'select', '33x33', 'tensor', bytes],
      ...['pixels', '40x30x2+0', bytes, 'pixels', '0x30x3+0', bytes, 'pixels', '40x30x3+100', bytes],
      ...['tensor', picture, 'range', '5-4', 'range', '0-999', 'run-with', '3', 'output', 'logits', 'run'],
      ...['tensor', picture, 'run', 'run', 'output', 'nothing', 'output', 'logits', 'top', '9', 'top', '2'],
      ...[
        'tensor',
        picture,
        'steps',
        'read',
        folder.at('steps.out'),
        'tensor',
        picture,
        'run-with',
        '0',
        'read',
        folder.at('with.out'),
      ],
    ).map((line) => (line.startsWith('class ') ? 'class' : line)),
  ).toEqual([
    refused('bad-input', /There is no picture, expected dynedge_set_pixels/),
    refused('bad-input', /The network has not run to its end \(0 of \d+ steps\)/),
    refused('bad-input', /The network has not run to its end/),
    refused(
      'out-of-memory',
      /The program takes \d+ bytes and an arena of \d+, reserved are \d+ and \d+; load .* without `only`/,
    ),
    refused('no-program', /The bundle has no program for 33 x 33, .*dynedge pack --plan 33x33/),
    refused('bad-input', /The tensor has 900 values, expected height x width x 3 = 32 x 32 x 3 = 3072/),
    refused('bad-image', /The picture has 2 bytes a pixel, expected 1 .gray., 3 .RGB. or 4/),
    refused('bad-image', /The picture is 0 x 30 pixels/),
    refused('bad-image', /Rows of the frame's plane 0 are 100 bytes apart, expected 0 or at least 120/),
    refused('bad-input', /Steps 5 to 4 are none/),
    refused('bad-input', /Steps 0 to 999 are none, expected a range in 0 to \d+/),
    refused('aborted', /The run was ended by its caller after step 3 of \d+/),
    refused('bad-input', /The network has not run to its end/),
    refused('bad-input', /There is no picture/),
    refused('bad-input', /The picture is used up by a run/),
    refused('bad-input', /The network has no output called nothing, expected one of its 2/),
    refused('bad-input', /There is room for 1 values, expected 1 x 1 x 4 = 4 of logits/),
    refused('bad-input', /There is room for 9 classes, expected 1 to 4/),
    ...['class', 'class', 'output logits 1x1x4', 'output probabilities 1x1x4'],
    expect.stringMatching(/^all \d+ steps$/),
    ...['output logits 1x1x4', 'output probabilities 1x1x4'],
  ])
  expect(folder.floats('with.out')).toEqual(folder.floats('steps.out'))
})

test('a shorter side that no picture can have is refused, not computed with', () => {
  const file = changed((_, record) => {
    record.setUint32(HostWord.Height * 4, 1, true)
    record.setUint32(HostWord.ShorterSide * 4, 1 << 24, true)
  })
  const pixels = folder.write('wide.rgb', new Uint8Array(40 * 30 * 3))
  const path = folder.write('wide.safetensors', file)
  expect(host(path, '-height', '32', '-width', '32', 'pixels', '40x30x3+0', pixels)).toEqual([
    expect.stringMatching(/^error bad-bundle: The bundle asks for pictures resized to more than 268435456 pixels/),
  ])
})

test('the SHA-256 of the data section, where the caller gives one', () => {
  const path = folder.write('sha.safetensors', bundle)
  const digest = createHash('sha256')
    .update(bundle.subarray(dataStartOf(bundle, 'bad-bundle')))
    .digest('hex')
  expect(host(path, '-sha256', digest, 'select', '32x32')).toEqual([])
  const other = digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
  expect(host(path, '-sha256', other, 'about')).toEqual([
    `error integrity: This is another bundle: the SHA-256 of its data begins with ${digest.slice(0, 8)}, expected ${other.slice(0, 8)}`,
  ])
})

test('exports by name: those of the module, with as many arguments', async () => {
  const path = folder.write('exports.safetensors', bundle)
  const { exports } = await instantiate(readWasm('simd'))
  const functions = Object.entries(exports).filter(([, value]) => typeof value === 'function')
  const found = host(path, 'exports').map((line) => line.split(' '))
  expect(found.map(([, name, count]) => [name, Number(count)]).sort()).toEqual(
    functions.map(([name, value]) => [name, value.length]).sort(),
  )
  // Integers are taken modulo 2^32; a trap is a status, and what comes after works.
  const base = exports.heapBase(3)
  const calls = [
    'call',
    'heapBase',
    '3',
    'call',
    'crc32c',
    '4294967295',
    '64',
    '0',
    'call',
    'crc32c',
    '-1',
    '2',
    '0',
    'call',
    'crc32c',
    '4294967360',
    '0',
    '7',
  ]
  expect(host(path, ...calls)).toEqual([
    `call heapBase: none ${base}`,
    'call crc32c: access outside its memory 0',
    'call crc32c: access outside its memory 0',
    'call crc32c: none 7',
  ])
})

test('six networks in six threads at a time give what one gives, also while others trap', () => {
  const path = folder.write('threads.safetensors', bundle)
  expect(started(target, join(programs, 'dynedge-threads'), [path, '6', '12', '0'])).toEqual([
    '6 threads, 12 runs each: equal',
  ])
})

test('frames whose planes end with their last sample are read no further, turned or not', () => {
  const path = folder.write('frames.safetensors', bundle)
  const formats = ['i420', 'yv12', 'nv12', 'nv21', 'yuyv', 'uyvy'] as const
  for (const [index, format] of formats.entries())
    for (const [width, height, orientation] of [
      [41, 33, 1],
      [120, 67, 6],
      [33, 90, 3],
      [1, 1, 5],
    ]) {
      const colourStep = format === 'i420' ? 2 : undefined
      const { planes } = makeFrame({ format, width, height, gap: 3, colourStep }).frame
      const given = planes.flatMap(({ data, rowBytes, pixelBytes }, i) => [
        `${rowBytes},${planes.length === 1 ? 0 : pixelBytes}`,
        folder.write(`plane-${i}.raw`, data),
      ])
      for (const staging of ['20480', '262144'])
        expect(
          host(
            path,
            '-staging',
            staging,
            'frame',
            `${4 + index},${width},${height},${orientation},0,1`,
            `${planes.length}`,
            ...given,
            'run',
          ),
        ).toEqual([])
    }
})

test('a program from elsewhere runs, and one that does not fit is refused', () => {
  const dataStart = dataStartOf(bundle, 'bad-bundle')
  const header = parseHeader(bundle.subarray(0, dataStart), bundle.length)
  const weightBytes = header.tensors.get(`${PROGRAM_TENSOR}32x32`)!.offset
  const { program } = planNetwork(checkHeader(header), 'w8', header.tensors, weightBytes, 32, 32)
  const path = folder.write('own.safetensors', bundle)
  const plan = folder.write('own.program', program)
  const larger = folder.write('larger.program', new Uint8Array(1 << 20))
  const picture = folder.write('own.f32', seededTensor(32, 32).data)
  const run = ['tensor', picture, 'run', 'read']
  const lines = host(
    path,
    '-only',
    '1',
    '-height',
    '32',
    '-width',
    '32',
    ...run,
    folder.at('a.out'),
    'plan',
    plan,
    ...run,
    folder.at('b.out'),
    'plan',
    larger,
    'select',
    '32x32',
    ...run,
    folder.at('c.out'),
  )
  expect(lines.filter((line) => line.startsWith('error'))).toEqual([
    expect.stringMatching(/^error out-of-memory: The program takes 1048576 bytes/),
  ])
  expect(folder.floats('b.out')).toEqual(folder.floats('a.out'))
  expect(folder.floats('c.out')).toEqual(folder.floats('a.out'))
  expect(host(path, 'plan', folder.write('none.program', new Uint8Array(4000)))).toEqual([
    expect.stringMatching(/^error bad-program: .*status 1 /),
  ])
})

test('a network of each precision runs clean: int8 digests, float32 and w8', async () => {
  const golden = readGolden('dy-shuffle.json')
  const { graph: integers, state } = goldenNetwork(golden)
  const description = { input: { ...INPUT }, labels: null, quantization: null, provenance: {}, licence: null }
  const path = folder.write(
    'int8.safetensors',
    addPrograms(packBundle(integers, state, 'int8', description), [[golden.height, golden.width]]),
  )
  const [{ seed: picture, digest }] = golden.pictures
  host(path, 'tensor', folder.write('int8.f32', goldenPicture(golden, picture)), 'run', 'read', folder.at('int8.out'))
  expect(await digestOf(folder.floats('int8.out').slice(0, integers.classes))).toBe(digest)
  for (const precision of ['f32', 'w8'] as const) {
    const file = folder.write('float.safetensors', addPrograms(smallBundle(precision), [[48, 40]]))
    const pixels = folder.write(
      'float.rgb',
      Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * 37) % 251),
    )
    expect(host(file, 'pixels', '90x70x3+0', pixels, 'run', 'top', '3')).toHaveLength(3)
  }
})

test.each(['f32', 'w8', 'int8', 'mixed'] as const)(
  'wrong programs and records of %s, by the thousand: refused, or run inside their memory',
  (precision) => {
    const state = seededState(tiny, seed)
    const keep = precision === 'mixed' ? ['a', 'l1'] : []
    const integer = precision === 'int8' || precision === 'mixed'
    const source = integer ? quantized(tiny, state, 12, seed, { keep }) : tiny
    const description = {
      input: { ...INPUT, size: [12, 12], shorterSide: 12 } as never,
      labels: null,
      quantization: null,
      provenance: {},
      licence: null,
    }
    const file = addPrograms(packBundle(source, state, integer ? 'int8' : precision, description), [[12, 12]])
    const lines = started(target, join(programs, 'dynedge-fuzz'), [
      folder.write('tiny.safetensors', file),
      String(seed),
      '3000',
    ])
    expect(lines, `SEED=${seed}`).toEqual([
      expect.stringMatching(/^programs: \d+ accepted, \d+ refused$/),
      expect.stringMatching(/^records: \d+ loaded, \d+ refused$/),
    ])
  },
)
