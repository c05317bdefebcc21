import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogitSums } from '../../src/cli/compare/logits.ts'
import { decode } from '../../src/cli/decode.ts'
import { randomFrom } from '../helpers/wasm.ts'
import { stripes, writeClasses } from './eval-support.ts'
import { dynedge, json, LABELS, ROOT, SMALL, temporary, writeBundleFile, writeIntegerBundle } from './support.ts'

const { at, clean } = temporary()
const COUNTS = { cat: 3, dog: 2, ship: 2, frog: 2 }
const [f32, w8] = [at('f32.safetensors'), at('w8.safetensors')]
const pictures = at('pictures')
const compared = (...more: string[]) => ['compare', f32, w8, '--seconds', '0.05', '--variant', 'simd', ...more]

beforeAll(async () => {
  writeBundleFile(f32, 'dy-mobile', 'f32')
  writeBundleFile(w8, 'dy-mobile', 'w8')
  await writeClasses(pictures, COUNTS)
})
afterAll(clean)

/** Standard error without the lines of the progress bar. */
const complaints = (errors: string[]) => errors.filter((line) => line.startsWith('dynedge: '))

test('--json agrees with the SDK, picture by picture', async () => {
  const found = json(compared('--images', pictures))
  const { load } = await import(pathToFileURL(`${ROOT}/dist/node.js`).href)
  const nets = [await load(f32, { variant: 'simd' }), await load(w8, { variant: 'simd' })]
  const right = [0, 0]
  let [same, largest, differences, sizes, squares, noise] = [0, 0, 0, 0, 0, 0]
  for (const [name, count] of Object.entries(COUNTS))
    for (let i = 0; i < count; ++i) {
      const pixels = await decode(`${pictures}/${name}/${i}.png`)
      const [a, b] = [
        await nets[0].classifyFully(pixels, { topK: 1 }),
        await nets[1].classifyFully(pixels, { topK: 1 }),
      ]
      if (a.top[0].index === b.top[0].index) ++same
      for (const [side, { top }] of [a, b].entries()) if (top[0].label === name) ++right[side]
      a.outputs.logits.forEach((x: number, k: number) => {
        const difference = Math.abs(x - b.outputs.logits[k])
        largest = Math.max(largest, difference)
        differences += difference
        sizes += Math.abs(x)
        squares += x * x
        noise += difference * difference
      })
    }
  expect(found).toMatchObject({ files: 9, images: 9, matching: 'by name', skipped: [] })
  expect(found.same).toEqual({ count: same, share: same / 9 })
  expect([found.a.top1.correct, found.b.top1.correct]).toEqual(right)
  expect(largest).toBeGreaterThan(0)
  expect(found.logits.max).toBeCloseTo(largest, 9)
  expect(found.logits.mean_relative).toBeCloseTo(differences / sizes, 9)
  expect(found.logits.sqnr_db).toBeCloseTo(10 * Math.log10(squares / noise), 6)
  for (const [side, net] of nets.entries()) {
    const half = [found.a, found.b][side]
    expect(half).toMatchObject({
      file: [f32, w8][side],
      network: 'dy-mobile',
      precision: ['f32', 'w8'][side],
      variant: 'simd',
      input: [32, 48],
      arena_bytes: net.describe().arenaBytes,
    })
    expect(half.ms.min).toBeGreaterThan(0)
    expect(half.ms.median).toBeGreaterThanOrEqual(half.ms.min)
    net.dispose()
  }
  expect(found.b.bytes).toBeLessThan(found.a.bytes)
})

test('f32 beside int8: a quarter of the room, answers that are alike', async () => {
  const int8 = at('int8.safetensors')
  await writeIntegerBundle(int8, 'dy-mobile')
  const found = json(['compare', f32, int8, '--images', pictures, '--seconds', '0.05'])
  expect(found.b.precision).toBe('int8')
  expect(found.b.arena_bytes / found.a.arena_bytes).toBeLessThan(0.4)
  expect(found.b.bytes).toBeLessThan(found.a.bytes)
  expect(found.logits.correlation).toBeGreaterThan(0.9)
  expect(found.logits.max).toBeGreaterThan(0)
})

test('For people: both, their ratios, a bundle beside itself', () => {
  const { stdout, status } = dynedge(['compare', f32, f32, '--images', pictures, '--seconds', '0.05', '--limit', '4'])
  expect(status).toBe(0)
  expect(stdout).toMatch(/^a +\S+ +dy-mobile f32 +variant \w+ +input 32x48$/m)
  expect(stdout).toMatch(/^4 files of .*, classes by name$/m)
  expect(stdout).toMatch(/^bundle .* 1\.00x$/m)
  expect(stdout).toMatch(/^top-1 .* \+0\.00 points$/m)
  expect(stdout).toMatch(/^same answer +100\.00 %, 4 of 4 pictures$/m)
  expect(stdout).toMatch(/^logits +the same$/m)
})

