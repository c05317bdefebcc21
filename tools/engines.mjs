// A Node whose WebAssembly has relaxed SIMD: the one in use, or the newer one that test/engines brings.
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs'
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

/**
 * `npm ci` in a folder with a lock file of its own, unless what lies there is newer than the lock, or is a link to what another checkout
 * has, which npm would empty. Quiet; errors go to stderr. Tests run side by side: who comes meanwhile waits.
 */
export function install(folder) {
  if (lstatSync(join(folder, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return
  const done = join(folder, 'node_modules', '.package-lock.json')
  const isDone = () => existsSync(done) && statSync(done).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
  if (isDone()) return
  const release = takeTurn(join(folder, '.installing'))
  try {
    if (isDone()) return
    process.stderr.write(`Installing what ${folder} needs ...\n`)
    const flags = ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error']
    execFileSync('npm', flags, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  } finally {
    release()
  }
}

/** Nobody installs for so long: one that was killed has left its mark. */
const LONGEST_MS = 300_000

/** Makes the folder `mark`, when nobody else holds it; returns what removes it. */
export function takeTurn(mark) {
  const sleep = new Int32Array(new SharedArrayBuffer(4))
  for (;;)
    try {
      mkdirSync(mark)
      return () => rmSync(mark, { recursive: true, force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      const age = Date.now() - (statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
      if (age > LONGEST_MS) rmSync(mark, { recursive: true, force: true })
      else Atomics.wait(sleep, 0, 0, 200)
    }
}
