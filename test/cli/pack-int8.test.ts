import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateDict } from '../../src/graph/parameters.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { rangeGroups } from '../../src/pack/quantize-graph.ts'
import { writeClasses } from './eval-support.ts'
import { drawing, dynedge, json, LABELS, SMALL, smallState, temporary, writeState } from './support.ts'

const { at, clean } = temporary()
const facts = {
  network: 'dy-mobile',
  width: '0.25',
  classes: '4',
  g: '2',
  input_size: '32',
  mean: '[0.5, 0.4, 0.3]',
  std: '[0.25, 0.3, 0.2]',
  labels: JSON.stringify(LABELS),
}
const graph = buildNetwork('dy-mobile', SMALL)
/** Answers that pictures tell apart, and integers too. */
const decided = () => changed((s) => s.get('fc.weight')!.data.set(s.get('fc.weight')!.data.map((w) => w * 8)))
const int8 = (weights: string, ...more: string[]) => [
  'pack',
  at(weights),
  '-p',
  'int8',
  '-o',
  at('out.safetensors'),
  ...more,
]
const calibrated = (...more: string[]) => int8('net.safetensors', '--calibrate', at('pictures'), ...more)

function changed(change: (state: StateDict) => void): StateDict {
  const state = smallState('dy-mobile')
  change(state)
  return state
}

/** As quantization-aware training leaves them. */
const trained = (range: object, more: Record<string, unknown> = {}) => ({
  ...facts,
  quantization_ranges: JSON.stringify({
    ...Object.fromEntries(
      rangeGroups(graph)
        .flat()
        .map((tensor) => [tensor, range]),
    ),
    ...more,
  }),
})

beforeAll(async () => {
  writeState(at('net.safetensors'), decided(), facts)
  await writeClasses(at('pictures'), { cat: 9, dog: 9, ship: 9, frog: 9 })
  await drawing(50, 40).png().toFile(at('photo.png'))
})
afterAll(clean)

describe('Calibration', () => {
  test('Packs; the bundle runs, is small and says how it was made', () => {
    const found = json(calibrated())
    expect(found.precision).toBe('int8')
    const { quantization } = found
    expect(quantization).toMatchObject({
      arithmetic: 'int8',
      ranges: 'calibration',
      observer: 'mse',
      images: 36,
      equalized: [],
      bias_correction: true,
    })
    expect(quantization.agreement).toBeGreaterThanOrEqual(0.75)
    expect(Object.keys(quantization.noise)).toEqual(
      expect.arrayContaining(['image', 'stem', 's2.0.coef', 'last', 'logits']),
    )
    const inspected = json(['inspect', at('out.safetensors')])
    expect(inspected.quantization).toEqual(quantization)
    json(['pack', at('net.safetensors'), '-o', at('f32.safetensors')])
    expect(found.bytes.data).toBeLessThan(0.4 * json(['inspect', at('f32.safetensors')]).bytes.data)
    const answer = (model: string) =>
      json(['run', at('photo.png'), '--model', at(model), '--variant', 'simd']).results[0].top[0]
    expect(answer('out.safetensors').label).toBe(answer('f32.safetensors').label)
  })

  test('For people: a table of ranges and ratios, the agreement', () => {
    const { status, stdout, errors } = dynedge(calibrated('--images', '20', '--observer', 'percentile'))
    expect(status).toBe(0)
    expect(stdout).toMatch(/^tensor +from +to +scale +zero +signal : noise +worst channel\n/)
    expect(stdout).toMatch(/\nstem +0\.000 +\d\.\d+ +0\.0\d+ +0 +\d+\.\d dB +\d: \d+\.\d dB\n/)
    expect(stdout).toMatch(/\nlogits +f32 +\d+\.\d dB/)
    expect(stdout).toMatch(/\nSame answer as f32: \d+\.\d % of 20 pictures\n/)
    expect(errors).toContainEqual(expect.stringMatching(/20 pictures are few to calibrate on; give 32 or more/))
  })

  test('The same folder gives the same bytes', () => {
    json(calibrated())
    const first = readFileSync(at('out.safetensors'))
    json(calibrated())
    expect(first.equals(readFileSync(at('out.safetensors')))).toBe(true)
  })

  test('Options reach the bundle', () => {
    const said = (...more: string[]) => json(calibrated(...more)).quantization
    expect(said('--keep', 'head,stem', '--no-bias-correction')).toMatchObject({
      kept: ['stem', 'fc'],
      bias_correction: false,
    })
    const eight = said('--activation-bits', '8', '--observer', 'minmax')
    expect(eight).toMatchObject({ observer: 'minmax', activations: expect.stringMatching(/^8 bits/) })
    expect(json(['inspect', at('out.safetensors')]).precision).toBe('int8')
  })

  test('A folder without classes, folders in folders; what is no picture is passed over', async () => {
    mkdirSync(at('loose/deeper'), { recursive: true })
    await drawing(40, 40).png().toFile(at('loose/a.png'))
    await drawing(60, 40).jpeg().toFile(at('loose/deeper/b.jpg'))
    writeFileSync(at('loose/notes.txt'), 'x')
    writeFileSync(at('loose/broken.png'), 'x')
    const { status, stdout, errors } = dynedge([
      ...int8('net.safetensors', '--calibrate', at('loose')),
      '--force',
      '--json',
    ])
    expect([status, JSON.parse(stdout).quantization.images]).toEqual([0, 2])
    expect(errors).toContainEqual(expect.stringMatching(/1 of 3 pictures skipped/))
    expect(errors).toContainEqual(expect.stringMatching(/broken\.png: not a picture/))
  })

  test('From a bundle of floats', () => {
    json(['pack', at('net.safetensors'), '-o', at('f32.safetensors')])
    const found = json(int8('f32.safetensors', '--calibrate', at('pictures')))
    expect(found.quantization.agreement).toBe(json(calibrated()).quantization.agreement)
    expect(json(['inspect', at('out.safetensors')]).labels).toEqual(LABELS)
  })

  test('One picture: a warning, and a bundle', async () => {
    mkdirSync(at('one'), { recursive: true })
    await drawing(40, 40).png().toFile(at('one/a.png'))
    const { status, errors } = dynedge(int8('net.safetensors', '--calibrate', at('one')))
    expect(status).toBe(0)
    expect(errors).toContainEqual(expect.stringMatching(/1 picture is few to calibrate on/))
  })
})

