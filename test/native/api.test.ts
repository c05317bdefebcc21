import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROGRAM_VERSION } from '../../assembly/program/format.ts'
import type { Backend } from '../../src/backend.ts'
import { DynedgeError } from '../../src/errors.ts'
import { seededState, seededUniform } from '../../src/graph/parameters.ts'
import { addPrograms } from '../../src/host/programs.ts'
import { checkFrame } from '../../src/image/frame.ts'
import { MATRICES, RANGES } from '../../src/image/matrix.ts'
import { checkPixels } from '../../src/image/pixels.ts'
import { DEFAULT_STAGING_BYTES, preprocess } from '../../src/image/preprocess.ts'
import type { InputSpec } from '../../src/image/spec.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { packBundle } from '../../src/pack/pack.ts'
import { translate } from '../../tools/native/translate.mjs'
import { digestOf, goldenFiles, goldenNetwork, goldenPicture, readGolden } from '../golden/int8.ts'
import { INPUT, integerBundle, LABELS, load, seededBundle, seededTensor, smallBundle } from '../helpers/bundles.ts'
import { instantiate, readWasm, reserve } from '../helpers/wasm.ts'
import { type FrameRecipe, makeFrame } from '../image/frames.ts'
import { built, started, TARGETS, type Target, temporary } from './support.ts'

const folder = temporary()
afterAll(folder.clean)

const describeLabelled = { input: { ...INPUT }, labels: LABELS, quantization: null, provenance: {}, licence: null }
const withPrograms = (bundle: Uint8Array, ...sizes: [number, number][]) => addPrograms(bundle, sizes)
/** float32 of a picture to bytes 0 .. 255, with no period that a resize could hide. */
const bytes = (count: number) => Uint8Array.from(seededUniform('pixels', 3, count, (u) => u * 256))

/** Int8 networks of test/fixtures as bundles with a program, packed once for all targets. */
const goldens = new Map<string, string>()
function golden(file: string): string {
  let path = goldens.get(file)
  if (!path) {
    const read = readGolden(file)
    const { graph, state } = goldenNetwork(read)
    const bundle = packBundle(graph, state, 'int8', { ...describeLabelled, labels: null })
    path = folder.write(`${file}.safetensors`, withPrograms(bundle, [read.height, read.width]))
    goldens.set(file, path)
  }
  return path
}

/** Runs a network of test/fixtures by dynedge-host and looks at the digests of its logits. */
async function goldenIsEqual(host: (...args: string[]) => string[], file: string): Promise<void> {
  const read = readGolden(file)
  for (const { seed, digest } of read.pictures) {
    const picture = folder.write('golden.f32', goldenPicture(read, seed))
    const lines = host(golden(file), 'tensor', picture, 'run', 'read', folder.at('golden.out'))
    const [, classes] = /^output logits 1x1x(\d+)$/.exec(lines[0]) ?? []
    expect(lines).toEqual([`output logits 1x1x${classes}`, `output probabilities 1x1x${classes}`])
    expect(await digestOf(folder.floats('golden.out').slice(0, Number(classes))), `picture ${seed}`).toBe(digest)
  }
}

test.each([
  ['cortex-a53', 'NEON'],
  ['cortex-a76', 'NEON, sdot'],
])(
  'an arm64 processor runs the copy of the kernels that suits it: %s',
  async (processor, instructions) => {
    const { emulator } = TARGETS.arm64
    const target = { ...TARGETS.arm64, emulator: [...emulator, '-cpu', processor] }
    const host = (...args: string[]) => started(target, join(built(target), 'dynedge-host'), args)
    const [file] = goldenFiles()
    expect(host(golden(file), 'about')[0]).toMatch(new RegExp(` instructions ${instructions}$`))
    await goldenIsEqual(host, file)
  },
  600_000,
)

