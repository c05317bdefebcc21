import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureEngines, install } from '../../tools/engines.mjs'
import { ROOT } from '../native/support.ts'

export const EXAMPLE = join(ROOT, 'react-native', 'example')
export const MODULES = join(EXAMPLE, 'node_modules')

/** React Native's tools want a Node of 22.13 at least. */
const LEAST = [22, 13]

function newEnough(): boolean {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])
}

/** Installs what the example app needs, where that was not done. */
export function installExample(): void {
  install(EXAMPLE)
}

/** What a script of the example's packages prints, run by a Node that they take; errors to the caller, with all that was printed. */
export function runTool(script: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  const node = newEnough() ? process.execPath : ensureEngines()
  if (!node) throw new Error('React Native wants Node 22.13 or later, and test/engines could not be installed.')
  try {
    return execFileSync(node, [join(MODULES, script), ...args], {
      cwd: EXAMPLE,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 26,
    })
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout: string; stderr: string; message: string }
    throw new Error(`${message}\n${stdout}\n${stderr}`, { cause: error })
  }
}