describe('Ranges from training', () => {
  test('need no pictures, and are taken to the bit', () => {
    const range = { low: -4 * 0.07, high: 123 * 0.07, scale: 0.07, zero: 4 }
    writeState(at('qat.safetensors'), decided(), trained(range))
    const { quantization } = json(int8('qat.safetensors'))
    expect(quantization).toMatchObject({ ranges: 'training' })
    expect(quantization).not.toHaveProperty('agreement')
    const { ranges } = json(['inspect', at('out.safetensors')])
    expect(JSON.stringify(ranges)).toContain(`${Math.fround(0.07)}`)
    expect(dynedge(int8('qat.safetensors')).stdout).toMatch(/Ranges from training\. Not measured on pictures/)
  })

  test('give way to --calibrate, which says so', () => {
    writeState(at('qat.safetensors'), decided(), trained({ scale: 0.07, zero: 4 }))
    const { status, errors } = dynedge(int8('qat.safetensors', '--calibrate', at('pictures')))
    expect([status, errors[0]]).toEqual([0, expect.stringMatching(/--calibrate measures ranges anew/)])
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['no JSON', { ...facts, quantization_ranges: '{' }, /quantization_ranges is "\{", expected JSON/],
    ['a list', { ...facts, quantization_ranges: '[]' }, /is no JSON object of tensors/],
    [
      'a stranger',
      trained({ scale: 1, zero: 0 }, { nobody: { scale: 1, zero: 0 } }),
      /names nobody, which dy-mobile lacks/,
    ],
    ['half a range', trained({ low: 1 }), /has \{"low":1\} for image, expected \{low, high\} or \{scale, zero\}/],
    ['nothing at all', { ...facts, quantization_ranges: '{}' }, /there is no range for image/],
    ['infinite', trained({ low: 0, high: 1e300 }), /expected values within 1000000000; the network overflows/],
    [
      '8 bits',
      trained({ low: 0, high: 2.55, scale: 0.01, zero: 0 }),
      /trained with 256 levels, --activation-bits 7 has 128/,
    ],
  ])('Refused: %s', (_, metadata, words) => {
    writeState(at('odd.safetensors'), decided(), metadata)
    refused(int8('odd.safetensors'), words)
  })
})

function refused(args: string[], words: RegExp): void {
  const never = at('never.safetensors')
  const { status, stdout, errors } = dynedge([...args, '-o', never])
  // The bar goes to the same place.
  expect(errors.filter((line) => line.startsWith('dynedge: ')).at(-1)).toMatch(words)
  expect([status, stdout]).toEqual([1, ''])
  expect(() => readFileSync(never)).toThrow(/ENOENT/)
}

