// npm run build: AssemblyScript -> wasm (one binary per variant) -> wasm-opt; TypeScript -> dist/ by esbuild, types by tsc.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { minifySync } from 'rolldown/utils'
import { INTERNAL_NAMES } from './internal-names.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
process.chdir(root)
mkdirSync('build', { recursive: true })
const bin = (name) => join('node_modules', '.bin', name)

/** Features that a variant's engine has; wasm-opt refuses others. */
const FEATURES = ['simd', 'bulk-memory', 'sign-ext', 'mutable-globals', 'nontrapping-float-to-int']
// simplify-locals nests the unrolled multiply-adds of one accumulator into each other: V8 then runs them one after another, holds
// all operands at once and spills. Without it (and without asc's own -O, which runs it) pointwise goes from 34 to 48 GFLOP/s.
const SKIPPED = ['', '-notee', '-nostructure', '-notee-nostructure', '-nonesting'].map(
  (kind) => `--skip-pass=simplify-locals${kind}`,
)
// Kernels stay functions of their own: V8 replaces its first, slow compilation of a function when it is called again, and all of a
// first run is one call of `run`.
const INLINING = ['--one-caller-inline-max-function-size', '500']
// Within the loops of its caller a tile's own loop is a deeply nested one, which TurboFan (V8 up to 12) unrolls, and then spills.
const APART = '--no-inline=*tile*'
const variants = {
  simd: [],
  relaxed: ['relaxed-simd'],
  'simd-threads': ['threads'],
  'relaxed-threads': ['relaxed-simd', 'threads'],
}

for (const [variant, more] of Object.entries(variants)) {
  const threads = more.includes('threads')
  // Names, for APART; they are stripped in the end.
  execFileSync(bin('asc'), [...(threads ? ['assembly/threads/index.ts'] : []), '--target', variant, '--debug'], {
    stdio: 'inherit',
  })
  const flags = [...FEATURES, ...more].map((feature) => `--enable-${feature}`)
  // Memory that comes from outside is fresh: nothing needs to write its zeros, and a thread that comes up late must not.
  if (threads) flags.push('--zero-filled-memory')
  const wasm = `build/${variant}.wasm`
  execFileSync(
    bin('wasm-opt'),
    [APART, '-O3', ...INLINING, ...SKIPPED, '--strip-debug', '--strip-producers', ...flags, wasm, '-o', wasm],
    {
      stdio: 'inherit',
    },
  )
}

rmSync('dist', { recursive: true, force: true })
mkdirSync('dist')
for (const variant of Object.keys(variants)) copyFileSync(`build/${variant}.wasm`, `dist/dynedge.${variant}.wasm`)

/** Errors that a page cannot do anything about name the command that goes into details. */
const brief = {
  name: 'brief',
  setup(page) {
    page.onLoad({ filter: /src\/details\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace('DETAILS = true', 'DETAILS = false'),
      loader: 'ts',
    }))
  },
}
const common = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  outdir: 'dist',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  // Checks that no caller outside the package can fail. Node keeps them, and so do the tests.
  dropLabels: ['ASSERT'],
  plugins: [brief],
  // Fields that a constructor sets anyway need no line of their own.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
}
// A page that works off its main thread never fetches the engine, and one that does not never the worker;
// options that few ask for are fetched by those who do.
await build({
  ...common,
  entryPoints: { browser: 'src/browser.ts' },
  platform: 'browser',
  splitting: true,
  chunkNames: 'browser.[name].[hash]',
})
// Self-contained classic scripts: bundlers take them for files among others, as they do the wasm, and every browser starts them.
await build({
  ...common,
  entryPoints: { 'browser.worker': 'src/worker/page-worker.ts' },
  platform: 'browser',
  format: 'iife',
  plugins: [
    brief,
    {
      name: 'more',
      // A classic script has no chunks: whatever it imports later lies in two scripts more.
      setup(worker) {
        worker.onResolve({ filter: /./ }, ({ kind, path }) =>
          kind === 'dynamic-import' ? { path: /cache/.test(path) ? 'cache' : 'more', namespace: 'later' } : undefined,
        )
        worker.onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({
          contents: `importScripts(dynedge_at.${path}); module.exports = dynedge_${path}`,
        }))
      },
    },
  ],
})
await build({
  ...common,
  entryPoints: { 'browser.more': 'src/worker/more.ts', 'browser.cache': 'src/worker/cache.ts' },
  platform: 'browser',
  format: 'iife',
})
// dynedge/inline, as a module and as a classic script; what they carry is written in below.
await build({
  ...common,
  entryPoints: { 'inline.worker': 'src/inline/inline-worker.ts' },
  platform: 'browser',
  format: 'iife',
})
await build({ ...common, entryPoints: { inline: 'src/inline.ts' }, platform: 'browser' })
await build({
  ...common,
  entryPoints: { 'inline.global': 'src/inline.ts' },
  platform: 'browser',
  format: 'iife',
  globalName: 'dynedge',
})
// A second minifier finds 2.5 % that the first one leaves, and shortens internal names, another 2 %: in all scripts to the same. The
// longest comes first, where most of them are.
const scripts = readdirSync('dist')
  .filter((name) => name.endsWith('.js'))
  .map((name) => ({ name, script: readFileSync(join('dist', name), 'utf8') }))
  .sort((a, b) => b.script.length - a.script.length)
