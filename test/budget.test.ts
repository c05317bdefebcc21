import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root))
const gzipped = (path: string) => gzipSync(read(path), { level: 9 }).length

test.each(['simd', 'relaxed', 'simd-threads', 'relaxed-threads'])(
  'dist/dynedge.%s.wasm takes at most 64 KB gzipped',
  (variant) => {
    expect(gzipped(`dist/dynedge.${variant}.wasm`)).toBeLessThanOrEqual(65_536)
  },
)

/** The scripts that a page fetches once it has `name`, chunks by `import()` only where `wanted` says so. */
function scripts(name: string, wanted: RegExp): string[] {
  const found = [name]
  for (const script of found) {
    const text = read(`dist/${script}`).toString()
    for (const [, chunk] of text.matchAll(/from"\.\/([\w.]+)"/g)) found.push(chunk)
    for (const [, chunk] of text.matchAll(/import\("\.\/([\w.]+)"\)/g)) if (wanted.test(chunk)) found.push(chunk)
  }
  return [...new Set(found)]
}
const total = (names: string[]) => names.reduce((sum, name) => sum + gzipped(`dist/${name}`), 0)

test('the JavaScript of a page takes at most 20 KB gzipped', () => {
  const page = scripts('browser.js', /\.engine\./)
  expect(page).toHaveLength(3)
  expect(total(page)).toBeLessThanOrEqual(20_480)
})

test('the JavaScript of a page with a worker, its cache and a camera takes at most 24 KB gzipped', () => {
  const page = scripts('browser.js', /\.(page|stream)\./)
  expect(page).toHaveLength(4)
  expect(total([...page, 'browser.worker.js', 'browser.cache.js'])).toBeLessThanOrEqual(24_576)
})

test('and so does that of a page with a cache and a camera, but no worker', () => {
  const page = scripts('browser.js', /\.(engine|open|stream)\./)
  expect(page).toHaveLength(6)
  expect(total(page)).toBeLessThanOrEqual(24_576)
})

test('a page gets nothing of Node, and only from beside its script', () => {
  for (const name of [...scripts('browser.js', /./), 'browser.worker.js', 'browser.more.js', 'browser.cache.js']) {
    const script = read(`dist/${name}`).toString()
    expect(script, name).not.toMatch(/["'`]node:|\brequire\(/)
    expect(script, name).not.toMatch(/\bfrom"(?!\.\/)|\bimport\((?!"\.\/)/)
  }
})

test('the worker of a page is one classic script', () => {
  const script = read('dist/browser.worker.js').toString()
  expect(script).not.toMatch(/\bimport\b|\bexport\b/)
})

test('dynedge/inline is one script that fetches nothing of its own, of at most 85 KB gzipped', () => {
  for (const name of ['inline.js', 'inline.global.js']) {
    const script = read(`dist/${name}`).toString()
    expect(script, name).not.toMatch(/\bimport\s*["'`{*(.]|\bfrom\s*["']|\brequire\(|["'`]node:/)
    // It is pasted into documents.
    expect(script, name).not.toMatch(/<\/script|<!--/i)
    expect(gzipped(`dist/${name}`), name).toBeLessThanOrEqual(87_040)
  }
  expect(read('dist/inline.global.js').toString()).toMatch(/^var dynedge=/)
})

test('the module imports nothing but memory that is shared', () => {
  for (const variant of ['simd-threads', 'relaxed-threads']) {
    const bytes = read(`build/${variant}.wasm`)
    if (!WebAssembly.validate(bytes)) continue
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([
      { module: 'env', name: 'memory', kind: 'memory' },
    ])
  }
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
  // A workspace is linked to its folder, and an example to this package, which is no address.
  for (const file of [
    'package-lock.json',
    'bench/package-lock.json',
    'site/package-lock.json',
    'test/engines/package-lock.json',
    'test/bundlers/package-lock.json',
    'tools/native/package-lock.json',
    'test/bundlers/next/package-lock.json',
    'test/react-native/package-lock.json',
    'test/runtimes/package-lock.json',
    'tools/package/package-lock.json',
    'examples/folder-sorter/package-lock.json',
    'examples/page/package-lock.json',
    'examples/react-camera/package-lock.json',
    'react-native/example/package-lock.json',
  ])
    expect(read(file).toString(), file).not.toMatch(/"resolved": "(?!models\/|\.\.\/)/)
})
