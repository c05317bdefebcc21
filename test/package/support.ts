import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const TOOLS = join(ROOT, 'tools', 'package')
export type Name = 'dynedge' | 'dynedge-models'

export interface Packed {
  /** A folder for the test's own files. */
  folder: string
  /** The archives that were asked for, as npm packs them. */
  archives: Record<Name, string>
  clean(): void
}

const FOLDERS = { dynedge: '.', 'dynedge-models': './models/dynedge-models' }

/** Packs what the build and the workspace have now. */
export function pack(...names: Name[]): Packed {
  // Compilers and bundlers tell files by their real paths.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dynedge-packed-')))
  const archives = join(folder, 'archives')
  mkdirSync(archives)
  // prepare builds; what the tests run has built already.
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', archives]
  execFileSync('npm', [...args, ...names.map((name) => FOLDERS[name])], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const found = readdirSync(archives).map((file) => [file.replace(/-\d.*$/, ''), join(archives, file)])
  return {
    folder,
    archives: Object.fromEntries(found),
    clean: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** Lays an archive out as npm does, in node_modules/ of `app`, without what it depends on. */
export function unpack(archive: string, name: Name, app: string): string {
  const target = join(app, 'node_modules', name)
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['xzf', archive, '-C', target, '--strip-components', '1'])
  return target
}

/** As in a user's shell: vitest says that this is a test, and bundlers take it for development. */
const { NODE_ENV: _, ...env } = process.env

/** What `npm` says in `cwd`, little; throws it if npm fails. */
export function npm(args: string[], cwd: string): string {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const shell = process.platform === 'win32'
  const { status, stdout, stderr } = spawnSync('npm', [...quiet, ...args], { cwd, env, encoding: 'utf8', shell })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  return stdout + stderr
}

/** Vite's development server of `app`, by the Vite that is installed there; `stop` ends it. */
export function develop(app: string): Promise<{ address: string; stop(): void }> {
  const vite = join(app, 'node_modules', 'vite', 'bin', 'vite.js')
  const server = spawn(process.execPath, [vite, '--host', '127.0.0.1', '--port', '0'], { cwd: app, env })
  return new Promise((resolve, reject) => {
    let said = ''
    const hear = (text: Buffer) => {
      said += stripVTControlCharacters(String(text))
      const [address] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? []
      if (address) resolve({ address, stop: () => void server.kill() })
    }
    server.stdout.on('data', hear)
    server.stderr.on('data', hear)
    server.on('exit', () => reject(new Error(`Vite ended: ${said}`)))
  })
}