describe.each([TARGETS['x86-64'], TARGETS.arm64] as Target[])('$name', (target) => {
  let host: (...args: string[]) => string[]
  let classify: (...args: string[]) => string[]
  beforeAll(() => {
    const programs = built(target)
    host = (...args) => started(target, join(programs, 'dynedge-host'), args)
    classify = (...args) => started(target, join(programs, 'dynedge-classify'), args)
  }, 600_000)

  test.each(goldenFiles())('%s: int8 logits equal to the byte', (file) => goldenIsEqual(host, file))

  test.each([
    ['dy-mobile', 'f32', 1e-5],
    // Coefficients become int16 here: one that lies between two, and was rounded otherwise before, moves logits by 3e-5.
    ['dy-shuffle', 'w8', 1e-3],
    ['mobilenetv2', 'f32', 1e-5],
  ] as const)('%s %s: as the wasm, within %d', async (name, precision, tolerance) => {
    const plain = seededBundle(buildNetwork(name, { classes: 10 }), precision)
    const bundle = folder.write('float.safetensors', withPrograms(plain, [64, 64], [37, 50]))
    const network = await load(plain, { variant: 'simd' })
    const picture = [64, 64, 37, 50]
    for (const [height, width] of [picture.slice(0, 2), picture.slice(2)]) {
      const input = seededTensor(height, width)
      const path = folder.write('float.f32', input.data)
      expect(
        host(bundle, 'select', `${height}x${width}`, 'tensor', path, 'run', 'read', folder.at('float.out')),
      ).toHaveLength(2)
      const { logits, probabilities } = await network.run(input)
      const expected = [...logits, ...probabilities]
      const largest = Math.max(...expected.map(Math.abs))
      const found = folder.floats('float.out')
      expect(found).toHaveLength(expected.length)
      expected.forEach((value, i) => {
        expect(Math.abs(found[i] - value), `${i}`).toBeLessThanOrEqual(tolerance * largest)
      })
    }
    network.dispose()
  })

  test('pixels become the same bytes as in TypeScript, whatever their channels, sizes and scratch memory', async () => {
    const backend = await instantiate(readWasm('simd'))
    const wanted = [
      { width: 100, height: 80, channels: 3, size: [64, 64] },
      { width: 37, height: 200, channels: 1, size: [64, 64] },
      { width: 300, height: 41, channels: 4, size: [32, 48] },
      { width: 20, height: 16, channels: 3, size: [32, 48] },
      { width: 64, height: 64, channels: 4, size: [64, 64], rowBytes: 300 },
      { width: 9, height: 800, channels: 3, size: [48, 32] },
      { width: 1200, height: 900, channels: 3, size: [64, 64] },
    ] as const
    const spec: InputSpec = {
      ...INPUT,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      size: [64, 64],
      shorterSide: 72,
    }
    const tiny = buildNetwork('dy-mobile', { width: 0.25, classes: 4, kernels: 2 })
    const { graph, state } = goldenNetwork(readGolden('dy-mobile.json'))
    const about = { ...describeLabelled, input: { ...spec } as never, labels: null }
    const sizes: [number, number][] = [
      [64, 64],
      [32, 48],
      [48, 32],
    ]
    const bundles = {
      f32: withPrograms(packBundle(tiny, seededState(tiny, 1), 'f32', about), ...sizes),
      int8: withPrograms(packBundle(graph, state, 'int8', about), ...sizes),
    }
    for (const [precision, bundle] of Object.entries(bundles)) {
      const path = folder.write(`pixels-${precision}.safetensors`, bundle)
      const quantization = precision === 'int8' ? graph.quantization![graph.input] : undefined
      for (const { width, height, channels, size, ...rest } of wanted) {
        const rowBytes = 'rowBytes' in rest ? rest.rowBytes : width * channels
        const data = bytes(height * rowBytes)
        const expected = preprocessed(backend, { data, width, height, channels, rowBytes }, spec, size, quantization)
        const file = folder.write('pixels.raw', data)
        for (const staging of ['262144', '32768']) {
          const picture = `${width}x${height}x${channels}+${'rowBytes' in rest ? rowBytes : 0}`
          const lines = host(
            path,
            '-staging',
            staging,
            'select',
            size.join('x'),
            'pixels',
            picture,
            file,
            'input',
            folder.at('pixels.out'),
          )
          const context = `${precision} ${picture} to ${size} with ${staging}`
          expect(lines, context).toEqual([])
          expect(Buffer.compare(readFileSync(folder.at('pixels.out')), expected), context).toBe(0)
        }
      }
    }
  })

  test('frames of cameras become the same bytes as in TypeScript, however they lie and are turned', async () => {
    const backend = await instantiate(readWasm('simd'))
    const spec: InputSpec = { ...INPUT, size: [64, 64], shorterSide: 72 }
    const tiny = buildNetwork('dy-mobile', { width: 0.25, classes: 4, kernels: 2 })
    const about = { ...describeLabelled, input: { ...spec } as never, labels: null }
    const plain = packBundle(tiny, seededState(tiny, 1), 'f32', about)
    const path = folder.write('frames.safetensors', withPrograms(plain, [64, 64], [32, 48]))
    const formats = ['i420', 'yv12', 'nv12', 'nv21', 'yuyv', 'uyvy'] as const
    const recipes: FrameRecipe[] = [
      ...formats.map((format) => ({ format, width: 133, height: 91 })),
      { format: 'i420', width: 99, height: 180, colourStep: 2, gap: 9 },
      { format: 'nv21', width: 180, height: 99, gap: 4 },
      { format: 'nv12', width: 61, height: 300, colourStep: 4, step: 2 },
      { format: 'uyvy', width: 401, height: 47, gap: 13 },
    ]
    for (const [i, recipe] of recipes.entries())
      for (const orientation of [1 + (i % 8), 1 + ((i + 4) % 8)]) {
        const [matrix, range] = [i % 3, i % 2]
        const { frame } = makeFrame({ ...recipe, matrix: MATRICES[matrix], range: RANGES[range] })
        const size = i % 2 ? ([64, 64] as const) : ([32, 48] as const)
        const expected = preprocessed(backend, { ...checkFrame(frame, DynedgeError), orientation }, spec, size)
        const packed = frame.planes.length === 1
        const planes = frame.planes.flatMap(({ data, rowBytes, pixelBytes }, index) => [
          `${rowBytes},${packed ? 0 : pixelBytes}`,
          folder.write(`plane-${index}.raw`, data),
        ])
        const numbers = [4 + formats.indexOf(recipe.format), frame.width, frame.height, orientation, matrix, range]
        for (const staging of ['262144', '24576']) {
          const lines = host(
            ...[path, '-staging', staging, 'select', size.join('x')],
            ...['frame', numbers.join(), `${frame.planes.length}`, ...planes, 'input', folder.at('frame.out')],
          )
          const context = `${JSON.stringify(recipe)} ${orientation} to ${size} with ${staging}`
          expect(lines, context).toEqual([])
          expect(Buffer.compare(readFileSync(folder.at('frame.out')), expected), context).toBe(0)
        }
      }
    // Pixels, turned; blue first.
    const rgba = bytes(70 * 50 * 4)
    for (const [format, frame] of [
      [1, { data: rgba.subarray(0, 70 * 50 * 3), width: 70, height: 50 }],
      [2, { data: rgba, width: 70, height: 50 }],
      [3, { format: 'bgra', data: rgba, width: 70, height: 50 }],
    ] as const) {
      const pixels = 'format' in frame ? checkFrame(frame, DynedgeError) : checkPixels(frame)
      const expected = preprocessed(backend, { ...pixels, orientation: 8 }, spec, [64, 64])
      const file = folder.write('plane.raw', frame.data)
      const lines = host(path, 'frame', `${format},70,50,8,0,0`, '1', '0,0', file, 'input', folder.at('frame.out'))
      expect(lines).toEqual([])
      expect(Buffer.compare(readFileSync(folder.at('frame.out')), expected), `${format}`).toBe(0)
    }
  })

  test('frames that contradict themselves are refused in words', () => {
    const bundle = folder.write('refused.safetensors', withPrograms(smallBundle('f32'), [64, 64]))
    const file = folder.write('plane.raw', bytes(4096))
    const said = (numbers: string, ...planes: string[]) =>
      host(bundle, 'frame', numbers, `${planes.length}`, ...planes.flatMap((plane) => [plane, file]))[0]
    expect(said('6,16,16,1,0,0', '0,0', '0,0')).toBeUndefined()
    for (const [refused, message] of [
      [said('10,16,16,1,0,0', '0,0'), /format is 10, expected one of dynedge_format/],
      [said('6,0,16,1,0,0', '0,0', '0,0'), /picture is 0 x 16 pixels, expected sides from 1 to 16777216/],
      [said('6,16,16777217,1,0,0', '0,0', '0,0'), /16 x 16777217/],
      [said('6,16,16,9,0,0', '0,0', '0,0'), /orientation is 9, expected 0 to 8/],
      [said('6,16,16,1,3,0', '0,0', '0,0'), /matrix is 3/],
      [said('6,16,16,1,0,2', '0,0', '0,0'), /range is 2/],
      [said('6,16,16,1,0,0', '0,0'), /plane 1 is at no address/],
      [said('6,16,16,1,0,0', '15,0', '0,0'), /plane 0 are 15 bytes apart, expected 0 or at least 16/],
      [said('6,16,16,1,0,0', '0,0', '0,1'), /plane 1 are 1 bytes apart, expected 0 or at least 2/],
      [said('2,16,16,1,0,0', '0,5'), /plane 0 are 5 bytes apart, expected 0 or just 4/],
      [said('8,16,16,1,0,0', '31,0'), /plane 0 are 31 bytes apart, expected 0 or at least 32/],
    ] as const)
      expect(refused).toMatch(new RegExp(`^error bad-image: .*${message.source}`))
  })

  test('the best classes, as classify() names them; and the example', async () => {
    const plain = smallBundle('f32')
    const bundle = folder.write('top.safetensors', withPrograms(plain, [64, 64]))
    const data = bytes(90 * 70 * 3)
    const network = await load(plain, { variant: 'simd' })
    const expected = await network.classify({ data, width: 90, height: 70 }, { topK: 10 })
    network.dispose()
    const found = host(bundle, 'pixels', '90x70x3+0', folder.write('top.rgb', data), 'run', 'top', '10').map((line) =>
      line.split(' '),
    )
    expect(found.map(([, index, label]) => ({ index: Number(index), label }))).toEqual(
      expected.map(({ index, label }) => ({ index, label })),
    )
    expected.forEach(({ probability }, i) => {
      expect(Number(found[i][3])).toBeCloseTo(probability, 5)
    })
    const ppm = folder.write('top.ppm', Buffer.concat([Buffer.from('P6\n90 70\n255\n'), data]))
    const named = classify(bundle, ppm)
    expect(named.map((line) => line.split('%  ')[1])).toEqual(expected.slice(0, 5).map(({ label }) => label))
    expect(classify(bundle, folder.at('top.rgb'), '90x70x3')).toEqual(named)
    expect(() => classify(bundle, folder.at('top.rgb'))).toThrow(/no binary PPM/)
  })

  test('trap -> error -> the next call works', () => {
    const bundle = folder.write(
      'trap.safetensors',
      withPrograms(integerBundle(buildNetwork('dy-mobile', { width: 0.25, classes: 4, kernels: 2 })), [32, 32]),
    )
    const picture = folder.write('trap.f32', seededTensor(32, 32).data)
    expect(host(bundle, 'tensor', picture, 'run', 'read', folder.at('right.out'))).toHaveLength(2)
    const lines = host(
      bundle,
      'tensor',
      picture,
      'corrupt',
      'run',
      'tensor',
      picture,
      'select',
      '32x32',
      'tensor',
      picture,
      'run',
      'read',
      folder.at('again.out'),
    )
    expect(lines).toEqual([
      expect.stringMatching(
        /^error trap: The module trapped in a step: access outside its memory; select a program again$/,
      ),
      expect.stringMatching(/^error bad-input: No program is selected/),
      'output logits 1x1x4',
      'output probabilities 1x1x4',
    ])
    expect(folder.floats('again.out')).toEqual(folder.floats('right.out'))
  })
})

