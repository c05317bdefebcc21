// A Node whose WebAssembly has relaxed SIMD: the one in use, or the newer one that test/engines brings.
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { relaxedSimd } from 'wasm-feature-detect'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const newer = join(root, 'test', 'engines', 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
const own = await relaxedSimd()

/** Path of a Node with relaxed SIMD, if there is one without installing anything. */
export function relaxedNode() {
  if (own) return process.execPath
  return existsSync(newer) ? newer : undefined
}

/** As `relaxedNode`, after installing test/engines where it is needed; undefined where npm has no such Node or cannot fetch it. */
export function ensureEngines() {
  try {
    if (!relaxedNode()) install(join(root, 'test', 'engines'))
  } catch {
    process.stderr.write(
      'The newer Node of test/engines could not be installed; `npm ci --prefix test/engines` says why.\n',
    )
  }
  return relaxedNode()
}

/** `npm ci` in a folder with a lock file of its own, unless what lies there is newer than the lock. Quiet; errors go to stderr. */
export function install(folder) {
  const done = join(folder, 'node_modules', '.package-lock.json')
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs) return
  process.stderr.write(`Installing what ${folder} needs ...\n`)
  const flags = ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', flags, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
}
