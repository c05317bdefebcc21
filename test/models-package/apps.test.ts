import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { networks } from '../../models/dynedge-models/index.js'
import { openBrowser } from '../browser/page.ts'
import { ROOT } from '../cli/support.ts'
import { installPacked, linkDependencies } from '../helpers/packed.ts'
import { type Served, serveFolder } from './serve.ts'

// Apps that use the two packages exactly as npm packs them, with the smallest network of the catalogue.
const { name } = [...networks].sort((a, b) => a.bytes - b.bytes)[0]
const folder = mkdtempSync(join(tmpdir(), 'dynedge-apps-'))
const app = join(folder, 'app')

const IMPORTS = `import { load } from 'dynedge'
import url, { info, labels } from 'dynedge-models/${name}'
`
/** The same binary computes the same bits in Node and in a page. */
const CLASSIFY = `
const net = await load(url, { variant: 'simd', integrity: info.integrity })
const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) >> 5)
const top = await net.classify({ data, width: 64, height: 64 })
const away = await load(url, { variant: 'simd', integrity: info.integrity, worker: true })
globalThis.classified = {
  top,
  named: \`\${labels}\` === \`\${net.labels}\`,
  fromWorker: await away.classify({ data, width: 64, height: 64 }),
}
`
const PAGE =
  '<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>'

let expected: unknown
let page: Page
let complaints: string[]
let close: () => Promise<void>
const servers: Served[] = []

beforeAll(async () => {
  installPacked(app, 'dynedge', 'dynedge-models')
  linkDependencies(app)
  writeFileSync(join(app, 'package.json'), '{"type":"module"}')
  writeFileSync(join(app, 'index.html'), PAGE)
  writeFileSync(join(app, 'main.js'), IMPORTS + CLASSIFY)
  writeFileSync(join(app, 'node.js'), `${IMPORTS}${CLASSIFY}console.log(JSON.stringify(classified))\n`)
  expected = JSON.parse(execFileSync(process.execPath, ['node.js'], { cwd: app, encoding: 'utf8' }))
  ;({ page, complaints, close } = await openBrowser())
}, 120_000)

afterAll(async () => {
  await close?.()
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What a page says that it has classified. */
async function classifiedAt(address: string): Promise<unknown> {
  complaints.length = 0
  await page.goto(address)
  await page.waitForFunction('globalThis.classified', { timeout: 30_000 }).catch((cause: Error) => {
    throw new Error(`${cause.message}; the page says: ${complaints.join('; ')}`)
  })
  expect(complaints).toEqual([])
  return page.evaluate('classified')
}

async function served(path: string): Promise<Served> {
  const server = await serveFolder(path)
  servers.push(server)
  return server
}

test('Node loads a network by its import', () => {
  expect(expected).toMatchObject({ named: true })
  const { top, fromWorker } = expected as Record<string, { label: string; probability: number }[]>
  expect(fromWorker).toEqual(top)
  expect(top.length).toBeGreaterThan(1)
  expect(top[0].probability).toBeGreaterThan(top[1].probability)
})

test('A page without a bundler imports both packages from another origin, as from a CDN', async () => {
  const cdn = await served(join(app, 'node_modules'))
  const imports = IMPORTS.replace("'dynedge'", `'${cdn.origin}/dynedge/dist/browser.js'`).replace(
    `'dynedge-models/${name}'`,
    `'${cdn.origin}/dynedge-models/${name}/index.js'`,
  )
  const plain = join(folder, 'plain')
  mkdirSync(plain)
  writeFileSync(join(plain, 'index.html'), PAGE)
  writeFileSync(join(plain, 'main.js'), imports + CLASSIFY)
  const { origin } = await served(plain)
  expect(await classifiedAt(`${origin}/`)).toEqual(expected)
})

test("Vite's development server, which bundles dependencies ahead", async () => {
  const { createServer } = await import('vite')
  const server = await createServer({
    root: app,
    server: { port: 0, host: '127.0.0.1' },
    logLevel: 'warn',
  })
  try {
    await server.listen()
    expect(await classifiedAt(server.resolvedUrls!.local[0])).toEqual(expected)
  } finally {
    await server.close()
  }
})

test.each([
  ['node16', ['--module', 'node16', '--moduleResolution', 'node16']],
  ['bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
])('Types: an app compiles, %s', (_, flags) => {
  const source = `import url, { info, labels } from 'dynedge-models/${name}'
import { networks, type NetworkInfo } from 'dynedge-models'
const facts: NetworkInfo[] = [info, ...networks]
const [height, width]: readonly [number, number] = info.input
console.log(url.length, labels[0].length, height * width, facts[0].accuracy.top1.toFixed(2))
`
  const complaints = (text: string): string => {
    writeFileSync(join(app, 'types.ts'), text)
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom']
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    try {
      return execFileSync(process.execPath, [tsc, ...options, ...flags, 'types.ts'], { cwd: app, encoding: 'utf8' })
    } catch (error) {
      return (error as { stdout: string }).stdout
    }
  }
  expect(complaints(source)).toBe('')
  expect(complaints(source.replace('url.length', 'url.href'))).toContain("'href' does not exist")
})

test('The npm package has bundles, cards and entries, and nothing that only a checkout needs', () => {
  const installed = join(app, 'node_modules', 'dynedge-models')
  const files = readdirSync(installed, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const names = files.map(({ name }) => name)
  expect(names.filter((file) => !/\.(js|d\.ts|safetensors|png|md)$|^package\.json$|^LICENSE$/.test(file))).toEqual([])
  for (const { name } of networks)
    expect(readFileSync(join(installed, name, 'README.md'), 'utf8')).toContain(`# ${name}\n`)
})
