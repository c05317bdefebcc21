// npm run bench -- ARGUMENTS: installs what only benches need, then runs bench/run.ts on a Node that has the variants asked for;
// npm run bench -- frames ARGUMENTS: the same with bench/frames.ts.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureEngines, install } from '../tools/engines.mjs'

const folder = dirname(fileURLToPath(import.meta.url))
const root = join(folder, '..')
const [first, ...rest] = process.argv.slice(2)
const script = first === 'frames' ? 'frames.ts' : 'run.ts'
const given = first === 'frames' ? rest : process.argv.slice(2)

const built = ['simd', 'relaxed'].map(
  (variant) => statSync(join(root, 'build', `${variant}.wasm`), { throwIfNoEntry: false })?.mtimeMs,
)
if (built.includes(undefined)) {
  process.stderr.write('There are no kernels in build/ yet: run `npm run build` first.\n')
  process.exit(1)
}
const sources = join(root, 'assembly')
if (
  readdirSync(sources, { recursive: true }).some((file) => statSync(join(sources, file)).mtimeMs > Math.min(...built))
)
  process.stderr.write('The kernels in build/ are older than their sources: `npm run build` makes new ones.\n')
try {
  install(folder)
} catch {
  process.stderr.write('The dependencies of bench/ could not be installed; `npm ci --prefix bench` says why.\n')
  process.exit(1)
}
const asked = given.flatMap((argument, index) =>
  argument === '--variants' ? [given[index + 1] ?? ''] : argument.startsWith('--variants=') ? [argument] : [],
)
const relaxed = asked.length === 0 || asked.some((variants) => variants.includes('relaxed'))
const node = (relaxed && ensureEngines()) || process.execPath
// V8 without these flags makes no such instructions anyway.
const flags = given.includes('--no-vnni') ? ['--no-enable-avx-vnni', '--no-enable-avx-vnni-int8'] : []
const known = flags.filter((flag) => spawnSync(node, [flag, '-e', '0'], { stdio: 'ignore' }).status === 0)
const child = spawn(node, [...known, '--import', 'tsx', '--no-warnings', join(folder, script), ...given], {
  cwd: root,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(signal ? 1 : code))
