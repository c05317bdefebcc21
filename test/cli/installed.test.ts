import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeModelsPackage } from '../models-package/support.ts'
import { drawing, dynedge, ROOT, temporary, writeBundleFile } from './support.ts'

const { at, folder, clean } = temporary()
const cli = at('dist/cli.js')
const project = temporary()

// The package as npm installs it: no bench/, no sources, and no dynedge-models but where a test installs it.
beforeAll(async () => {
  cpSync(`${ROOT}/dist`, at('dist'), { recursive: true })
  copyFileSync(`${ROOT}/package.json`, at('package.json'))
  mkdirSync(at('node_modules'))
  for (const name of readdirSync(`${ROOT}/node_modules`))
    if (name !== 'dynedge-models' && !name.startsWith('.'))
      symlinkSync(`${ROOT}/node_modules/${name}`, at(`node_modules/${name}`), 'junction')
  await drawing(40, 30).png().toFile(at('photo.png'))
})
afterAll(() => {
  clean()
  project.clean()
})

const ranBy = (args: string[], cwd: string) => {
  const { status, stdout, errors } = dynedge(['run', at('photo.png'), ...args, '--json'], { cli, cwd })
  expect([status, errors]).toEqual([0, []])
  return JSON.parse(stdout)
}

test('Without --model and without dynedge-models, an error says what to install', () => {
  expect(dynedge(['run', 'photo.png'], { cli, cwd: folder })).toMatchObject({
    status: 1,
    errors: [expect.stringMatching(/dy-mobile-200 or dy-mobile-cifar10.*npm install dynedge-models/)],
  })
  expect(dynedge(['run', 'photo.png', '--model', 'dy-mobile-200'], { cli, cwd: folder })).toMatchObject({
    status: 1,
    errors: [expect.stringMatching(/dy-mobile-200: no such file, nor a network.*npm install dynedge-models/)],
  })
})

test('Networks of dynedge-models run by name, and without --model the best of them, from any folder', () => {
  writeModelsPackage(at('node_modules/dynedge-models'), { 'dy-mobile-cifar10': 'fix-mobile', other: 'shufflenetv2' })
  expect(ranBy([], '/')).toMatchObject({ network: 'fix-mobile', precision: 'w8', input: [32, 48] })
  expect(ranBy(['--model', 'other'], '/')).toMatchObject({ network: 'shufflenetv2', precision: 'w8' })
  expect(ranBy(['--model', 'other/f32'], '/')).toMatchObject({ network: 'shufflenetv2', precision: 'f32' })
  expect(JSON.parse(dynedge(['inspect', 'other', '--json'], { cli, cwd: '/' }).stdout)).toMatchObject({
    network: 'shufflenetv2',
    checksums: { sha256: true },
  })
  expect(dynedge(['run', at('photo.png'), '--model', 'dy-mobile-200'], { cli, cwd: '/' })).toMatchObject({
    status: 1,
    errors: [expect.stringMatching(/dy-mobile-200: no such file.*which has dy-mobile-cifar10, other;/)],
  })
})

test('The project that a user stands in has the first word, and a path is a path', () => {
  writeModelsPackage(project.at('node_modules/dynedge-models'), { 'dy-mobile-200': 'mobilenetv2' })
  expect(ranBy([], project.folder)).toMatchObject({ network: 'mobilenetv2' })
  writeBundleFile(project.at('dy-mobile-200'), 'fix-shuffle', 'w8')
  writeBundleFile(project.at('mine.safetensors'), 'fix-shuffle', 'w8')
  expect(ranBy(['--model', 'dy-mobile-200'], project.folder)).toMatchObject({ network: 'mobilenetv2' })
  expect(ranBy(['--model', './dy-mobile-200'], project.folder)).toMatchObject({ network: 'fix-shuffle' })
  expect(ranBy(['--model', 'mine.safetensors'], project.folder)).toMatchObject({ network: 'fix-shuffle' })
})

test('bench times dynedge alone', () => {
  const args = [
    'bench',
    '--networks',
    'shufflenetv2',
    '--sizes',
    '32,64',
    '--precisions',
    'w8',
    '--variants',
    'simd',
    '--seconds',
    '0.1',
    '--html',
    at('report.html'),
    '--json',
  ]
  const { status, stdout } = dynedge(args, { cli })
  expect(status).toBe(0)
  const { machine, engine, rows } = JSON.parse(stdout)
  expect(machine.cores).toBeGreaterThan(0)
  expect(engine.node).toBe(process.version)
  expect(rows).toHaveLength(2)
  for (const [index, size] of [32, 64].entries()) {
    expect(rows[index]).toMatchObject({
      runtime: 'dynedge',
      network: 'shufflenetv2',
      precision: 'w8',
      variant: 'simd',
      threads: 1,
      size,
    })
    expect(rows[index].ms.min).toBeGreaterThan(0)
    expect(rows[index].ms.median).toBeGreaterThanOrEqual(rows[index].ms.min)
  }
  const page = readFileSync(at('report.html'), 'utf8')
  expect(page).toContain(`<td class="number">${rows[0].ms.min.toFixed(2)}</td>`)
  const drawn = JSON.parse(/id="charts">(.*?)<\/script>/.exec(page)![1])
  expect(drawn).toMatchObject([{ kind: 'lines', labels: [32, 64], series: [{ name: 'shufflenetv2, dynedge' }] }])
  // Nothing is fetched from anywhere.
  expect(page).not.toMatch(/<(link|script|img)[^>]+(src|href)="(?!data:)/)
  expect(
    dynedge(['bench', '--html', at('nowhere/x.html'), '--seconds', '0.1', '--networks', 'shufflenetv2'], { cli }),
  ).toMatchObject({
    status: 1,
    errors: expect.arrayContaining([expect.stringMatching(/nowhere\/x\.html cannot be written \(ENOENT\)/)]),
  })
  expect(dynedge(['bench', '--peers', 'onnxruntime-web'], { cli })).toMatchObject({
    status: 1,
    errors: ['dynedge: bench does not know --peers outside of a checkout.'],
  })
})
