import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../../src/cli/decode.ts'
import { mergeFiles } from '../../src/cli/eval/merge.ts'
import { metricsOf } from '../../src/cli/eval/metrics.ts'
import type { Evaluation } from '../../src/cli/eval/result.ts'
import { stripes, writeClasses } from './eval-support.ts'
import { dynedge, json, LABELS, ROOT, temporary, writeBundleFile } from './support.ts'

const { at, folder, clean } = temporary()
const COUNTS = { cat: 5, dog: 3, ship: 4, frog: 2 }
const bundle = at('small.safetensors')
const pictures = at('pictures')
const whole = ['eval', bundle, pictures, '--workers', '2']

beforeAll(async () => {
  writeBundleFile(bundle, 'dy-mobile', 'f32')
  await writeClasses(pictures, COUNTS)
})
afterAll(clean)

const read = (name: string): Evaluation => JSON.parse(readFileSync(at(name), 'utf8'))
/** Standard error without the lines of the progress bar. */
const complaints = (errors: string[]) => errors.filter((line) => line.startsWith('dynedge: '))

test('--json and --predictions agree with the SDK, picture by picture', async () => {
  const found: Evaluation = json([...whole, '--predictions', at('rows.jsonl'), '--variant', 'simd'])
  expect(Object.keys(found)).toEqual([
    ...['format', 'version', 'bundle', 'variants', 'input', 'labels', 'folder', 'matching', 'shards', 'set'],
    ...['metrics', 'sums', 'timing', 'skipped', 'converted', 'worst'],
  ])
  const { load } = await import(pathToFileURL(`${ROOT}/dist/node.js`).href)
  const net = await load(bundle, { variant: 'simd' })
  const lines = readFileSync(at('rows.jsonl'), 'utf8').trim().split('\n')
  const rows = lines.map((line) => JSON.parse(line))
  expect(rows.map(({ file }) => file)).toEqual(
    ['cat', 'dog', 'frog', 'ship'].flatMap((name) =>
      Array.from({ length: COUNTS[name as keyof typeof COUNTS] }, (_, i) => `${name}/${i}.png`),
    ),
  )
  const confusion = LABELS.map(() => LABELS.map(() => 0))
  let loss = 0
  for (const { file, label, predicted, top } of rows) {
    const expected = await net.classify(await decode(`${pictures}/${file}`), { topK: 4 })
    expect(top).toEqual(
      expected.map(({ label, probability }: { label: string; probability: number }) => ({ label, probability })),
    )
    expect([label, predicted]).toEqual([file.split('/')[0], expected[0].label])
    confusion[LABELS.indexOf(label)][expected[0].index] += 1
    loss -= Math.log(top.find((one: { label: string }) => one.label === label).probability)
  }
  net.dispose()
  const { metrics, sums } = found
  const correct = confusion.reduce((sum, row, i) => sum + row[i], 0)
  expect(sums.confusion).toEqual(
    confusion.flatMap((row, i) => row.flatMap((images, j) => (images ? [[i, j, images]] : []))),
  )
  expect(metrics).toMatchObject({ images: 14, top1: { correct, share: correct / 14 }, top5: null })
  expect(metrics!.mean_loss).toBeCloseTo(loss / 14, 5)
  expect(found).toMatchObject({ variants: ['simd'], input: [32, 48], labels: LABELS, matching: 'by name', skipped: [] })
  expect(found.timing).toMatchObject({ workers: 2 })
  expect(found.timing.network_seconds).toBeGreaterThan(0)
  expect(found.timing.seconds).toBeGreaterThan(0)
  const wrong = rows.filter(({ label, predicted }) => label !== predicted)
  expect(found.worst.map(({ file }) => file)).toEqual(
    wrong.sort((a, b) => b.top[0].probability - a.top[0].probability).map(({ file }) => file),
  )
  expect(found.worst.length).toBeGreaterThan(0)
  expect(found.worst[0]).not.toHaveProperty('thumbnail')
})

