import { copyFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEFAULT_MODEL } from '../../src/cli/package.ts'
import { drawing, dynedge, ROOT, temporary, writeBundleFile } from './support.ts'

const { at, folder, clean } = temporary()
const cli = at('dist/cli.js')

// The package as npm installs it: no bench/, no sources.
beforeAll(async () => {
  cpSync(`${ROOT}/dist`, at('dist'), { recursive: true })
  copyFileSync(`${ROOT}/package.json`, at('package.json'))
  symlinkSync(`${ROOT}/node_modules`, at('node_modules'), 'junction')
  mkdirSync(at('models/dy-mobile-cifar10'), { recursive: true })
  await drawing(40, 30).png().toFile(at('photo.png'))
})
afterAll(clean)

test('Without --model, the network of the package runs, from any folder', () => {
  expect(dynedge(['run', 'photo.png'], { cli, cwd: folder }).errors).toEqual([
    expect.stringContaining(`${DEFAULT_MODEL}: no such file`),
  ])
  writeBundleFile(at(DEFAULT_MODEL), 'fix-mobile', 'w8')
  const { status, stdout, errors } = dynedge(['run', at('photo.png'), '--json'], { cli, cwd: '/' })
  expect([status, errors]).toEqual([0, []])
  expect(JSON.parse(stdout)).toMatchObject({ network: 'fix-mobile', precision: 'w8', input: [32, 48] })
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
  expect(dynedge(['bench', '--peers', 'onnxruntime-web'], { cli })).toMatchObject({
    status: 1,
    errors: ['dynedge: bench does not know --peers outside of a checkout.'],
  })
})
