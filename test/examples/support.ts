import { cpSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from '../package/support.ts'

/** A copy of an example in `folder`, as a user would take it: without what was installed there. */
export function copyExample(name: string, folder: string): string {
  const copy = join(folder, name)
  const isKept = (path: string) => !['node_modules', 'dist'].includes(basename(path))
  cpSync(join(ROOT, 'examples', name), copy, { recursive: true, filter: isKept })
  return copy
}
