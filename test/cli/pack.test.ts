import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readStateDict, toFloat32 } from '../../src/bundle/safetensors.ts'
import type { StateDict } from '../../src/graph/parameters.ts'
import { drawing, dynedge, json, LABELS, ROOT, smallState, temporary, writeState } from './support.ts'

const { at, folder, clean } = temporary()
const SHAPE = ['--network', 'dy-mobile', '--width', '0.25', '--kernels', '2']
const state = () => smallState('dy-mobile')
const facts = {
  network: 'dy-mobile',
  width: '0.25',
  classes: '4',
  g: '2',
  input_size: '32',
  mean: '[0.5, 0.4, 0.3]',
  std: '[0.25, 0.3, 0.2]',
  resize: 'shorter side to 36 bilinear antialias, centre crop 32',
  labels: JSON.stringify(LABELS),
}

beforeAll(async () => {
  writeState(at('plain.safetensors'), state())
  writeState(at('facts.safetensors'), state(), facts)
  await drawing(50, 40).png().toFile(at('photo.png'))
})
afterAll(clean)

test('Packs, says sizes, and the bundle runs', () => {
  const found = json(['pack', at('plain.safetensors'), ...SHAPE, '-o', at('f32.safetensors')])
  expect(Object.keys(found)).toEqual(['output', 'network', 'precision', 'parameters', 'bytes', 'integrity'])
  const file = readFileSync(at('f32.safetensors'))
  expect(found).toMatchObject({
    output: at('f32.safetensors'),
    network: 'dy-mobile',
    precision: 'f32',
    bytes: { file: file.length },
  })
  expect(found.bytes.header + found.bytes.data).toBe(file.length)
  const ran = json(['run', at('photo.png'), '--model', at('f32.safetensors'), '--top', '9'])
  expect(ran.input).toEqual([224, 224])
  expect(ran.results[0].top.map(({ label }: { label: string }) => label).sort()).toEqual(['0', '1', '2', '3'])
})

test('For people: sizes with units', () => {
  const { stdout, status } = dynedge(['pack', at('facts.safetensors'), '-p', 'w8', '-o', at('w8.safetensors')])
  expect(status).toBe(0)
  expect(stdout).toMatch(/size +\d+\.\d KiB \(header \d+\.\d KiB, weights \d+\.\d KiB\) from \d+\.\d\d MiB/)
  expect(stdout).toMatch(/parameters +\d\.\d{3} M \(2\^20\), \d\.\d{3} million/)
})

test('What the state dict says of itself is the default', () => {
  json(['pack', at('facts.safetensors'), '-o', at('said.safetensors')])
  expect(json(['inspect', at('said.safetensors')])).toMatchObject({
    network: 'dy-mobile',
    precision: 'f32',
    width: 0.25,
    classes: 4,
    kernels: 2,
    input: {
      channels: 3,
      mean: [0.5, 0.4, 0.3],
      std: [0.25, 0.3, 0.2],
      size: [32, 32],
      shorterSide: 36,
      resampling: 'bilinear',
    },
    labels: LABELS,
    licence: null,
  })
})

test('Options go before', () => {
  writeFileSync(at('labels.txt'), 'a\nb\nc\nd\n')
  const options = [
    '--labels',
    at('labels.txt'),
    '--mean',
    '0.5',
    '--std',
    '0.1,0.2,0.3',
    '--input-size',
    '48x64',
    '--shorter-side',
    '50',
    '--licence',
    'MIT',
    '--name',
    'mine',
  ]
  json(['pack', at('facts.safetensors'), ...options, '-o', at('own.safetensors')])
  expect(json(['inspect', at('own.safetensors')])).toMatchObject({
    network: 'mine',
    input: { mean: [0.5, 0.5, 0.5], std: [0.1, 0.2, 0.3], size: [48, 64], shorterSide: 50 },
    labels: ['a', 'b', 'c', 'd'],
    licence: 'MIT',
  })
  expect(json(['run', at('photo.png'), '-m', at('own.safetensors')])).toMatchObject({
    network: 'mine',
    input: [48, 64],
  })
})

