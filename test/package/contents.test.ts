import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { networks } from '../../models/dynedge-models/index.js'
import { install } from '../../tools/engines.mjs'
import { buildNative } from '../../tools/native/build.mjs'
import { type Name, type Packed, pack, TOOLS, unpack } from './support.ts'

/** Names of chunks end in eight characters of their digest, which stand here as `*`; how many nameless ones there are is esbuild's matter. */
const DYNEDGE = `
CHANGELOG.md
LICENSE
README.md
dist/bands-*.js
dist/bench-page.css
dist/bench-page.js
dist/browser.bands.*.js
dist/browser.cache.js
dist/browser.careful.*.js
dist/browser.cannot-run.*.js
dist/browser.chunk.*.js
dist/browser.engine.*.js
dist/browser.held.*.js
dist/browser.integrity.*.js
dist/browser.js
dist/browser.keep.*.js
dist/browser.kernels.*.js
dist/browser.manage.*.js
dist/browser.more.js
dist/browser.open.*.js
dist/browser.page.*.js
dist/browser.profile.*.js
dist/browser.sent-frame.*.js
dist/browser.sent-stream.*.js
dist/browser.settle.*.js
dist/browser.stream.*.js
dist/browser.unreachable.*.js
dist/browser.worker.js
dist/careful-*.js
dist/cannot-run-*.js
dist/chunk-*.js
dist/cli-api.js
dist/cli.js
dist/dynedge.relaxed-threads.wasm
dist/dynedge.relaxed.wasm
dist/dynedge.simd-threads.wasm
dist/dynedge.simd.wasm
dist/eval-page.css
dist/eval-page.js
dist/eval-worker.js
dist/held-*.js
dist/inline.global.js
dist/inline.js
dist/integrity-*.js
dist/keep-*.js
dist/kernels-*.js
dist/native.js
dist/node-*.js
dist/node-worker.js
dist/node.js
dist/open-*.js
dist/profile-*.js
dist/progress-*.js
dist/sent-frame-*.js
dist/sent-stream-*.js
dist/thread-node.js
dist/unreachable-*.js
dist/types/src/browser.d.ts
dist/types/src/bundle/load.d.ts
dist/types/src/bundle/source.d.ts
dist/types/src/cache/none.d.ts
dist/types/src/cli/index.d.ts
dist/types/src/errors.d.ts
dist/types/src/image/frame-source.d.ts
dist/types/src/image/input.d.ts
dist/types/src/image/pixels.d.ts
dist/types/src/image/spec.d.ts
dist/types/src/index.d.ts
dist/types/src/inline.d.ts
dist/types/src/interface.d.ts
dist/types/src/load.d.ts
dist/types/src/native.d.ts
dist/types/src/node.d.ts
dist/types/src/stream.d.ts
docs/browser.md
docs/calibrate.md
docs/embedded.md
docs/evaluate.md
docs/frames.md
docs/images.md
docs/kernels.md
docs/loading.md
docs/quantization.md
docs/react-native.md
docs/threads.md
docs/worker.md
dynedge.podspec
native/CMakeLists.txt
native/cmake/aarch64-linux-gnu.cmake
native/example/classify.c
native/generated/module.c
native/generated/module.h
native/include/dynedge.h
native/react-native/CMakeLists.txt
native/react-native/DynedgeCalls.cpp
native/react-native/DynedgeCalls.h
native/react-native/DynedgeFile.cpp
native/react-native/DynedgeFile.h
native/react-native/DynedgeInstance.cpp
native/react-native/DynedgeInstance.h
native/react-native/DynedgeModule.cpp
native/react-native/DynedgeModule.h
native/react-native/DynedgeReading.cpp
native/react-native/DynedgeReading.h
native/react-native/DynedgeRunner.cpp
native/react-native/DynedgeRunner.h
native/react-native/OnLoad.mm
native/react-native/autolinking/CMakeLists.txt
native/react-native/autolinking/DynedgeAutolinking.cpp
native/react-native/autolinking/DynedgeAutolinking.h
native/src/bundle.c
native/src/dot.c
native/src/dot.h
native/src/exports.c
native/src/exports.h
native/src/frame.c
native/src/handle.c
native/src/handle.h
native/src/image.c
native/src/instance.c
native/src/instance.h
native/src/internal.h
native/src/network.c
native/src/processor.c
native/src/processor.h
native/src/program.h
native/src/read.c
native/src/sha256.c
native/src/sha256.h
native/src/simd-neon.h
native/src/simd-plain.h
native/src/simd-sse.h
native/src/simd.h
native/src/team.c
native/src/team.h
native/src/text.c
native/src/wasm-rt.h
package.json
react-native.config.cjs
`
/** What a page loads of dynedge has budgets of its own; this is all that npm brings, the command line and the C library with it. */
const LARGEST_BYTES = { dynedge: 730_000, 'dynedge-models': 47_000_000 }

