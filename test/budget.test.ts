import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root))
const gzipped = (path: string) => gzipSync(read(path), { level: 9 }).length

test.each(['simd', 'relaxed'])('dist/dynedge.%s.wasm takes at most 64 KB gzipped', (variant) => {
  expect(gzipped(`dist/dynedge.${variant}.wasm`)).toBeLessThanOrEqual(65_536)
})

test('the JavaScript of a page takes at most 20 KB gzipped', () => {
  expect(gzipped('dist/browser.js')).toBeLessThanOrEqual(20_480)
})

test('a page gets nothing of Node, and one file; each file that it fetches on demand is whole by itself', () => {
  const needsOthers = /["']node:|\brequire\(|\bfrom ?["']|\bimport ?["']/
  const script = read('dist/browser.js').toString()
  expect(script).not.toMatch(needsOthers)
  const chunks = [...script.matchAll(/\bimport\(([^)]*)\)/g)].map(([, file]) => JSON.parse(file))
  expect(chunks).toEqual([expect.stringMatching(/^\.\/keep-\w+\.js$/)])
  for (const file of chunks) {
    const chunk = read(`dist/${file}`).toString()
    expect(chunk, file).not.toMatch(needsOthers)
    expect(chunk, file).not.toMatch(/\bimport\(/)
  }
})

test('the module imports nothing', () => {
  for (const variant of ['simd', 'relaxed']) {
    const bytes = read(`build/${variant}.wasm`)
    if (WebAssembly.validate(bytes)) expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([])
  }
})

test('the package depends on these few, at exact versions', () => {
  const { dependencies } = JSON.parse(read('package.json').toString())
  expect(Object.keys(dependencies).sort()).toEqual(['cli-progress', 'commander', 'sharp', 'wasm-feature-detect'])
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})

test('lock files take packages from the registry that npm is set to', () => {
  // A workspace is linked to its folder, which is no address.
  for (const file of [
    'package-lock.json',
    'bench/package-lock.json',
    'test/engines/package-lock.json',
    'test/bundlers/package-lock.json',
  ])
    expect(read(file).toString(), file).not.toMatch(/"resolved": "(?!models\/)/)
})
