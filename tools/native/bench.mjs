// npm run bench:native: the C library beside the same module in V8, and beside the one without relaxed SIMD, in one run. `--write` puts the table into native/RESULTS.md;
// `--prepare` and `--measure` do the two halves apart, for machines where only the second must be quiet.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { ensureEngines } from '../engines.mjs'
import { buildNative } from './build.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const folder = join(root, 'build', 'native-bench')
const SIDE = 224
const NETWORKS = ['dy-mobile', 'dy-shuffle', 'mobilenetv2']
const PRECISIONS = ['f32', 'int8']
/** In V8; the library is made from the second. */
const VARIANTS = ['simd', 'relaxed']
const COMPILERS = ['gcc', 'clang'].filter((name) => spawnSync(name, ['--version']).status === 0)
const KINDS = [
  ['v2 checked', ['-DDYNEDGE_MARCH=x86-64-v2']],
  ['v3 checked', ['-DDYNEDGE_MARCH=x86-64-v3']],
  ['v3 unchecked', ['-DDYNEDGE_MARCH=x86-64-v3', '-DDYNEDGE_UNCHECKED=ON']],
]
const BUILDS = COMPILERS.flatMap((compiler) => KINDS.map(([kind, options]) => ({ compiler, kind, options })))
/** The same build, one picture in several threads; its column is a table of its own. */
const THREADED = BUILDS.filter(({ compiler, kind }) => compiler === 'gcc' && kind === 'v3 checked').flatMap((build) =>
  [2, 4].filter((threads) => threads <= availableParallelism()).map((threads) => ({ ...build, threads })),
)
const nameOf = ({ compiler, kind, threads }) => `${compiler} ${kind}${threads ? ` x${threads}` : ''}`
const place = ({ compiler, kind }) => join(folder, `${compiler} ${kind}`.replaceAll(' ', '-'))

const asked = new Set(process.argv.slice(2))
const unknown = [...asked].find((flag) => !['--prepare', '--measure', '--write', '--print'].includes(flag))
if (unknown) throw new Error(`${unknown} is no option: --prepare, --measure, --print, --write`)
// V8 without VNNI, which x86-64-v3 does not have either; with relaxed SIMD, which Node has from 21 on.
const WITHOUT_VNNI = ['--no-enable-avx-vnni', '--no-enable-avx-vnni-int8']
if (!WITHOUT_VNNI.every((flag) => process.execArgv.includes(flag))) {
  const { status } = spawnSync(ensureEngines(), [...WITHOUT_VNNI, ...process.argv.slice(1)], { stdio: 'inherit' })
  process.exit(status ?? 1)
}
const all = !asked.has('--prepare') && !asked.has('--measure') && !asked.has('--print')
if (all || asked.has('--prepare')) await prepare()
if (all || asked.has('--measure')) await measure()
if (all || asked.has('--print') || asked.has('--write')) {
  const text = table()
  const path = join(root, 'native', 'RESULTS.md')
  // What other scripts have put behind the table stays.
  const [, ...others] = readFileSync(path, 'utf8').split('\n## ')
  if (asked.has('--write')) writeFileSync(path, [text, ...others].join('\n## '))
  else console.log(text)
}

