import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { catalogue, readModels } from '../../models/dynedge-models/catalogue.ts'
import { wilson } from '../../models/dynedge-models/model.ts'
import { LABELS, temporary } from '../cli/support.ts'
import { FACTS, PACKAGE, writeCatalogue, writeEmptyPackage, writeModel } from './support.ts'

describe('the package in the repository', () => {
  // Reading a network computes the SHA-256 of its bundles and wants its card, log and curve.
  const models = readModels(PACKAGE)
  const files = catalogue(PACKAGE)

  test.each([...files.keys()])('%s is what `npm run -w dynedge-models catalogue` writes', (path) => {
    expect(readFileSync(join(PACKAGE, path), 'utf8')).toBe(files.get(path))
  })

  test.each(models)('$name: its card names it, its accuracy and its data', ({ name, bundles }) => {
    const card = readFileSync(join(PACKAGE, name, 'README.md'), 'utf8')
    const { accuracy, licence, bytes } = bundles[0].info
    expect(card).toMatch(new RegExp(`^# ${name}\n`))
    expect(card).toContain((accuracy.top1 * 100).toFixed(2))
    expect(card).toContain(accuracy.data.split(',')[0])
    expect(licence).toBe('MIT')
    expect(bytes).toBeLessThan(20e6)
  })

  test('Every path that package.json promises is there', () => {
    const { exports, files } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
    const targets = Object.values(exports as Record<string, string | Record<string, string>>)
      .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
      .map((path) => path.slice(2))
    for (const path of [...targets, ...files.filter((path: string) => !path.includes('*'))])
      expect(existsSync(join(PACKAGE, path)), path).toBe(true)
    for (const path of targets) if (path !== 'package.json') expect(files).toContain(path)
  })
})

describe('a network more', () => {
  const { folder, at, clean } = temporary()
  beforeEach(() => {
    rmSync(folder, { recursive: true })
    writeEmptyPackage(folder)
    writeModel(folder, 'one', 'dy-mobile')
  })
  afterAll(clean)

  const packageJson = () => JSON.parse(readFileSync(at('package.json'), 'utf8'))

  test('is an entry, with its facts', async () => {
    writeCatalogue(folder)
    expect(Object.keys(packageJson().exports)).toEqual([
      '.',
      './one',
      './one/one.w8.safetensors',
      './one/f32',
      './one/one.f32.safetensors',
      './package.json',
    ])
    const w8 = await import(at('one/index.js'))
    const f32 = await import(at('one/f32.js'))
    expect(w8.default).toMatch(/^file:.*one\.w8\.safetensors$/)
    expect(f32.default).toMatch(/^file:.*one\.f32\.safetensors$/)
    expect(w8.labels).toEqual(LABELS)
    const { name, network, width, kernels, classes, input, accuracy } = w8.info
    expect({ name, network, width, kernels, classes, input }).toEqual({
      name: 'one',
      network: 'dy-mobile',
      width: 0.25,
      kernels: 2,
      classes: 4,
      input: [32, 48],
    })
    expect(accuracy).toEqual({ top1: 0.25, top5: 1, interval: wilson(100, 400), images: 400, data: 'nothing' })
    expect(f32.info.accuracy.top1).toBe(101 / 400)
    expect(f32.info.bytes).toBeGreaterThan(w8.info.bytes)
    expect((await import(at('index.js'))).networks).toEqual([w8.info])
  })

  test('which is a control is in the table, not in the package', () => {
    writeModel(folder, 'control', 'fix-mobile', { ...FACTS, npm: false })
    writeCatalogue(folder)
    expect(JSON.stringify(packageJson())).not.toContain('control')
    expect(readFileSync(at('README.md'), 'utf8')).toMatch(
      /\| \[control\].*\| no, a control \|\n\| \[one\].*\| w8, f32 \|/,
    )
  })

  test('writes nothing new the second time', () => {
    writeCatalogue(folder)
    for (const [path, text] of catalogue(folder)) expect(readFileSync(at(path), 'utf8')).toBe(text)
  })

  const faults: [what: string, spoil: () => void, message: RegExp][] = [
    ['no card', () => rmSync(at('one/README.md')), /one\/README\.md is missing/],
    ['no w8 bundle', () => rmSync(at('one/one.w8.safetensors')), /one\.w8\.safetensors is missing/],
    ['one flipped bit in the weights', () => flip(at('one/one.w8.safetensors')), /SHA-256 of its data is/],
    ['f32 weights in the name of w8', () => swap(), /its precision is f32, expected w8/],
    ['facts that are no JSON', () => writeFileSync(at('one/model.json'), '{'), /model\.json is not JSON/],
    ['facts without numbers', () => facts({ npm: true }), /expected "evaluated"/],
    ['more right answers than pictures', () => facts(evaluated({ w8: 401, f32: 1 })), /401 right answers for 400/],
    ['a bundle that was not evaluated', () => facts(evaluated({ w8: 400 })), /how many the f32 bundle has right/],
    ['a README without its marks', () => writeFileSync(at('README.md'), '# models\n'), /no line <!-- catalogue -->/],
  ]
  test.each(faults)('%s is refused by name', (_, spoil, message) => {
    spoil()
    expect(() => catalogue(folder)).toThrow(message)
  })

  const facts = (json: object) => writeFileSync(at('one/model.json'), JSON.stringify(json))
  const evaluated = (top1: object) => ({ npm: true, evaluated: { ...FACTS.evaluated, top1 } })
  const flip = (path: string) => {
    const bytes = readFileSync(path)
    bytes[bytes.length - 100] ^= 1
    writeFileSync(path, bytes)
  }
  const swap = () => writeFileSync(at('one/one.w8.safetensors'), readFileSync(at('one/one.f32.safetensors')))
})

test("Wilson's interval: values worked out apart from it", () => {
  expect(wilson(8350, 10_000)).toEqual([0.8276, 0.8421])
  expect(wilson(0, 10)).toEqual([0, 0.2775])
  expect(wilson(10, 10)).toEqual([0.7225, 1])
})
