import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { Header, PROGRAM_MAGIC, PROGRAM_VERSION, Step, Tensor } from '../../assembly/program/format.ts'
import { crc32c } from '../../src/bundle/checksum.ts'
import { dataStartOf } from '../../src/bundle/container.ts'
import { HEADER_START, parseHeader } from '../../src/bundle/header.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { HOST_MAGIC, HOST_TENSOR, HostProgram, HostWord, PROGRAM_TENSOR } from '../../src/host/format.ts'
import { addPrograms } from '../../src/host/programs.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { editHeader } from '../bundle/support.ts'
import { dynedge, json, smallState, temporary, writeState } from '../cli/support.ts'
import { INPUT, integerBundle, LABELS, load, seededTensor, smallBundle } from '../helpers/bundles.ts'

const { at, clean } = temporary()
afterAll(clean)

const opened = <T extends Uint8Array>(bundle: T) => {
  const dataStart = dataStartOf(bundle, 'bad-bundle')
  const header = parseHeader(bundle.subarray(0, dataStart), bundle.length)
  return { header, data: bundle.subarray(dataStart) as T }
}
const plain = smallBundle('w8')
const planned = addPrograms(plain, [
  [64, 64],
  [32, 48],
])

test('Programs and record lie behind the weights, which stay as they are', () => {
  const [before, after] = [opened(plain), opened(planned)]
  const names = [...after.header.tensors.keys()]
  expect(names).toEqual([
    ...before.header.tensors.keys(),
    `${PROGRAM_TENSOR}64x64`,
    `${PROGRAM_TENSOR}32x48`,
    HOST_TENSOR,
  ])
  expect(Buffer.compare(after.data.subarray(0, before.data.length), before.data)).toBe(0)
  expect(after.header.metadata.weightBytes).toBe(before.header.metadata.weightBytes)
  for (const { offset, bytes, crc32c: expected } of after.header.tensors.values())
    expect(crc32c(after.data.subarray(offset, offset + bytes))).toBe(expected)
  for (const size of ['64x64', '32x48']) {
    const { offset } = after.header.tensors.get(`${PROGRAM_TENSOR}${size}`)!
    const word = (index: number) =>
      new DataView(planned.buffer, planned.byteOffset + after.header.dataStart + offset).getUint32(index * 4, true)
    expect([word(Header.Magic), word(Header.Version)]).toEqual([PROGRAM_MAGIC, PROGRAM_VERSION])
    expect(word(Header.WeightBytes)).toBe(before.data.length)
  }
})

test('The record says what a host must know, and the header at a fixed place where it is', () => {
  const { header, data } = opened(planned)
  const { offset, bytes, crc32c: sum } = header.tensors.get(HOST_TENSOR)!
  const from = 8 + HEADER_START.length + 8
  const start = Buffer.from(planned).toString('latin1', from, from + 18 + 24)
  const hex = (value: number) => value.toString(16).padStart(8, '0')
  expect(start).toBe(`","dynedge_host":"${hex(offset)}${hex(bytes)}${hex(sum)}`)
  const record = new DataView(data.buffer, data.byteOffset + offset, bytes)
  const word = (index: number) => record.getUint32(index * 4, true)
  const text = (place: number) => {
    const rest = data.subarray(offset + place)
    return new TextDecoder().decode(rest.subarray(0, rest.indexOf(0)))
  }
  expect(word(HostWord.Magic)).toBe(HOST_MAGIC)
  expect([text(word(HostWord.Name)), text(word(HostWord.Precision))]).toEqual(['dy-mobile', 'w8'])
  expect([word(HostWord.Height), word(HostWord.Width), word(HostWord.ShorterSide)]).toEqual([
    ...INPUT.size,
    INPUT.shorterSide,
  ])
  const floats = [0, 1, 2, 3, 4, 5].map((index) => record.getFloat32((HostWord.Mean + index) * 4, true))
  expect(floats).toEqual([...INPUT.mean, ...INPUT.std])
  expect(word(HostWord.Tensors)).toBe(header.tensors.size - 3)
  expect(word(HostWord.InputBytes)).toBe(4)
  const labels = LABELS.map((_, index) => text(record.getUint32(word(HostWord.LabelsAt) + index * 4, true)))
  expect(labels).toEqual(LABELS)
  const programs = [0, 1].map((index) => {
    const of = (field: number) =>
      record.getUint32(word(HostWord.ProgramsAt) + (index * HostProgram.Words + field) * 4, true)
    const program = data.subarray(of(HostProgram.Offset), of(HostProgram.Offset) + of(HostProgram.Bytes))
    expect(crc32c(program)).toBe(of(HostProgram.Crc32c))
    return [
      of(HostProgram.Height),
      of(HostProgram.Width),
      text(record.getUint32(of(HostProgram.StepNamesAt) + 4, true)),
    ]
  })
  expect(programs).toEqual([
    [64, 64, 'stem.expand'],
    [32, 48, 'stem.expand'],
  ])
})