async function prepare() {
  mkdirSync(folder, { recursive: true })
  buildNative()
  for (const kind of BUILDS) {
    const options = [`-DCMAKE_C_COMPILER=${kind.compiler}`, '-DDYNEDGE_TESTS=ON', ...kind.options]
    execFileSync('cmake', ['-S', join(root, 'native'), '-B', place(kind), ...options], { stdio: 'ignore' })
    execFileSync('cmake', ['--build', place(kind)], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const script = join(folder, 'pack.mjs')
  await build({
    entryPoints: [join(root, 'tools', 'native', 'bench-pack.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  execFileSync(process.execPath, [script, folder, String(SIDE), NETWORKS.join(), PRECISIONS.join()], {
    stdio: 'inherit',
  })
}

/** Milliseconds from a tensor to the outputs, minimum over all rounds, machines in turn; written to measured.json. */
async function measure() {
  const { load } = await import(pathToFileURL(join(root, 'dist', 'node.js')).href)
  const path = join(folder, 'picture.f32')
  const data = new Float32Array(Uint8Array.from(readFileSync(path)).buffer)
  const started = process.hrtime.bigint()
  const rows = []
  for (const network of NETWORKS)
    for (const precision of PRECISIONS) {
      const bundle = join(folder, `${network}-${precision}.safetensors`)
      const nets = await Promise.all(VARIANTS.map((variant) => load(bundle, { variant })))
      rows.push({ network, precision, bundle, nets, times: {} })
    }
  const least = (times, name, ms) => {
    times[name] = Math.min(times[name] ?? Number.POSITIVE_INFINITY, ms)
  }
  const inV8 = ({ nets, times }, repetitions) => {
    nets.forEach((net, of) => {
      for (let i = 0; i < repetitions; ++i) {
        const start = process.hrtime.bigint()
        net.runSync({ data, height: SIDE, width: SIDE })
        least(times, VARIANTS[of], Number(process.hrtime.bigint() - start) / 1e6)
      }
    })
  }
  for (const row of rows) inV8(row, 10)
  // Each row again and again: a machine that is shared is slow for seconds at a time.
  for (let round = 0; round < 8; ++round)
    for (const row of rows) {
      inV8(row, 6)
      for (const kind of [...BUILDS, ...THREADED]) {
        const options = ['-threads', String(kind.threads ?? 1), 'time', '6', path]
        const said = execFileSync(join(place(kind), 'dynedge-host'), [row.bundle, ...options], { encoding: 'utf8' })
        least(row.times, nameOf(kind), Number(/^ms (\S+)$/m.exec(said)[1]))
      }
    }
  for (const row of rows) {
    for (const net of row.nets) net.dispose()
    delete row.nets
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  writeFileSync(join(folder, 'measured.json'), JSON.stringify({ rows, commit, seconds }))
}

function table() {
  const { rows, commit } = JSON.parse(readFileSync(join(folder, 'measured.json'), 'utf8'))
  const names = BUILDS.map(nameOf)
  const versions = COMPILERS.map((name) => execFileSync(name, ['--version'], { encoding: 'utf8' }).split('\n')[0])
  const mean = (name, variant) =>
    Math.exp(rows.reduce((sum, { times }) => sum + Math.log(times[variant] / times[name]), 0) / rows.length)
  const cells = ({ times }) => [
    ...VARIANTS.map((variant) => times[variant].toFixed(2)),
    ...names.map((name) => `${times[name].toFixed(2)} (${(times.relaxed / times[name]).toFixed(2)})`),
  ]
  const means = VARIANTS.map((variant) => [
    `speed against ${variant}, geometric mean`,
    ...[...VARIANTS, ...names].map((name) => mean(name, variant).toFixed(2)),
  ])
  const line = (parts) => `| ${parts.join(' | ')} |\n`
  return `# Native: results

Made by \`npm run bench:native -- --write\` at ${commit}; docs/embedded.md says what is what. ${SIDE}x${SIDE}, one thread, milliseconds from a float32 tensor to
the outputs, minimum of interleaved runs; in brackets the speed against the same module, \`relaxed\`, in V8
${process.versions.v8} (Node ${process.versions.node} without VNNI, which x86-64-v3 lacks too), 1 being as fast; \`simd\` is V8 without relaxed SIMD. Random
weights, 1000 classes, -O3.

${cpus()[0].model}; ${versions.join('; ')}.

${line(['network', ...VARIANTS.map((variant) => `V8 ${variant}`), ...names])}${line(['---', ...[...VARIANTS, ...names].map(() => '---')])}${rows
  .map((row) => line([`${row.network} ${row.precision}`, ...cells(row)]))
  .join('')}${means.map(line).join('')}${threads(rows, line)}`
}

/** One picture in several threads: how much sooner it is done. */
function threads(rows, line) {
  if (!THREADED.length) return ''
  const one = nameOf({ ...THREADED[0], threads: 0 })
  const counts = THREADED.map(({ threads: count }) => count)
  const cell = ({ times }, kind) =>
    `${times[nameOf(kind)].toFixed(2)} (${(times[one] / times[nameOf(kind)]).toFixed(2)})`
  return `
One picture in several threads (\`options.threads\`), ${one}, in brackets how many times sooner:

${line(['network', '1 thread', ...counts.map((count) => `${count} threads`)])}${line(['---', '---', ...counts.map(() => '---')])}${rows
  .map((row) =>
    line([`${row.network} ${row.precision}`, row.times[one].toFixed(2), ...THREADED.map((kind) => cell(row, kind))]),
  )
  .join('')}`
}