test('For people: numbers, classes, matrix; a CSV that a spreadsheet reads', () => {
  const { status, stdout, errors } = dynedge([...whole, '--predictions', at('rows.csv'), '--size', '64'])
  expect([status, complaints(errors)]).toEqual([0, []])
  expect(stdout).toMatch(
    /^dy-mobile f32, variant \w+, input 64x64, 2 workers\n14 files in 4 classes, .*matched by name\n/,
  )
  expect(stdout).toMatch(/^top-1 +\d+\.\d\d % {2}95 % interval \d+\.\d\d % to \d+\.\d\d %, \d+ of 14$/m)
  expect(stdout).toMatch(/^calibration error +\d+\.\d\d %/m)
  expect(stdout).toMatch(/images\/s \(2 workers\); the network alone takes \d+\.\d\d ms/)
  expect(stdout).toMatch(/^ {2}frog +\d+\.\d % +\d of 2/m)
  expect(stdout).toMatch(/^ +cat {2}dog {2}ship {2}frog$/m)
  const [head, ...rows] = readFileSync(at('rows.csv'), 'utf8').trimEnd().split('\n')
  expect(head).toBe(`file,label,predicted,${[1, 2, 3, 4].map((i) => `label_${i},probability_${i}`).join(',')}`)
  expect(rows).toHaveLength(14)
  for (const row of rows) expect(row.split(',')).toHaveLength(11)
})

test('--limit takes from all classes; more workers than cores or pictures do no harm', () => {
  const found: Evaluation = json(['eval', bundle, pictures, '--limit', '7', '--workers', '6'])
  expect(found.set.files).toBe(7)
  expect(found.timing.workers).toBe(6)
  expect(found.metrics!.per_class.every(({ images }) => images > 0)).toBe(true)
})

