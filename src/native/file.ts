import type { Source } from '../bundle/source.ts'
import { checkSignal, DynedgeError } from '../errors.ts'
import { type NativeFile, type NativeModule, typed } from './module.ts'

/** Opens a file by path or file: address. Throws `not-found`, or `bad-input` for what cannot be read. */
export async function openFile(address: string, native: NativeModule, signal?: AbortSignal): Promise<Source> {
  const path = pathOf(address)
  let file: NativeFile
  try {
    file = await native.openFile(path)
  } catch (cause) {
    throw typed(address, cause)
  }
  async function* read() {
    try {
      while (true) {
        checkSignal(signal)
        const bytes = await file.read()
        if (!bytes) return
        checkSignal(signal)
        yield new Uint8Array(file.buffer, 0, bytes)
      }
    } catch (cause) {
      throw typed(address, cause)
    } finally {
      file.close()
    }
  }
  return { name: address, size: file.size, stream: read(), cancel: async () => file.close() }
}

/** A path is taken as it is; a file: address has its characters decoded. */
function pathOf(address: string): string {
  if (address.startsWith('/')) return address
  const [, host = '', encoded = ''] = /^file:(?:\/\/([^/?#]*))?(\/[^?#]*)?/i.exec(address) ?? []
  try {
    if (encoded && (!host || host === 'localhost')) return decodeURIComponent(encoded)
  } catch {}
  throw new DynedgeError('bad-input', `${address} is no address of a file here, expected file:///folder/name`)
}
