import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { install } from '../../tools/engines.mjs'
import { openBrowser } from '../browser/page.ts'
import { cameraOf } from '../helpers/camera.ts'
import { type Served, serveFolder } from '../models-package/serve.ts'
import { develop, npm, type Packed, pack, ROOT, TOOLS } from './support.ts'

// The way of a new user: `npm create vite`, `npm install dynedge dynedge-models`, the first lines of the README, a camera.
const [SNIPPET] = /(?<=```js\n).*?(?=```)/s.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))!

let packed: Packed
let app: string
/** What npm said meanwhile. */
let installing: string
let page: Page
let complaints: string[]
let close: () => Promise<void>
let served: Served | undefined
let stopDeveloping: (() => void) | undefined

beforeAll(async () => {
  packed = pack('dynedge', 'dynedge-models')
  install(TOOLS)
  const create = join(TOOLS, 'node_modules', 'create-vite', 'index.js')
  const args = [create, 'app', '--template', 'vanilla', '--no-interactive']
  execFileSync(process.execPath, args, { cwd: packed.folder, stdio: 'ignore' })
  app = join(packed.folder, 'app')
  installing = npm(['install', '--loglevel=warn', ...Object.values(packed.archives)], app)
  writeFileSync(join(app, 'src', 'main.js'), SNIPPET)
  const camera = await cameraOf(join(ROOT, 'samples', 'espresso-1.jpg'), join(packed.folder, 'espresso.mjpeg'))
  ;({ page, complaints, close } = await openBrowser(camera))
  // Installs from the registry.
}, 300_000)

afterAll(async () => {
  await close?.()
  served?.close()
  stopDeveloping?.()
  packed?.clean()
})

async function titleAt(address: string): Promise<void> {
  complaints.length = 0
  await page.goto(address)
  const title = "document.querySelector('h1')?.textContent"
  await page
    .waitForFunction(`/^espresso, \\d+ %$/.test(${title})`, { timeout: 60_000, polling: 100 })
    .catch(async (cause: Error) => {
      throw new Error(`${cause.message}; ${await page.evaluate(title)}; the page says: ${complaints.join('; ')}`)
    })
  expect(complaints).toEqual([])
}

test("The README's first program has ten lines", () => {
  expect(SNIPPET.split('\n').filter((line) => line.trim())).toHaveLength(10)
})

test('Installing runs nothing, and lays out what the archive holds', () => {
  const { packages } = JSON.parse(readFileSync(join(app, 'package-lock.json'), 'utf8'))
  const dependencies = (name: string): string[] => {
    const { dependencies = {}, optionalDependencies = {} } = packages[`node_modules/${name}`] ?? {}
    return [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]
  }
  const ours = new Set(['dynedge', 'dynedge-models'])
  for (const name of ours) for (const needed of dependencies(name)) ours.add(needed)
  expect(ours.size).toBeGreaterThan(5)
  expect([...ours].filter((name) => packages[`node_modules/${name}`]?.hasInstallScript)).toEqual([])
  const { scripts } = JSON.parse(readFileSync(join(app, 'node_modules', 'dynedge', 'package.json'), 'utf8'))
  expect(['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => name in scripts)).toEqual([])
  // npm lists what would run, or asks to be run.
  expect(installing).not.toMatch(/dynedge@/)
  const held = execFileSync('tar', ['tzf', packed.archives.dynedge], { encoding: 'utf8' }).trim().split('\n')
  const laid = readdirSync(join(app, 'node_modules', 'dynedge'), { recursive: true, withFileTypes: true })
  expect(laid.filter((entry) => entry.isFile())).toHaveLength(held.filter((path) => !path.endsWith('/')).length)
})

test('npm run build: the page names what its camera sees', async () => {
  npm(['run', 'build'], app)
  served = await serveFolder(join(app, 'dist'))
  await titleAt(`${served.origin}/`)
}, 120_000)

test('npm run dev: the same', async () => {
  const { address, stop } = await develop(app)
  stopDeveloping = stop
  await titleAt(address)
}, 120_000)

test('The command dynedge is there, and finds the networks', () => {
  const dynedge = (...args: string[]) =>
    execFileSync(join(app, 'node_modules', '.bin', 'dynedge'), args, { encoding: 'utf8' })
  expect(dynedge('--version').trim()).toBe(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version)
  const photo = join(ROOT, 'samples', 'espresso-1.jpg')
  const { results } = JSON.parse(dynedge('run', photo, '--json'))
  expect(results[0].top[0].label).toBe('espresso')
})

test('dynedge/cli: a program runs commands, and goes on whatever they end with', () => {
  const program = `import { runCli } from 'dynedge/cli'
const codes = []
for (const line of ['networks --json', 'run nothing.jpg', 'fly', '--help', 'eval']) codes.push(await runCli(line.split(' ')))
console.log(JSON.stringify({ codes, exitCode: process.exitCode ?? null }))
`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: app,
    encoding: 'utf8',
  })
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual({ codes: [0, 1, 1, 0, 1], exitCode: null })
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(/^dynedge: nothing\.jpg: no such file/),
    expect.stringMatching(/^dynedge: unknown command 'fly'/),
    expect.stringMatching(/^dynedge: missing required arguments/),
  ])
  expect(status).toBe(0)
  expect(existsSync(join(app, 'node_modules', 'dynedge', 'src'))).toBe(false)
})