describe('--shard and --merge', () => {
  const shards = ['1/3', '2/3', '3/3'].map((shard) => at(`part-${shard[0]}.json`))

  beforeAll(async () => {
    writeFileSync(`${pictures}/cat/broken.png`, 'no picture')
    writeFileSync(`${pictures}/ship/empty.jpg`, '')
    writeFileSync(`${pictures}/loose.png`, '')
    for (const [i, file] of shards.entries()) {
      const workers = `${(i % 2) + 1}`
      const { status } = dynedge([
        'eval',
        bundle,
        pictures,
        '--shard',
        `${i + 1}/3`,
        '--json',
        file,
        '--workers',
        workers,
      ])
      expect(status).toBe(0)
    }
  })

  test('together they are exactly the whole, whatever their order', () => {
    expect(dynedge([...whole, '--json', at('whole.json')]).status).toBe(0)
    const { timing, shards: have, ...expected } = read('whole.json')
    expect([expected.metrics!.images, expected.skipped.length]).toEqual([14, 3])
    expect(have).toEqual({ of: 1, have: [1] })
    const images = shards.map((file) => JSON.parse(readFileSync(file, 'utf8')).metrics.images)
    expect(images.every((count) => count > 3)).toBe(true)
    for (const order of [shards, [...shards].reverse()]) {
      expect(dynedge(['eval', '--merge', ...order, '--json', at('merged.json')]).status).toBe(0)
      const { timing: merged, shards, ...found } = read('merged.json')
      expect(found).toEqual(expected)
      expect(shards).toEqual({ of: 3, have: [1, 2, 3] })
      expect(merged.seconds).toBeGreaterThan(0)
    }
    expect(read('merged.json').worst[0].thumbnail).toMatch(/^data:image\/webp;base64,/)
    expect(timing.workers).toBe(2)
  })

  test('without --json, a part goes to a file named after it', () => {
    const ran = dynedge(['eval', bundle, pictures, '--shard', '4/20', '--workers', '1'], { cwd: folder })
    expect(ran.status).toBe(0)
    expect(ran.stdout).toMatch(/Written: eval-4-of-20\.json/)
    expect(read('eval-4-of-20.json').shards).toEqual({ of: 20, have: [4] })
    const empty = dynedge(['eval', bundle, pictures, '--shard', '20/20', '--workers', '1'], { cwd: folder })
    expect([empty.status, empty.stdout]).toEqual([0, expect.stringMatching(/This part has no pictures/)])
    expect(read('eval-20-of-20.json').metrics).toBeNull()
  })

  test('what does not belong together is refused', async () => {
    const altered = (name: string, change: (part: Evaluation) => object) => {
      const part = JSON.parse(readFileSync(shards[1], 'utf8'))
      writeFileSync(at(name), JSON.stringify({ ...part, ...change(part) }))
      return at(name)
    }
    const labels = [...LABELS].reverse()
    const other = altered('bundle.json', ({ bundle }) => ({ bundle: { ...bundle, sha256: 'f'.repeat(64) } }))
    const classes = altered('classes.json', ({ sums }) => ({ labels, metrics: metricsOf(sums, labels) }))
    const count = altered('count.json', ({ shards }) => ({ shards: { ...shards, of: 4 } }))
    const set = altered('set.json', ({ set }) => ({ set: { ...set, sha256: 'f'.repeat(64) } }))
    const size = altered('size.json', () => ({ input: [64, 64] }))
    const version = altered('version.json', () => ({ version: 2 }))
    const counts = altered('counts.json', ({ sums }) => ({ sums: { ...sums, top1: sums.top1 + 1 } }))
    const metrics = altered('metrics.json', ({ metrics }) => ({ metrics: { ...metrics, mean_loss: 0.1 } }))
    const timing = altered('timing.json', () => ({ timing: undefined }))
    writeFileSync(at('cut.json'), readFileSync(shards[1], 'utf8').slice(0, 1000))
    writeFileSync(at('other.json'), '{"format": "something"}')
    const [first, second, third] = shards
    const cases: [string[], RegExp][] = [
      [[first, third], /1 of 3 parts are missing: 2\/3; run them with --shard/],
      [[second], /2 of 3 parts are missing: 1\/3, 3\/3/],
      [[first, second, third, second], /Part 2\/3 is there twice: .*part-2\.json and .*part-2\.json/],
      [[first, other, third], /bundle\.json evaluates the bundle with SHA-256 ffffffffffff….*part-1\.json/],
      [
        [first, classes, third],
        /classes\.json has other classes: frog, ship, dog, cat, .*part-1\.json cat, dog, ship, frog;/,
      ],
      [[first, timing, third], /timing\.json: damaged: a part is missing/],
      [[first, count, third], /count\.json is of n = 4, .*part-1\.json 3; evaluate all parts with the same n/],
      [[first, set, third], /set\.json comes of a folder with other files: 17 .*same folder and --limit/],
      [[first, size, third], /size\.json has input 64x64, .* 32x48/],
      [[first, version, third], /version\.json has version 2, this program reads 1/],
      [[first, counts, third], /counts\.json: damaged: sums that do not add up/],
      [[first, metrics, third], /metrics\.json: damaged: metrics that do not follow/],
      [[first, at('cut.json'), third], /cut\.json: not JSON, or cut off/],
      [[first, at('other.json'), third], /other\.json: format is "something", expected a file written by dynedge eval/],
      [[first, at('gone.json')], /gone\.json: no such file/],
    ]
    for (const [files, words] of cases) await expect(mergeFiles(files), `${words}`).rejects.toThrow(words)
    const ran = dynedge(['eval', '--merge', first, third])
    expect(ran).toEqual({
      status: 1,
      stdout: '',
      errors: [expect.stringMatching(/^dynedge: 1 of 3 parts are missing/)],
    })
  })
})