test('Labels as JSON; the output lands here by default', () => {
  writeFileSync(at('labels.json'), JSON.stringify(LABELS))
  const { status } = dynedge(['pack', at('plain.safetensors'), ...SHAPE, '-p', 'w8', '--labels', at('labels.json')], {
    cwd: folder,
  })
  expect(status).toBe(0)
  expect(json(['inspect', at('plain.w8.safetensors')]).labels).toEqual(LABELS)
})

test('DataParallel names and batch counters are tolerated, and change nothing', () => {
  const wrapped: StateDict = new Map([...state()].map(([name, tensor]) => [`module.${name}`, tensor]))
  wrapped.set('module.stem.bn.num_batches_tracked', { shape: [], data: new Float32Array([7]) })
  writeState(at('wrapped.safetensors'), wrapped)
  const { integrity } = json(['pack', at('plain.safetensors'), ...SHAPE, '-o', at('a.safetensors')])
  expect(json(['pack', at('wrapped.safetensors'), ...SHAPE, '-o', at('b.safetensors')]).integrity).toBe(integrity)
})

describe('unpack', () => {
  test('f32: packed again with its own facts, the same weights', () => {
    const { integrity } = json(['pack', at('facts.safetensors'), '-o', at('one.safetensors')])
    const found = json(['unpack', at('one.safetensors'), '-o', at('again.safetensors')])
    expect(found).toEqual({
      output: at('again.safetensors'),
      network: 'dy-mobile',
      precision: 'f32',
      tensors: state().size,
      bytes: readFileSync(at('again.safetensors')).length,
    })
    const again = json(['pack', at('again.safetensors'), '-o', at('two.safetensors')])
    expect(again.integrity).toBe(integrity)
    const [one, two] = ['one', 'two'].map((name) => json(['inspect', at(`${name}.safetensors`)]))
    for (const key of ['network', 'width', 'classes', 'kernels', 'input', 'labels'])
      expect(two[key], key).toEqual(one[key])
  })

  test('w8: the f32 bundle of the dequantized weights answers as the w8 bundle does', () => {
    json(['pack', at('facts.safetensors'), '-p', 'w8', '-o', at('w8.safetensors')])
    json(['unpack', at('w8.safetensors'), '-o', at('dequantized.safetensors')])
    json(['pack', at('dequantized.safetensors'), '-o', at('dequantized.f32.safetensors')])
    const [small, large] = ['w8', 'dequantized.f32'].map(
      (name) => json(['run', at('photo.png'), '-m', at(`${name}.safetensors`), '--top', '4']).results[0].top,
    )
    large.forEach(({ index, probability }: { index: number; probability: number }, place: number) => {
      expect(small[place].index).toBe(index)
      expect(small[place].probability).toBeCloseTo(probability, 4)
    })
  })

  test('A name of its own, or a width in the name, is no obstacle', () => {
    for (const [network, name, ...more] of [
      ['dy-mobile-0.25', 'dy-mobile-0.25'],
      ['dy-mobile-0.25', 'mine', '--name', 'mine'],
    ]) {
      const packed = json([
        'pack',
        at('facts.safetensors'),
        '--network',
        network,
        ...more,
        '-o',
        at('named.safetensors'),
      ])
      expect(packed.network).toBe(name)
      json(['unpack', at('named.safetensors'), '-o', at('named.torch.safetensors')])
      const again = json(['pack', at('named.torch.safetensors'), '-o', at('again.safetensors')])
      expect([again.network, again.integrity]).toEqual([name, packed.integrity])
    }
  })

  test('The weights have PyTorch names and shapes', () => {
    json(['unpack', at('w8.safetensors'), '-o', at('torch.safetensors')])
    const { tensors, metadata } = readStateDict(readFileSync(at('torch.safetensors')))
    expect(metadata.get('network')).toBe('dy-mobile')
    expect(tensors.get('s4.1.pw1.conv.weight')!.shape).toEqual(state().get('s4.1.pw1.conv.weight')!.shape)
    expect(toFloat32(tensors.get('s4.1.pw1.bn.weight')!).every((gamma) => gamma === 1)).toBe(true)
  })
})