test('Pictures in no classes are compared all the same, unreadable ones are skipped and counted', async () => {
  const loose = at('loose')
  mkdirSync(`${loose}/deeper`, { recursive: true })
  for (const [seed, name] of ['a.png', 'deeper/b.png', 'cut.png'].entries())
    await stripes(seed).png().toFile(`${loose}/${name}`)
  truncateSync(`${loose}/cut.png`, 60)
  writeFileSync(`${loose}/empty.jpg`, '')
  const ran = dynedge([...compared('--images', loose), '--json'])
  const found = JSON.parse(ran.stdout)
  expect(ran.status).toBe(0)
  expect(found).toMatchObject({ files: 4, images: 2, matching: null, a: { top1: null }, b: { top1: null } })
  expect(found.skipped).toEqual([
    { file: 'cut.png', reason: expect.stringContaining('not a picture') },
    { file: 'empty.jpg', reason: 'the file is empty' },
  ])
  expect(complaints(ran.errors)[0]).toBe('dynedge: 2 files skipped:')
})

test('What cannot be compared is refused by name', async () => {
  const refused = (args: string[]) => {
    const { status, errors } = dynedge([...args, '--seconds', '0.05'])
    expect(status).toBe(1)
    return complaints(errors)
  }
  const [fewer, none, bad] = [at('fewer.safetensors'), at('none'), at('bad')]
  writeBundleFile(fewer, 'dy-mobile', 'f32', { ...SMALL, classes: 4, width: 0.5 }, ['cat', 'dog', 'boat', 'frog'])
  expect(refused(['compare', f32, fewer, '--images', pictures])).toEqual([
    expect.stringMatching(/Class 2 of .* is called ship, of .* boat, expected the same/),
  ])
  writeBundleFile(fewer, 'dy-mobile', 'f32', { ...SMALL, classes: 3 }, LABELS.slice(0, 3))
  expect(refused(['compare', f32, fewer, '--images', pictures])).toEqual([
    expect.stringMatching(/has 4 classes and .* has 3, expected the same/),
  ])
  expect(refused(['compare', f32, w8, '--images', at('nowhere')])).toEqual([expect.stringContaining('no such folder')])
  mkdirSync(none)
  expect(refused(['compare', f32, w8, '--images', none])).toEqual([expect.stringContaining('has no pictures')])
  mkdirSync(bad)
  writeFileSync(`${bad}/1.png`, 'no picture')
  expect(refused(['compare', f32, w8, '--images', bad])).toEqual([
    expect.stringMatching(/none of 1 files could be evaluated, the first 1.png: not a picture/),
  ])
  expect(refused(['compare', f32, at('gone'), '--images', pictures])).toEqual([expect.stringContaining('no such file')])
  expect(refused(['compare', f32, '--images', pictures])).toEqual([
    expect.stringContaining("missing required argument 'b'"),
  ])
  expect(refused(['compare', f32, w8])).toEqual([expect.stringContaining("'--images <folder>' not specified")])
})

test('Logit errors: sums over pictures are those of all logits at once', () => {
  const random = randomFrom(7)
  const a = Float32Array.from({ length: 300 }, () => random() * 8 - 4)
  const b = a.map((value) => value + random() - 0.4)
  const sums = new LogitSums()
  for (let from = 0; from < a.length; from += 50) sums.add(a.subarray(from, from + 50), b.subarray(from, from + 50))
  const whole = new LogitSums()
  whole.add(a, b)
  const found = sums.error()
  expect(found.max).toBe(whole.error().max)
  expect(found.correlation).toBeCloseTo(whole.error().correlation!, 12)
  expect(found.correlation).toBeGreaterThan(0.95)
  const noise = a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0)
  expect(found.sqnr_db).toBeCloseTo(10 * Math.log10(a.reduce((sum, value) => sum + value * value, 0) / noise), 9)
  const flat = new LogitSums()
  flat.add(new Float32Array(4), Float32Array.of(1, 1, 1, 1))
  expect(flat.error().correlation).toBeNull()
  const equal = new LogitSums()
  equal.add(a, a)
  expect(equal.error()).toMatchObject({ max: 0, mean_relative: 0, sqnr_db: null, correlation: expect.closeTo(1, 12) })
})
