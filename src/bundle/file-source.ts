import { type FileHandle, open } from 'node:fs/promises'
import { DynedgeError } from '../errors.ts'
import type { OpenOwn, Source } from './source.ts'

const CHUNK_BYTES = 1 << 20

/** Opens paths and file: addresses; what is for the web is not Node's own. */
export const openLocal: OpenOwn = async (input) =>
  (typeof input === 'string' || input instanceof URL) && !/^(https?|blob|data):/i.test(`${input}`)
    ? openFile(input)
    : undefined

/**
 * Opens a file by path or file: address, for Node.
 * @throws DynedgeError `not-found`, or `bad-input` for what cannot be read
 */
export async function openFile(path: string | URL): Promise<Source> {
  const where = typeof path === 'string' && path.startsWith('file:') ? new URL(path) : path
  const name = where instanceof URL ? where.href : where
  let handle: FileHandle | undefined
  try {
    handle = await open(where, 'r')
    const stat = await handle.stat()
    if (stat.isDirectory()) throw new DynedgeError('bad-input', `${name} is a directory, expected a bundle file`)
    return fromHandle(name, handle, stat.isFile() ? stat.size : undefined)
  } catch (cause) {
    await handle?.close()
    throw asError(name, cause)
  }
}

function fromHandle(name: string, handle: FileHandle, size: number | undefined): Source {
  let closed: Promise<void> | undefined
  const cancel = () => {
    closed ??= handle.close().catch(() => {})
    return closed
  }
  async function* read() {
    const buffer = new Uint8Array(CHUNK_BYTES)
    try {
      while (true) {
        const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, null)
        if (!bytesRead) return
        yield buffer.subarray(0, bytesRead)
      }
    } catch (cause) {
      throw asError(name, cause)
    } finally {
      await cancel()
    }
  }
  return { name, size, stream: read(), cancel }
}

function asError(name: string, cause: unknown): DynedgeError {
  if (cause instanceof DynedgeError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return new DynedgeError('not-found', `${name}: no such file`, { cause })
  return new DynedgeError('bad-input', `${name} cannot be read (${code ?? message})`, { cause })
}