describe('Errors: one line, exit code 1, no file', () => {
  const changed = (name: string, change: (state: StateDict) => void) => {
    const tensors = state()
    change(tensors)
    writeState(at(name), tensors)
    return at(name)
  }
  const cases: [what: string, args: () => string[], words: RegExp][] = [
    ['no network', () => [at('plain.safetensors')], /does not say which network it is; give --network/],
    ['unknown network', () => [at('plain.safetensors'), '--network', 'resnet'], /No network is called "resnet"/],
    ['missing file', () => [at('none.safetensors'), ...SHAPE], /no such file/],
    ['directory', () => [folder, ...SHAPE], /directory/],
    ['not safetensors', () => [`${ROOT}/package.json`, ...SHAPE], /not a safetensors file/],
    [
      'cut off',
      () => {
        writeState(at('cut.safetensors'), state())
        truncateSync(at('cut.safetensors'), 200_000)
        return [at('cut.safetensors'), ...SHAPE]
      },
      /is cut off: got 200000 bytes/,
    ],
    [
      'missing tensors',
      () => [
        changed('lacks.safetensors', (s) => {
          for (const name of ['stem.bn.weight', 'fc.weight', 'last.conv.weight', 'last.bn.bias']) s.delete(name)
        }),
        ...SHAPE,
      ],
      /lacks stem\.bn\.weight, last\.conv\.weight, last\.bn\.bias and 1 more/,
    ],
    [
      'unknown tensors',
      () => [
        changed('more.safetensors', (s) => s.set('aux.weight', { shape: [1], data: new Float32Array(1) })),
        ...SHAPE,
      ],
      /has aux\.weight, which the network does not know/,
    ],
    [
      'another network',
      () => [at('plain.safetensors'), '--network', 'mobilenetv2'],
      /does not fit mobilenetv2: it lacks features\.0\.0\.weight.* and has .*more tensors/,
    ],
    [
      'another width',
      () => [at('plain.safetensors'), '--network', 'dy-mobile', '--kernels', '2'],
      /stem\.conv\.weight is \[8,3,3,3\], expected \[32,3,3,3\]; do --width/,
    ],
    [
      'another g_t',
      () => [at('plain.safetensors'), '--network', 'dy-mobile', '--width', '0.25'],
      /\.coef\.fc\.weight is \[\d+,8\], expected \[\d+,8\]/,
    ],
    [
      'not a number',
      () => [
        changed('nan.safetensors', (s) => {
          s.get('fc.bias')!.data[1] = Number.NaN
        }),
        ...SHAPE,
      ],
      /fc\.bias has NaN at 1/,
    ],
    [
      'labels',
      () => {
        writeFileSync(at('three.txt'), 'a\nb\nc')
        return [at('plain.safetensors'), ...SHAPE, '--labels', at('three.txt')]
      },
      /There are 3 labels for 4 classes/,
    ],
    ['precision', () => [at('plain.safetensors'), ...SHAPE, '--precision', 'w4'], /Allowed choices are f32, w8/],
    ['std', () => [at('plain.safetensors'), ...SHAPE, '--std', '0'], /std is \[0,0,0\], expected 3 positive numbers/],
    ['mean', () => [at('plain.safetensors'), ...SHAPE, '--mean', '1,2'], /Expected one number, or three/],
    [
      'shorter side',
      () => [at('plain.safetensors'), ...SHAPE, '--shorter-side', '100'],
      /shorterSide is 100, expected at least 224/,
    ],
    [
      'facts',
      () => {
        writeState(at('odd.safetensors'), state(), { ...facts, mean: '[1, 2]' })
        return [at('odd.safetensors')]
      },
      /has mean = "\[1, 2\]", which cannot be understood/,
    ],
  ]

  test.each(cases)('%s', (_, args, words) => {
    const output = at('never.safetensors')
    const { status, stdout, errors } = dynedge(['pack', ...args(), '-o', output])
    expect(errors).toEqual([expect.stringMatching(words)])
    expect(errors[0]).toMatch(/^dynedge: /)
    expect([status, stdout]).toEqual([1, ''])
    expect(() => readFileSync(output)).toThrow(/ENOENT/)
  })
})
