import { execFile } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureEngines, install } from '../../tools/engines.mjs'
import { ROOT } from '../cli/support.ts'
import { installPacked, linkDependencies, linkPackage } from '../helpers/packed.ts'
import { type Served, serveFolder } from '../models-package/serve.ts'

// The packed package in this Node, in every other one that is kept up, in Deno and in Bun: each loads a bundle in every way and gives
// the same integers. npm has them for x64 Linux; elsewhere this Node is all.
const HERE = join(ROOT, 'test', 'runtimes')
const at = (...path: string[]) => join(HERE, 'node_modules', ...path)
const isFetched = process.platform === 'linux' && process.arch === 'x64'
const folder = mkdtempSync(join(tmpdir(), 'dynedge-runtimes-'))
let server: Served
/** Every answer but `missing` has these. */
let expected: { top: unknown[]; digest: string }

const RUNTIMES: Record<string, () => string[]> = {
  'this Node': () => [process.execPath],
  ...(isFetched && {
    'Node 20': () => [at('node-20-linux-x64', 'bin', 'node')],
    'Node 22': () => [at('node-22-linux-x64', 'bin', 'node')],
    'Node 24': () => [at('node-24-linux-x64', 'bin', 'node')],
    'Node 26, or this one where it has relaxed SIMD': () => [ensureEngines()!],
    Deno: () => [at('@deno', 'linux-x64-glibc', 'deno'), 'run', '--allow-read', '--allow-net'],
    Bun: () => [at('@oven', 'bun-linux-x64-baseline', 'bin', 'bun')],
  }),
}

beforeAll(async () => {
  if (isFetched) install(HERE)
  installPacked(folder, 'dynedge')
  linkDependencies(folder)
  linkPackage(join(ROOT, 'models'), folder, 'dynedge-models')
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  copyFileSync(join(HERE, 'app.js'), join(folder, 'app.js'))
  server = await serveFolder(join(ROOT, 'models', 'dynedge-models', 'dy-mobile-cifar10'))
  const { here } = await answersOf([process.execPath])
  expected = { top: here.top, digest: here.digest }
}, 600_000)
afterAll(() => {
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

type Answers = Record<string, { top: unknown[]; digest: string; variant: string; threads: number }>

async function answersOf([command, ...flags]: string[]): Promise<Answers> {
  const app = ['app.js', `${server.origin}/dy-mobile-cifar10.int8.safetensors`]
  // A process that networks keep alive is ended, which is an error.
  const { stdout } = await promisify(execFile)(command, [...flags, ...app], { cwd: folder, timeout: 150_000 })
  return JSON.parse(stdout)
}

test('there is something to compare with', () => {
  expect(expected.top).toHaveLength(5)
  expect(expected.digest).toMatch(/^[0-9a-f]{64}$/)
})

describe.each(Object.entries(RUNTIMES))('%s', (_, command) => {
  test('classifies from a file, an address and bytes, in a worker, with threads and inline, and ends by itself', async () => {
    const answers = await answersOf(command())
    const { variant } = answers.here
    expect(variant).toMatch(/^(simd|relaxed)$/)
    const one = { ...expected, variant, threads: 1 }
    expect(answers).toEqual({
      here: one,
      served: one,
      bytes: one,
      worker: one,
      threads: { ...one, threads: 2 },
      both: { ...one, threads: 2 },
      inline: { ...one, variant: 'simd' },
      missing: { code: 'not-found', message: expect.stringContaining('nothing.safetensors: no such file') },
    })
  }, 180_000)
})
