// npm run demo: classifies the photographs in samples/ with the network of the package, on the fastest kernels that this Node runs.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stop = (why) => {
  process.stderr.write(`demo: ${why}\n`)
  process.exit(1)
}

const cli = join('dist', 'cli.js')
if (!existsSync(join(root, cli))) spawnSync(process.execPath, ['tools/build.mjs'], { cwd: root, stdio: 'inherit' })
if (!existsSync(join(root, cli))) stop('there is no dist/; `npm run build` says why.')
const folder = join(root, 'samples')
const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(jpe?g|png|webp|avif)$/i.test(name)) : []
if (names.length === 0) stop('there are no photographs in samples/.')

const pictures = names.sort().map((name) => join('samples', name))
// Anything after `npm run demo --` goes to `dynedge run`: --model, --size, --variant ...
const args = ['run', ...pictures, '--top', '3', '--repeat', '20', '--profile', ...process.argv.slice(2)]
const { status } = spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)
