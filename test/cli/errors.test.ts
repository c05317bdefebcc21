import { truncateSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { relaxedSimd } from 'wasm-feature-detect'
import { drawing, dynedge, temporary, writeBundleFile } from './support.ts'

const { at, clean } = temporary()
const model = ['--model', at('small.safetensors')]

beforeAll(async () => {
  writeBundleFile(at('small.safetensors'), 'fix-mobile', 'w8')
  writeBundleFile(at('short.safetensors'), 'fix-mobile', 'w8')
  truncateSync(at('short.safetensors'), 100_000)
  writeFileSync(at('text.txt'), 'Not a bundle, but a text of some length.')
  await drawing(40, 30).png().toFile(at('photo.png'))
})
afterAll(clean)

const photo = at('photo.png')
const errors: [args: string[], words: RegExp][] = [
  [['run', photo, '--model', at('none.safetensors')], /none\.safetensors: no such file/],
  [['run', photo, '--model', at('.')], /is a directory/],
  [['run', photo, '--model', at('text.txt')], /not a safetensors file/],
  [['run', photo, '--model', at('short.safetensors')], /ends early: got 100000 bytes/],
  [['run', photo, ...model, '--size', '0'], /'0' is invalid.*1 to 8192/],
  [['run', photo, ...model, '--size', '12ab'], /'12ab' is invalid/],
  [['run', photo, ...model, '--size', '64x'], /'64x' is invalid/],
  [['run', photo, ...model, '--size', '9000'], /'9000' is invalid/],
  [['run', photo, ...model, '--top', '0'], /'0' is invalid/],
  [['run', photo, ...model, '--repeat', '-1'], /'-1' is invalid/],
  [['run', photo, ...model, '--variant', 'fast'], /Allowed choices are simd, relaxed/],
  [['run', ...model], /missing required argument 'pictures'/],
  [['run', photo, '--modle', 'x'], /unknown option '--modle'/],
  [['frob'], /unknown command 'frob'/],
  [['networks', 'resnet'], /No network is called "resnet"/],
  [['networks', 'dy-mobile', '--width', '-1'], /'-1' is invalid/],
  [['networks', 'dy-mobile', '--width', '99'], /width is 99/],
  [['inspect', at('none.safetensors')], /no such file/],
  [['inspect', at('text.txt')], /not a safetensors file/],
  [['unpack', at('small.safetensors')], /required option '-o, --output <file>'/],
  [['unpack', at('small.safetensors'), '-o', at('nowhere/x.safetensors')], /cannot be written \(ENOENT\)/],
  [['bench', '--networks', 'resnet'], /No network is called "resnet"/],
  [['bench', '--sizes', 'big'], /'big' is invalid/],
]

test.each(errors)('dynedge %j: one line, exit code 1', (args, words) => {
  const { status, stdout, errors } = dynedge(args)
  expect(errors).toEqual([expect.stringMatching(words)])
  expect(errors[0]).toMatch(/^dynedge: /)
  expect([status, stdout]).toEqual([1, ''])
})

test('With --json an error is one object as well', () => {
  const { status, stdout, errors } = dynedge(['run', photo, '--model', at('none.safetensors'), '--json'])
  expect(status).toBe(1)
  expect(errors).toHaveLength(1)
  expect(JSON.parse(stdout)).toEqual({ error: expect.stringMatching(/no such file/), code: 'not-found' })
})

test('A variant that the engine lacks', async () => {
  const { status, errors } = dynedge(['run', photo, ...model, '--variant', 'relaxed'])
  if (await relaxedSimd()) expect([status, errors]).toEqual([0, []])
  else expect([status, errors]).toEqual([1, [expect.stringMatching(/no relaxed SIMD/)]])
})

test('DYNEDGE_DEBUG shows where an error came from', () => {
  const { errors } = dynedge(['networks', 'resnet'], { env: { DYNEDGE_DEBUG: '1' } })
  expect(errors.join('\n')).toMatch(/\bat .*cli\.js|\bat .*chunk/)
})

test('Help and version', () => {
  expect(dynedge(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const help = dynedge(['--help'])
  expect(help.status).toBe(0)
  for (const name of ['run', 'pack', 'unpack', 'inspect', 'networks', 'bench']) {
    expect(help.stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
    const { status, stdout } = dynedge([name, '--help'])
    expect(status).toBe(0)
    expect(stdout).toContain('--json')
  }
  expect(dynedge([])).toMatchObject({ status: 1, stdout: '' })
})