/** What the texts of a package link to, and a checkout alone has. */
const CHECKOUT_ONLY = {
  dynedge:
    /^(CONTRIBUTING|(examples\/[\w-]+|react-native\/example)\/README|(bench|native)\/RESULTS|docs\/(architecture|claim|layouts|performance|site|train-your-own)|models\/(dynedge-models\/)?README)\.md$/,
  'dynedge-models':
    /^[\w.-]+\/(config\.toml|log\.csv)$|^(fix-mobile|fix-shuffle|mobilenetv2|shufflenetv2)-200\/README\.md$/,
}

let packed: Packed
const installed = {} as Record<Name, string>

beforeAll(() => {
  buildNative()
  packed = pack('dynedge', 'dynedge-models')
  for (const [name, archive] of Object.entries(packed.archives) as [Name, string][])
    installed[name] = unpack(archive, name, packed.folder)
}, 120_000)
afterAll(() => packed?.clean())

const filesOf = (name: Name) =>
  readdirSync(installed[name], { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed[name].length + 1))
    .map((path) => path.replaceAll('\\', '/'))

test('dynedge holds these files and no other', () => {
  const names = filesOf('dynedge').map((path) => path.replace(/([-.])[A-Z0-9]{8}\.js$/, '$1*.js'))
  expect([...new Set(names)].sort()).toEqual(DYNEDGE.trim().split('\n').sort())
})

test('dynedge-models holds, of each network, its card, its entries and what they load, and no other file', () => {
  const expected = ['LICENSE', 'README.md', 'index.d.ts', 'index.js', 'package.json', 'types.d.ts']
  const { exports } = JSON.parse(readFileSync(join(installed['dynedge-models'], 'package.json'), 'utf8'))
  for (const { name } of networks) {
    expected.push(`${name}/README.md`, `${name}/curve.png`)
    for (const [entry, found] of Object.entries<string | Record<string, string>>(exports))
      if (entry.startsWith(`./${name}/`) || entry === `./${name}`)
        for (const path of typeof found === 'string' ? [found] : Object.values(found)) expected.push(path.slice(2))
  }
  expect(filesOf('dynedge-models').sort()).toEqual(expected.sort())
})

test.each(Object.entries(LARGEST_BYTES) as [Name, number][])('%s is a download of at most %d bytes', (name, most) => {
  expect(statSync(packed.archives[name]).size).toBeLessThanOrEqual(most)
})

test.each(['dynedge', 'dynedge-models'] as const)('%s: whatever its package.json names is there', (name) => {
  const about = JSON.parse(readFileSync(join(installed[name], 'package.json'), 'utf8'))
  const named = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(named)
  const paths = named([about.exports, about.bin ?? [], about.main ?? [], about.types ?? []])
  expect(paths.length).toBeGreaterThan(4)
  expect(paths.filter((path) => !existsSync(join(installed[name], path)))).toEqual([])
})

test.each(['dynedge', 'dynedge-models'] as const)('%s: its texts link to what it has', (name) => {
  const broken = filesOf(name)
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) => {
      const text = readFileSync(join(installed[name], path), 'utf8')
      const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link)
      return links
        .filter((link) => !/^https?:/.test(link))
        .map((link) => normalize(join(dirname(path), link)))
        .filter((target) => !existsSync(join(installed[name], target)))
    })
  expect(broken.filter((target) => !CHECKOUT_ONLY[name].test(target))).toEqual([])
})

describe('publint and are-the-types-wrong', () => {
  const check = (archives: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [join(TOOLS, 'check.mjs'), ...archives], {
      encoding: 'utf8',
    })
    return { status, complaints: stderr.trim().split('\n').filter(Boolean) }
  }
  // The first one may have to install them.
  beforeAll(() => install(TOOLS), 240_000)

  test('pass', { timeout: 180_000 }, () => {
    expect(check(Object.values(packed.archives))).toEqual({ status: 0, complaints: [] })
  })

  test('would find fault', { timeout: 180_000 }, () => {
    const path = join(installed.dynedge, 'package.json')
    const text = readFileSync(path, 'utf8')
    const about = JSON.parse(text)
    about.exports['./cli'] = { default: './dist/cli-api.js', types: './dist/types/src/nothing.d.ts' }
    writeFileSync(path, JSON.stringify(about))
    const archive = join(packed.folder, 'wrong.tgz')
    execFileSync('tar', [
      'czf',
      archive,
      '-C',
      join(packed.folder, 'node_modules'),
      '--transform=s/^dynedge/package/',
      'dynedge',
    ])
    writeFileSync(path, text)
    const { status, complaints } = check([archive])
    expect(status).toBe(1)
    expect(complaints.filter((line) => line.includes('publint'))).not.toEqual([])
    expect(complaints.filter((line) => line.includes('are-the-types-wrong'))).not.toEqual([])
  })
})