describe('Refused', () => {
  test.each<[string, () => string[], RegExp]>([
    ['no ranges', () => int8('net.safetensors'), /int8 needs the range of every layer: give --calibrate FOLDER/],
    ['no such folder', () => int8('net.safetensors', '--calibrate', at('nowhere')), /nowhere: no such folder/],
    [
      'a file',
      () => int8('net.safetensors', '--calibrate', at('photo.png')),
      /photo\.png is a file, expected a folder/,
    ],
    [
      'an empty folder',
      () => {
        mkdirSync(at('empty'), { recursive: true })
        return int8('net.safetensors', '--calibrate', at('empty'))
      },
      /empty has no pictures: it is empty; expected files such as \.jpg/,
    ],
    [
      'no pictures',
      () => {
        mkdirSync(at('texts/a'), { recursive: true })
        writeFileSync(at('texts/a/b.txt'), 'x')
        return int8('net.safetensors', '--calibrate', at('texts'))
      },
      /none of its 1 files is a picture/,
    ],
    [
      'pictures that cannot be read',
      () => {
        mkdirSync(at('rotten'), { recursive: true })
        for (const name of ['a.png', 'b.jpg']) writeFileSync(at(`rotten/${name}`), 'x')
        return int8('net.safetensors', '--calibrate', at('rotten'))
      },
      /none of 2 pictures can be read; the first is a\.png: not a picture/,
    ],
    [
      'another precision',
      () => ['pack', at('net.safetensors'), '--keep', 'head'],
      /--keep is for --precision int8, got f32/,
    ],
    [
      'how without what',
      () => int8('net.safetensors', '--no-equalize'),
      /--no-equalize says how to calibrate; give --calibrate/,
    ],
    ['an observer', () => calibrated('--observer', 'best'), /Allowed choices are mse, percentile, minmax/],
    ['bits', () => calibrated('--activation-bits', '6'), /Expected 7 or 8/],
    ['no images', () => calibrated('--images', '0'), /Expected an integer from 1/],
    [
      'an unknown layer',
      () => calibrated('--keep', 'heads'),
      /no layer called "heads" to keep.*expected head or some of stem/,
    ],
    ['an empty name', () => calibrated('--keep', 'head,'), /Expected names separated by commas/],
    ['every layer', () => calibrated('--keep', `stem,last,head,${blocks()}`), /--keep leaves no layer for int8/],
    [
      'too many pictures for the memory',
      () => calibrated('--input-size', '8000'),
      /36 pictures of 8000x8000 take \d+ GiB, expected at most 2; use fewer --images/,
    ],
    [
      'int8 already',
      () => {
        json(calibrated())
        return int8('out.safetensors', '--calibrate', at('pictures'))
      },
      /out\.safetensors is an int8 bundle already/,
    ],
    [
      'a weight that is no number',
      () => {
        writeState(
          at('nan.safetensors'),
          changed((s) => s.get('last.conv.weight')!.data.fill(Number.NaN, 0, 1)),
          facts,
        )
        return int8('nan.safetensors', '--calibrate', at('pictures'))
      },
      /last\.conv\.weight has NaN at 0, expected finite numbers/,
    ],
    [
      'values that overflow',
      () => {
        const far = changed((s) => {
          for (const name of ['s1.0.pw2.conv.weight', 's2.0.proj.conv.weight']) s.get(name)!.data.fill(1e30)
        })
        writeState(at('far.safetensors'), far, facts)
        return int8('far.safetensors', '--calibrate', at('pictures'))
      },
      /not finite|overflows/,
    ],
  ])('%s', (_, args, words) => refused(args(), words))

  const blocks = () =>
    [...new Set(graph.nodes.map(({ name }) => name.split('.').slice(0, 2).join('.')))]
      .filter((name) => /^s\d/.test(name))
      .join()
})

describe('Answers that differ from those of f32', () => {
  /** The classifier's rows differ by less than a step of its integers: its answers are a matter of rounding. */
  const undecided = () =>
    changed((s) => {
      const { data } = s.get('fc.weight')!
      const row = data.length / 4
      data.set(data.map((_, i) => data[i % row] * (1 + 1e-4 * Math.sin(i))))
      s.get('fc.bias')!.data.fill(0)
    })

  test('are an error, or with --force a warning', () => {
    writeState(at('undecided.safetensors'), undecided(), facts)
    const args = int8('undecided.safetensors', '--calibrate', at('pictures'))
    refused(args, /gives the answer of the f32 network for only \d+ of 36 pictures, expected 75 %; nothing was written/)
    const { status, errors, stdout } = dynedge([...args, '--force'])
    expect(status).toBe(0)
    expect(errors).toContainEqual(
      expect.stringMatching(/for only \d+ of 36 pictures; it is written because of --force/),
    )
    expect(stdout).toMatch(/Same answer as f32: \d\d?\.\d %/)
  })
})