test('a network takes the memory that docs/embedded.md says', () => {
  const doc = readFileSync(new URL('../../docs/embedded.md', import.meta.url), 'utf8')
  const rows = [
    ...doc.matchAll(
      /^\| Dy-mobile x([\d.]+)(?:, (\d) kernels)? \| (\d+)x(\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$/gm,
    ),
  ]
  expect(rows).toHaveLength(4)
  const host = join(built(TARGETS['x86-64']), 'dynedge-host')
  for (const [, width, kernels = '6', height, columns, ...bytes] of rows) {
    const graph = buildNetwork(`dy-mobile-${width}`, { classes: 10, kernels: Number(kernels) })
    const bundle = folder.write(
      'memory.safetensors',
      withPrograms(integerBundle(graph), [Number(height), Number(columns)]),
    )
    const [about] = started(TARGETS['x86-64'], host, [bundle, '-only', '1', '-staging', '16384', 'about'])
    const [weights, arena, memory] = bytes.map((text) => text.replaceAll(',', ''))
    expect(about).toContain(`weights ${weights} arena ${arena} memory ${memory}`)
  }
}, 300_000)

test('for arm64 all of it, stripped, takes at most 400 KB, and shows what dynedge.h declares', () => {
  const library = folder.at('libdynedge.so')
  const archive = join(built(TARGETS.arm64), 'libdynedge.a')
  const tool = (name: string, ...args: string[]) =>
    execFileSync(`aarch64-linux-gnu-${name}`, args, { encoding: 'utf8' })
  tool('gcc', '-shared', '-Wl,--whole-archive', archive, '-Wl,--no-whole-archive', '-o', library)
  tool('strip', library)
  expect(statSync(library).size).toBeLessThanOrEqual(400_000)
  const shown = [...tool('nm', '-D', '--defined-only', library).matchAll(/ T (\w+)$/gm)].map(([, name]) => name)
  const header = readFileSync(new URL('../../native/include/dynedge.h', import.meta.url), 'utf8')
  const declared = [...header.matchAll(/^DYNEDGE_API [^;(]*?(dynedge_\w+)\(/gm)].map(([, name]) => name)
  expect(shown.sort()).toEqual(declared.sort())
}, 300_000)

test('16 KB of stack are enough', () => {
  const program = join(built(TARGETS['x86-64']), 'dynedge-threads')
  for (const bundle of [
    integerBundle(buildNetwork('dy-mobile-0.25', { classes: 4, kernels: 2 })),
    smallBundle('f32'),
  ]) {
    const path = folder.write('stack.safetensors', withPrograms(bundle, [64, 64]))
    expect(started(TARGETS['x86-64'], program, [path, '2', '3', '16'])).toEqual(['2 threads, 3 runs each: equal'])
  }
})

test('dynedge.h and the sources say the same version', () => {
  const header = readFileSync(new URL('../../native/include/dynedge.h', import.meta.url), 'utf8')
  expect(header).toContain(`#define DYNEDGE_PROGRAM_VERSION ${PROGRAM_VERSION}\n`)
})

test('the translation is the same every time', () => {
  const [once, again] = [0, 1].map(() => translate(readWasm('relaxed'), 'dynedge'))
  expect(again).toEqual(once)
  expect(readFileSync(new URL('../../native/generated/module.c', import.meta.url), 'utf8')).toBe(once.source)
})

function preprocessed(
  backend: Backend,
  source: Parameters<typeof preprocess>[1],
  spec: InputSpec,
  [height, width]: readonly [number, number],
  quantization?: Parameters<typeof preprocess>[4]['quantization'],
): Buffer {
  const pixelStride = quantization ? 4 : 16
  const pointer = reserve(backend, DEFAULT_STAGING_BYTES + height * width * pixelStride) + DEFAULT_STAGING_BYTES
  const staging = { pointer: pointer - DEFAULT_STAGING_BYTES, bytes: DEFAULT_STAGING_BYTES }
  const target = { pointer, rowStride: width * pixelStride, pixelStride, height, width, quantization }
  preprocess(backend, source, spec, staging, target)
  return Buffer.from(new Uint8Array(backend.memory.buffer, pointer, height * width * pixelStride).slice())
}
