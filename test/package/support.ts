import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

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

/** `npm` in `cwd`, quiet; what it says stands in the error if it fails. */
export function npm(args: string[], cwd: string): string {
  return execFileSync('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
}
