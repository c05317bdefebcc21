import { openHeld } from '../bundle/held.ts'
import { type BundleInput, type OpenOwn, type Source, transport } from '../bundle/source.ts'
import { DynedgeError } from '../errors.ts'
import { isBlob, openBlob } from './blob.ts'
import { openDataAddress } from './data-address.ts'
import { download } from './download.ts'
import { openFile } from './file.ts'
import type { NativeModule } from './module.ts'

/** Called as a download goes on, in bytes of the file. */
export type OnDownload = (loaded: number, total: number) => void

/** How React Native reads: files by the native part, and what its own fetch, Blobs and Responses cannot give as streams. */
export function openerOf(native: NativeModule, onDownload?: OnDownload): OpenOwn {
  return async (input, signal) => {
    if (typeof input === 'string' || input instanceof URL) return openAddress(`${input}`, native, signal, onDownload)
    if (isResponse(input)) return openResponse(input, native, signal)
    if (isBlob(input)) return openBlob('The blob', input, native, signal)
    return undefined
  }
}

async function openAddress(
  address: string,
  native: NativeModule,
  signal?: AbortSignal,
  onDownload?: OnDownload,
): Promise<Source | undefined> {
  const scheme = /^[a-z][a-z\d+.-]*(?=:)/i.exec(address)?.[0].toLowerCase()
  if (scheme === 'file' || address.startsWith('/')) return openFile(address, native, signal)
  if (scheme === 'data') return openDataAddress(address, native)
  if (!scheme)
    throw new DynedgeError(
      'bad-input',
      `"${address.slice(0, 200)}" is a relative path, which means nothing in an app: expected an address, a path from / on, or require('./model.safetensors').`,
    )
  // Of an app that has brought another fetch.
  const streams = typeof Response !== 'undefined' && 'body' in Response.prototype
  return streams && scheme.startsWith('http') ? undefined : download(address, native, signal, onDownload)
}

async function openResponse(response: Response, native: NativeModule, signal?: AbortSignal): Promise<Source> {
  const { accept, read, sizeOf } = transport
  const name = response.url || 'The response'
  accept(response, name)
  if (response.body) return read(name, response.body, sizeOf(response), signal)
  // Of bytes that JavaScript has, React Native makes no Blob; asking for one uses the Response up all the same.
  const spare = response.clone()
  const blob = await Promise.resolve()
    .then(() => response.blob())
    .catch(() => undefined)
  return blob ? openBlob(name, blob, native, signal) : openHeld(await spare.arrayBuffer(), signal, transport)
}

/** By shape: classes of polyfills do not always say their names. */
const isResponse = (input: BundleInput): input is Response =>
  typeof input === 'object' && input !== null && 'status' in input && 'headers' in input
