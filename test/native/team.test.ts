import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Header, MAX_THREADS, Step, Tensor } from '../../assembly/program/format.ts'
import { addPrograms } from '../../src/host/programs.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { packBundle } from '../../src/pack/pack.ts'
import { digestOf, goldenNetwork, goldenPicture, readGolden } from '../golden/int8.ts'
import { INPUT, integerBundle, seededBundle, seededTensor } from '../helpers/bundles.ts'
import { built, NATIVE, started, TARGETS, type Target, temporary } from './support.ts'

const folder = temporary()
afterAll(folder.clean)

const graph = buildNetwork('dy-mobile', { width: 0.25, classes: 4, kernels: 2 })
const shuffled = buildNetwork('dy-shuffle', { width: 0.5, classes: 10 })
const several = (bundle: Uint8Array) =>
  addPrograms(bundle, [
    [32, 32],
    [64, 48],
    [37, 50],
  ])
const bundles = {
  f32: folder.write('f32.safetensors', several(seededBundle(graph, 'f32', null))),
  w8: folder.write('w8.safetensors', several(seededBundle(shuffled, 'w8', null))),
  int8: folder.write('int8.safetensors', several(integerBundle(graph))),
}
/** Runs a program of a target, which is built once. */
const programs = new Map<Target, string>()
function run(target: Target, program: string, ...args: string[]): string[] {
  if (!programs.has(target)) programs.set(target, built(target))
  return started(target, join(programs.get(target)!, program), args)
}
const team = (target: Target, ...args: string[]) => run(target, 'dynedge-team', ...args)

describe.each([TARGETS['x86-64'], TARGETS.arm64] as Target[])('$name', (target) => {
  beforeAll(() => void programs.set(target, built(target)), 600_000)
  const host = (...args: string[]) => run(target, 'dynedge-host', ...args)

  test.each(['dy-shuffle.json', 'mobilenetv2.json'])('%s: int8 digests with three threads', async (file) => {
    const golden = readGolden(file)
    const { graph: integers, state } = goldenNetwork(golden)
    const about = { input: { ...INPUT }, labels: null, quantization: null, provenance: {}, licence: null }
    const size: [number, number] = [golden.height, golden.width]
    const path = folder.write('golden.safetensors', addPrograms(packBundle(integers, state, 'int8', about), [size]))
    for (const { seed, digest } of golden.pictures) {
      const picture = folder.write('golden.f32', goldenPicture(golden, seed))
      host(path, '-threads', '3', 'tensor', picture, 'run', 'read', folder.at('golden.out'))
      expect(await digestOf(folder.floats('golden.out').slice(0, integers.classes))).toBe(digest)
    }
  })

  test('dy-mobile f32 at 96x80: the bits of one thread', () => {
    const path = folder.write(
      'wide.safetensors',
      addPrograms(seededBundle(buildNetwork('dy-mobile'), 'f32', null), [[96, 80]]),
    )
    const picture = folder.write('wide.f32', seededTensor(96, 80).data)
    const [one, four] = ['1', '4'].map((threads) => {
      host(path, '-threads', threads, 'tensor', picture, 'run', 'read', folder.at(`${threads}.out`))
      return readFileSync(folder.at(`${threads}.out`))
    })
    expect(four.equals(one)).toBe(true)
  })

  test.each(Object.entries(bundles))('%s: size after size, step by step, ended early: the bits of one', (_, path) => {
    for (const threads of ['2', '5']) expect(team(target, path, threads, 'equal', '15')).toEqual(['equal 15: equal'])
  })
})

describe.each([TARGETS.sanitized, TARGETS.racing] as Target[])('$name', (target) => {
  beforeAll(() => void programs.set(target, built(target)), 600_000)

  test.each(Object.entries(bundles))('%s: whatever happens, the bits of one thread', (_, path) => {
    expect(team(target, path, '3', 'equal', '10', 'trap', '6')).toEqual(['equal 10: equal', 'trap 6: equal'])
  })

  test('a hundred networks come and go', () => {
    expect(team(target, bundles.int8, '4', 'networks', '100')).toEqual(['networks 100: equal'])
  })

  test('more threads than cores, on a busy machine; fewer than asked for; none', () => {
    expect(team(target, bundles.f32, String(MAX_THREADS), 'busy', '6', 'given', '2', 'given', '0')).toEqual([
      'busy 6: equal',
      'threads 3: given 2: equal',
      'threads 1: given 0: equal',
    ])
  })
})

