// npm test: builds what is missing or old, runs every test with this Node, and those that depend on the variant again with a
// newer Node where this one has no relaxed SIMD. Arguments go to vitest. Ends with `N passed, N failed`.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { relaxedSimd } from 'wasm-feature-detect'
import { ensureEngines } from './engines.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
process.chdir(root)

/** What the build reads, and what it must have written. */
const SOURCES = [
  'assembly',
  'src',
  'tools/build.mjs',
  'asconfig.json',
  'package.json',
  'tsconfig.json',
  'tsconfig.types.json',
]
const BUILT = [
  'build/simd.wasm',
  'build/relaxed.wasm',
  'build/simd-threads.wasm',
  'build/relaxed-threads.wasm',
  'dist/browser.js',
  'dist/inline.js',
  'dist/node.js',
  'dist/native.js',
  'dist/cli.js',
  'dist/types/src/node.d.ts',
]
/** Suites whose code differs from variant to variant. */
const BY_VARIANT = ['test/kernels/', 'test/golden/', 'test/image/', 'test/checksum/', 'test/program/']

/** What WebKit's driver says of a page whose process ended: the browser's own fault, or the machine's. */
const CRASH = 'session deleted because of page crash'

const newest = (path) =>
  statSync(path).isDirectory()
    ? Math.max(...readdirSync(path).map((name) => newest(join(path, name))))
    : statSync(path).mtimeMs
const missing = BUILT.filter((path) => !existsSync(path))
const changed = Math.max(...SOURCES.filter(existsSync).map(newest))
if (missing.length || BUILT.some((path) => statSync(path).mtimeMs < changed)) {
  console.log(`Building: ${missing.length ? `${missing.join(', ')} missing` : 'sources are newer'}.`)
  execFileSync(process.execPath, ['tools/build.mjs'], { stdio: 'inherit' })
}

const folder = mkdtempSync(join(tmpdir(), 'dynedge-test-'))
const total = { passed: 0, failed: 0, skipped: 0 }
const filters = process.argv.slice(2)
try {
  runTests(process.execPath, filters)
  if (!(await relaxedSimd())) {
    const node = ensureEngines()
    console.log(
      node
        ? `\nAgain with relaxed SIMD, by ${node}:`
        : 'npm has no newer Node for this platform: relaxed SIMD goes untested.',
    )
    if (node) runTests(node, filters.length ? filters : BY_VARIANT)
    else total.failed += 1
  }
} finally {
  rmSync(folder, { recursive: true })
}
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`)
process.exit(total.failed ? 1 : 0)

/**
 * A missing snapshot is a failure here (CI), not a new truth. A file that does not even load counts as one failed test. Files in which a
 * browser's page crashed run again, once.
 */
function runTests(node, args) {
  const { results, status } = runOnce(node, args)
  const crashed = results.filter(({ assertionResults }) =>
    assertionResults.some(({ failureMessages = [] }) => failureMessages.some((text) => text.includes(CRASH))),
  )
  if (!crashed.length) return count(results, status)
  const files = crashed.map(({ name }) => name)
  console.log(`\nA browser's page crashed; again: ${files.map((file) => relative(root, file)).join(', ')}`)
  const again = runOnce(node, files)
  const others = results.filter((result) => !crashed.includes(result))
  count([...others, ...again.results], others.some(failed) ? 1 : again.status)
}

function failed({ status }) {
  return status === 'failed'
}

function count(results, status) {
  const tests = results.flatMap(({ assertionResults }) => assertionResults)
  const having = (...statuses) => tests.filter((test) => statuses.includes(test.status)).length
  const unloaded = results.filter((result) => failed(result) && !result.assertionResults.some(failed)).length
  const failures = having('failed') + unloaded
  total.passed += having('passed')
  total.failed += failures || (status ? 1 : 0)
  total.skipped += having('pending', 'skipped', 'todo')
}

function runOnce(node, args) {
  const report = join(folder, 'report.json')
  rmSync(report, { force: true })
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  const { status } = spawnSync(node, [...vitest, ...args], { stdio: 'inherit', env: { ...process.env, CI: '1' } })
  return { results: existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [], status }
}
