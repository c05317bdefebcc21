import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { install } from '../../tools/engines.mjs'
import { openBrowser } from '../browser/page.ts'
import { ROOT } from '../cli/support.ts'
import { installPacked, linkDependencies, linkPackage } from '../helpers/packed.ts'
import { type Served, serveFolder } from '../models-package/serve.ts'

// A tiny app for each bundler: the packed packages, its own build for production, a page that classifies in every way.
const HERE = join(ROOT, 'test', 'bundlers')
const NEXT = join(HERE, 'next')
/** Beside the packages of Next.js, which takes none from outside of its root. */
const NEXT_BUILD = join(NEXT, 'build')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dynedge-bundlers-')))

const BINS = [HERE, ROOT].map((folder) => join(folder, 'node_modules', '.bin'))

const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}
const POLICY = { 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'" }

interface Answer {
  top: { label: string; probability: number }[]
  named: boolean
  variant: string
  threads: number
}

let ofNode: Record<string, Answer>
let page: Page
let complaints: string[]
let close: () => Promise<void>
const servers: Served[] = []

beforeAll(async () => {
  install(HERE)
  installPacked(folder, 'dynedge', 'dynedge-models')
  linkDependencies(folder)
  for (const name of ['rollup', 'webpack', '@rollup/plugin-node-resolve', '@web/rollup-plugin-import-meta-assets'])
    linkPackage(join(HERE, 'node_modules'), folder, name)
  for (const name of ['vite', 'esbuild']) linkPackage(join(ROOT, 'node_modules'), folder, name)
  copyFileSync(join(HERE, 'app', 'answers.js'), join(folder, 'answers.js'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const script = "import { answers } from './answers.js'; console.log(JSON.stringify(await answers()))"
  const flags = ['--input-type=module', '--eval', script]
  ofNode = JSON.parse(execFileSync(process.execPath, flags, { cwd: folder, encoding: 'utf8' }))
  ;({ page, complaints, close } = await openBrowser())
}, 600_000)

afterAll(async () => {
  await close?.()
  for (const server of servers) server.close()
  for (const built of [folder, NEXT_BUILD]) rmSync(built, { recursive: true, force: true })
})

/** What the page of a built app says, served with `headers`. */
async function answersOf(built: string, headers: Record<string, string>): Promise<Record<string, Answer>> {
  const server = await serveFolder(built, headers)
  servers.push(server)
  complaints.length = 0
  await page.goto(`${server.origin}/`)
  await page.waitForFunction('globalThis.answers', { timeout: 30_000 }).catch(async (cause: Error) => {
    const shown = await page.evaluate('document.body.innerText')
    throw new Error(`${cause.message}; the page says: ${[shown, ...complaints].join('; ')}`)
  })
  expect(complaints).toEqual([])
  return page.evaluate('globalThis.answers') as Promise<Record<string, Answer>>
}

/** In an isolated page all are as in Node, where the engine is the same; integers anyway. */
function expectAll(answers: Record<string, Answer>): void {
  const { top, named } = ofNode.here
  expect(answers).toEqual({
    here: { top, named, variant: 'relaxed', threads: 1 },
    worker: { top, named, variant: 'relaxed', threads: 1 },
    threads: { top, named, variant: 'relaxed', threads: 2 },
    inline: { top, named, variant: 'simd', threads: 1 },
  })
}

/** Builds the app in `at` as its author would. */
const build = (at: string) =>
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: at,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: [...BINS, process.env.PATH].join(delimiter), NEXT_TELEMETRY_DISABLED: '1' },
    shell: process.platform === 'win32',
  })

const weightsOf = (built: string) =>
  readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.safetensors'))

test('Node answers, here, in a worker and with threads', () => {
  const { here, worker, threads } = ofNode
  expect(here).toMatchObject({ named: true, threads: 1 })
  expect(here.top.length).toBeGreaterThan(1)
  expect(here.top[0].probability).toBeGreaterThan(here.top[1].probability)
  expect(worker).toEqual(here)
  expect(threads).toEqual({ ...here, threads: 2 })
})

test.each(['vite', 'webpack', 'rollup', 'esbuild'])(
  '%s: a built page classifies as Node does: here, in a worker, with threads, inline; under a strict policy',
  async (bundler) => {
    const app = join(folder, bundler)
    cpSync(join(HERE, bundler), app, { recursive: true })
    copyFileSync(join(HERE, 'app', 'answers.js'), join(app, 'answers.js'))
    build(app)
    expect(weightsOf(join(app, 'dist'))).toHaveLength(1)
    expectAll(await answersOf(join(app, 'dist'), { ...ISOLATED, ...POLICY }))
  },
  180_000,
)

test('a page that is not isolated has one thread and says why', async () => {
  const { here, threads } = await answersOf(join(folder, 'vite', 'dist'), POLICY)
  expect(threads).toEqual({
    ...here,
    variant: expect.stringMatching(/^relaxed, threads: 1\. The page is not cross-origin isolated/),
  })
})

// Its compiler is a binary, of which the lock file has those for Linux.
test.runIf(process.platform === 'linux')(
  'Next.js: a page that is rendered on the server, then classifies in the browser',
  async () => {
    install(NEXT)
    rmSync(NEXT_BUILD, { recursive: true, force: true })
    mkdirSync(NEXT_BUILD)
    for (const part of ['app', 'next.config.js', 'package.json'])
      cpSync(join(NEXT, part), join(NEXT_BUILD, part), { recursive: true })
    copyFileSync(join(HERE, 'app', 'answers.js'), join(NEXT_BUILD, 'app', 'answers.js'))
    installPacked(NEXT_BUILD, 'dynedge', 'dynedge-models')
    build(NEXT_BUILD)
    const out = join(NEXT_BUILD, 'out')
    expect(weightsOf(out)).toHaveLength(1)
    expectAll(await answersOf(out, ISOLATED))
  },
  600_000,
)