test('Bad pictures are skipped, counted and listed; odd ones are converted, and listed as well', async () => {
  const odd = at('odd')
  await writeClasses(odd, { cat: 2, dog: 2 })
  await stripes(1, 200, 150).jpeg().toFile(`${odd}/cat/cut.jpg`)
  truncateSync(`${odd}/cat/cut.jpg`, 2000)
  writeFileSync(`${odd}/cat/text.jpg`, 'not a picture')
  writeFileSync(`${odd}/dog/empty.png`, '')
  mkdirSync(`${odd}/dog/folder.png`)
  await stripes(2).toColourspace('cmyk').jpeg().toFile(`${odd}/dog/print.jpg`)
  await stripes(3).toColourspace('rgb16').png().toFile(`${odd}/dog/deep.png`)
  const frames = await Promise.all([4, 5].map((seed) => stripes(seed).png().toBuffer()))
  await sharp(frames, { join: { animated: true } })
    .gif()
    .toFile(`${odd}/dog/moving.gif`)
  const { status, errors, stdout } = dynedge(['eval', bundle, odd, '--json'])
  const found: Evaluation = JSON.parse(stdout)
  expect(status).toBe(0)
  expect(found.metrics!.images).toBe(7)
  expect(found.skipped).toEqual([
    {
      file: 'cat/cut.jpg',
      reason: expect.stringMatching(/not a picture that can be read: (.*premature end|damaged or cut off)/i),
    },
    { file: 'cat/text.jpg', reason: expect.stringMatching(/not a picture that can be read/) },
    { file: 'dog/empty.png', reason: 'the file is empty' },
  ])
  expect(found.converted).toEqual([
    { file: 'dog/deep.png', changes: ['16 bits a channel, reduced to 8'] },
    { file: 'dog/moving.gif', changes: ['2 frames or pages, the first taken'] },
    { file: 'dog/print.jpg', changes: ['CMYK, converted to RGB'] },
  ])
  expect(complaints(errors)).toEqual([
    'dynedge: 3 files skipped:',
    ...found.skipped.map(({ file, reason }) => `dynedge: ${file}: ${reason}`),
    'dynedge: 3 files evaluated, but not as stored:',
    ...found.converted.map(({ file, changes }) => `dynedge: ${file}: ${changes[0]}`),
  ])
})

test('Nothing but bad pictures is an error', () => {
  for (const name of ['cat', 'dog']) {
    mkdirSync(at(`bad/${name}`), { recursive: true })
    writeFileSync(at(`bad/${name}/1.jpg`), 'not a picture')
  }
  const { status, errors } = dynedge(['eval', bundle, at('bad')])
  expect(status).toBe(1)
  expect(complaints(errors)).toEqual([
    expect.stringMatching(/none of 2 files could be evaluated, the first cat\/1\.jpg: /),
  ])
})

test('Folders matched by order: it says so', async () => {
  await writeClasses(at('letters'), { a: 1, b: 1, c: 1, d: 1 })
  const { status, errors, stdout } = dynedge(['eval', bundle, at('letters')])
  expect([status, complaints(errors)]).toEqual([
    0,
    [expect.stringMatching(/matched by sorted order, cat first\. Check that/)],
  ])
  expect(stdout).toMatch(/folders matched by sorted order, since no folder is called as a class/)
})

const errors: [args: string[], words: RegExp][] = [
  [['eval'], /missing required arguments 'bundle' and 'folder'/],
  [['eval', bundle], /missing required argument 'folder': dynedge eval .* FOLDER/],
  [['eval', at('none.safetensors'), pictures], /none\.safetensors: no such file/],
  [['eval', bundle, at('nowhere')], /nowhere: no such folder, expected a folder of images by class/],
  [['eval', bundle, `${pictures}/cat`], /has \d+ pictures, but no class folders.*dynedge run/],
  [['eval', bundle, pictures, '--shard', '0/3'], /'0\/3' is invalid. Expected I\/N with I from 1 to N/],
  [['eval', bundle, pictures, '--html', at('nowhere/x.html')], /nowhere\/x\.html cannot be written \(ENOENT\)/],
  [['eval', bundle, pictures, '--merge', 'a.json'], /--merge takes files of results and nothing else/],
  [['eval', '--limit', '5', '--merge', 'a.json'], /--limit says how to evaluate, --merge only adds results up/],
]

test.each(errors)('dynedge %j: one line, exit code 1', (args, words) => {
  const ran = dynedge(args)
  expect([
    ran.status,
    complaints(ran.errors).filter((line) => !/skipped|: (not a|the file is)|outside/.test(line)),
  ]).toEqual([1, [expect.stringMatching(words)]])
  expect(existsSync(at('nowhere'))).toBe(false)
})