test('threads are 0 to 16, or one for each core', () => {
  const host = (threads: string) => run(TARGETS['x86-64'], 'dynedge-host', bundles.f32, '-threads', threads, 'about')
  for (const [asked, got] of [
    ['0', '1'],
    ['1', '1'],
    ['16', '16'],
    ['auto', '[1-4]'],
  ])
    expect(host(asked)[0]).toMatch(new RegExp(`memory \\d+ threads ${got} instructions`))
  expect(host('17')).toEqual(['error bad-input: threads is 17, expected 1 to 16, 0 or DYNEDGE_EACH_CORE'])
  const memory = (threads: string) => Number(/memory (\d+)/.exec(host(threads)[0])![1])
  // Scratch for each, and what a team needs.
  expect(memory('3') - memory('2')).toBeGreaterThanOrEqual(16_384)
  expect(memory('3') - memory('2')).toBeLessThan(17_500)
  expect(memory('2') - memory('1')).toBeLessThan(32_768)
})

test('a build without threads needs a few functions of the C library, and runs one', () => {
  const cc = ['gcc', '-std=gnu11', '-O1', '-ffp-contract=off', '-march=x86-64-v2']
  const include = ['include', 'src', 'generated'].map((name) => `-I${join(NATIVE, name)}`)
  const sources = readdirSync(join(NATIVE, 'src'))
    .filter((name) => name.endsWith('.c') && name !== 'handle.c')
    .map((name) => join(NATIVE, 'src', name))
  const object = folder.at('alone.o')
  execFileSync(cc[0], [...cc.slice(1), ...include, '-r', '-o', object, ...sources])
  const needed = [...execFileSync('nm', ['-u', object], { encoding: 'utf8' }).matchAll(/ U (\w+)/g)]
    .map(([, name]) => name)
    .filter((name) => !/^(w2c_|wasm2c_)/.test(name))
  const known = [
    '_GLOBAL_OFFSET_TABLE_',
    '__tls_get_addr',
    '__longjmp_chk',
    '__stack_chk_fail',
    '_setjmp',
    'setjmp',
    'longjmp',
    'abort',
    'malloc',
    'free',
  ]
  expect(needed.filter((name) => !known.includes(name) && !/^(mem|str)\w+$/.test(name))).toEqual([])
  expect(needed).toContain('malloc')
  const program = folder.at('alone')
  const kernels = join(programs.get(TARGETS['x86-64']) ?? built(TARGETS['x86-64']), 'libdynedge.a')
  const host = join(NATIVE, 'test', 'host.c')
  // Of the archive only the kernels are taken: all else is there already.
  execFileSync(cc[0], [...cc.slice(1), ...include, host, object, kernels, '-lm', '-o', program])
  expect(started(TARGETS['x86-64'], program, [bundles.f32, '-threads', '4', 'about'])[0]).toMatch(
    / threads 1 instructions/,
  )
})

test('program.h, team.h and the module say the same numbers', () => {
  const [program, header] = ['program.h', 'team.h'].map((name) => readFileSync(join(NATIVE, 'src', name), 'utf8'))
  const words = Object.fromEntries(
    [...program.matchAll(/^ {2}(\w+) = (\d+),$/gm)].map(([, name, value]) => [name, Number(value)]),
  )
  expect(words).toEqual({
    HEADER_BYTES: Header.Bytes,
    HEADER_TENSORS: Header.Tensors,
    HEADER_WORDS: Header.Words,
    TENSOR_RECORD_WORDS: Tensor.Words,
    STEP_UNITS: Step.Units,
    STEP_OUT_AT: Step.OutAt,
    STEP_GRAIN: Step.Grain,
    STEP_BESIDE: Step.Beside,
    STEP_WORDS: Step.Words,
  })
  expect(header).toContain(`enum { MAX_THREADS = ${MAX_THREADS} };`)
})
