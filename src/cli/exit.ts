import type { ChildProcess } from 'node:child_process'

/** Ends a command that has said everything by itself. */
export class Exit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit code ${code}`)
    this.code = code
  }
}

/** Ends as `child` does: throws `Exit` when that has ended, or why it cannot be started. */
export function exitWith(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => reject(new Exit(signal ? 1 : (code ?? 1))))
  })
}