test('Equal input gives equal bytes; programs replace programs; a size twice is one', () => {
  expect(
    Buffer.compare(
      addPrograms(plain, [
        [64, 64],
        [32, 48],
        [64, 64],
      ]),
      planned,
    ),
  ).toBe(0)
  expect(
    Buffer.compare(
      addPrograms(planned, [
        [64, 64],
        [32, 48],
      ]),
      planned,
    ),
  ).toBe(0)
  expect([...opened(addPrograms(planned, [[16, 16]])).header.tensors.keys()]).not.toContain(`${PROGRAM_TENSOR}64x64`)
})

test.each(['f32', 'int8'] as const)('%s: load() runs such a bundle as it runs the plain one', async (precision) => {
  const bundle =
    precision === 'f32' ? smallBundle('f32') : integerBundle(buildNetwork('dy-mobile-0.25', { classes: 4, kernels: 2 }))
  const input = seededTensor(40, 56)
  const outputs = []
  for (const bytes of [bundle, addPrograms(bundle, [[64, 64]])]) {
    const network = await load(bytes)
    outputs.push((await network.run(input)).logits)
    network.dispose()
  }
  expect(outputs[1]).toEqual(outputs[0])
})

test('What cannot be planned is refused', () => {
  const refused = (bundle: Uint8Array, sizes: [number, number][]) => {
    try {
      addPrograms(bundle, sizes)
    } catch (error) {
      return error as { code: ErrorCode; message: string }
    }
    throw new Error('planned')
  }
  expect(refused(plain, [])).toMatchObject({ code: 'usage', message: expect.stringMatching(/0 sizes.*1 to 64/) })
  expect(refused(plain, [[0, 64]])).toMatchObject({ code: 'bad-input' })
  expect(refused(plain, [[9000, 64]])).toMatchObject({ code: 'bad-input' })
  const damaged = plain.slice()
  damaged[damaged.length - 100] ^= 1
  expect(refused(damaged, [[64, 64]])).toMatchObject({ code: 'damaged-bundle' })
  const moved = editHeader(planned, (_, metadata) => {
    metadata.format = 2
  })
  expect(refused(moved, [[64, 64]])).toMatchObject({ code: 'unsupported-version' })
})

test('dynedge pack --plan; inspect, unpack and pack read what it writes; an int8 bundle is given programs', () => {
  writeState(at('state.safetensors'), smallState('dy-mobile'))
  const shape = ['--network', 'dy-mobile', '--width', '0.25', '--kernels', '2', '--input-size', '32']
  const packed = json(['pack', at('state.safetensors'), ...shape, '--plan', '32,48x40', '-o', at('f32.safetensors')])
  expect(packed.bytes.file).toBe(readFileSync(at('f32.safetensors')).length)
  const programs = (file: string) =>
    [...opened(readFileSync(at(file))).header.tensors.keys()].filter((name) => name.startsWith('dynedge.'))
  expect(programs('f32.safetensors')).toEqual(['dynedge.program.32x32', 'dynedge.program.48x40', 'dynedge.host'])
  expect(json(['inspect', at('f32.safetensors')])).toMatchObject({
    network: 'dy-mobile',
    checksums: { damaged: [], sha256: true },
  })
  expect(dynedge(['unpack', at('f32.safetensors'), '-o', at('again.safetensors')]).status).toBe(0)
  expect(dynedge(['pack', at('f32.safetensors'), '-p', 'w8', '-o', at('w8.safetensors')]).status).toBe(0)
  expect(programs('w8.safetensors')).toEqual([])
  writeFileSync(at('int8.safetensors'), integerBundle(buildNetwork('dy-mobile-0.25', { classes: 4, kernels: 2 })))
  json(['pack', at('int8.safetensors'), '-p', 'int8', '--plan', '32', '-o', at('planned.safetensors')])
  expect(programs('planned.safetensors')).toEqual(['dynedge.program.32x32', 'dynedge.host'])
  // For threads, steps may run beside each other.
  const besides = (name: string) => {
    const bytes = readFileSync(at(name))
    const { header, data } = opened(bytes)
    const { offset } = header.tensors.get('dynedge.program.32x32')!
    const word = (index: number) => data.readUInt32LE(offset + index * 4)
    const first = Header.Words + word(Header.Tensors) * Tensor.Words
    return Array.from({ length: word(Header.Steps) }, (_, i) => word(first + i * Step.Words + Step.Beside)).filter(
      Boolean,
    ).length
  }
  json([
    'pack',
    at('int8.safetensors'),
    '-p',
    'int8',
    '--plan',
    '32',
    '--plan-threads',
    '-o',
    at('threads.safetensors'),
  ])
  expect(besides('planned.safetensors')).toBe(0)
  expect(besides('threads.safetensors')).toBeGreaterThan(10)
  const wrong = (...args: string[]) => dynedge(['pack', at('int8.safetensors'), '-p', 'int8', '--plan', '32', ...args])
  expect(wrong('--labels', 'x.txt')).toMatchObject({
    status: 1,
    errors: [expect.stringMatching(/packed already.*labels/)],
  })
  expect(dynedge(['pack', at('state.safetensors'), ...shape, '--plan-threads'])).toMatchObject({
    status: 1,
    errors: [expect.stringMatching(/there is no --plan/)],
  })
  expect(dynedge(['pack', at('state.safetensors'), ...shape, '--plan', '32,'])).toMatchObject({
    status: 1,
    errors: [expect.stringMatching(/HEIGHTxWIDTH/)],
  })
})