const taken = scripts.flatMap(({ script }) => script.match(/(?<=\.)[A-Za-z]\w?\b|(?<=[{,])[A-Za-z]\w?(?=:)/g) ?? [])
const mangleProps = {
  include: new RegExp(`^(?:${INTERNAL_NAMES.join('|')})$`),
  // No script may take for one what is a name of its own in another.
  reserved: taken.filter((name) => !INTERNAL_NAMES.includes(name)),
  cache: {},
}
for (const { name, script } of scripts) {
  const { code, errors, mangleCache } = minifySync(name, script, { compress: true, mangle: true, mangleProps })
  if (errors.length) throw new Error(`${name}: ${errors.map(({ message }) => message).join('; ')}`)
  mangleProps.cache = mangleCache
  // It writes strings as templates; addresses must be strings again, which is what bundlers look for.
  writeFileSync(join('dist', name), code.replaceAll(/\b(import|new URL)\(`([^`$\\]*)`/g, '$1("$2"'))
}
/** Bytes as text for src/inline/platform.ts to unpack. */
const packed = (path) => JSON.stringify(gzipSync(readFileSync(path), { level: 9 }).toString('base64'))
const carried = { PACKED_WASM: packed('build/simd.wasm'), PACKED_WORKER: packed('dist/inline.worker.js') }
rmSync('dist/inline.worker.js')
for (const path of ['dist/inline.js', 'dist/inline.global.js']) {
  let script = readFileSync(path, 'utf8')
  for (const [name, text] of Object.entries(carried)) {
    const parts = script.split(name)
    if (parts.length !== 2) throw new Error(`${path} has ${name} ${parts.length - 1} times, expected once.`)
    script = parts.join(text)
  }
  writeFileSync(path, script)
}
// What `dynedge eval --html` puts into its page.
await build({
  ...common,
  format: 'iife',
  entryPoints: { 'eval-page': 'src/cli/eval/page/client.ts' },
  platform: 'browser',
})
await build({ ...common, entryPoints: { 'eval-page': 'src/cli/eval/page/style.css' } })
// And `dynedge bench --html`.
await build({
  ...common,
  format: 'iife',
  entryPoints: { 'bench-page': 'src/bench/page/client.ts' },
  platform: 'browser',
})
await build({ ...common, entryPoints: { 'bench-page': 'src/bench/page/style.css' } })
await build({
  ...common,
  entryPoints: {
    node: 'src/node.ts',
    cli: 'src/cli/main.ts',
    'cli-api': 'src/cli/index.ts',
    'eval-worker': 'src/cli/eval/worker.ts',
    'node-worker': 'src/worker/node-worker.ts',
    'thread-node': 'src/runtime/threads/thread-node.ts',
  },
  platform: 'node',
  packages: 'external',
  minify: false,
  dropLabels: [],
  plugins: [],
  splitting: true,
  // Beside the wasm files, which they find by their own address.
  chunkNames: '[name]-[hash]',
})
// React Native's bundler takes it apart again; engines have neither TextDecoder and btoa in all versions nor newer syntax.
await build({
  ...common,
  entryPoints: { native: 'src/native.ts' },
  platform: 'neutral',
  target: 'es2020',
  external: ['react-native'],
  alias: { 'wasm-feature-detect': './src/native/features.ts' },
  inject: ['src/native/text-decoder.ts', 'src/native/base64.ts'],
  dropLabels: [],
  plugins: [],
})
execFileSync(bin('tsc'), ['-p', 'tsconfig.types.json'], { stdio: 'inherit' })

// tsc declares every file that it read. An app's compiler reads what it finds from the exports; the rest goes.
const declared = (entry) =>
  typeof entry === 'string' ? (entry.endsWith('.d.ts') ? [entry] : []) : Object.values(entry).flatMap(declared)
const reached = new Set(declared(JSON.parse(readFileSync('package.json', 'utf8')).exports).map((path) => join(path)))
for (const path of reached)
  for (const [, from] of readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.ts['"]/g))
    reached.add(join(dirname(path), `${from}.d.ts`))
for (const path of readdirSync('dist/types', { recursive: true }).map((name) => join('dist/types', name)))
  if (path.endsWith('.d.ts') && !reached.has(path)) rmSync(path)
