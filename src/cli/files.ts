import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { DynedgeError, type ErrorCode } from '../errors.ts'

/** Reads a file whole; `what` names it in errors. Throws `not-found` or `code`. */
export async function readWhole(path: string, what: string, code: ErrorCode = 'bad-input'): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code
    if (reason === 'ENOENT' || reason === 'ENOTDIR')
      throw new DynedgeError('not-found', `${path}: no such file`, { cause })
    if (reason === 'EISDIR') throw new DynedgeError(code, `${path}: this is a directory, expected ${what}`, { cause })
    throw new DynedgeError(code, `${path}: cannot be read (${reason ?? (cause as Error).message})`, { cause })
  }
}

/** Writes a file whole or not at all. Throws `usage`. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${process.pid}.part`
  try {
    await writeFile(part, bytes)
    await rename(part, path)
  } catch (cause) {
    await rm(part, { force: true })
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message
    throw new DynedgeError('usage', `${path} cannot be written (${reason})`, { cause })
  }
}
