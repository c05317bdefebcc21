import { type BundleInput, type Source, transport } from '../bundle/source.ts'
import { checkSignal, DynedgeError } from '../errors.ts'
import type { NativeModule } from './module.ts'

/** What JavaScript gets of a Blob at a time, which is text on its way. */
const SLICE_BYTES = 1 << 20

/** Blobs of React Native keep their bytes outside of JavaScript until they are closed or forgotten. */
type HeldBlob = Blob & { close?(): void }

/** By shape: classes of polyfills do not always say their names. */
export const isBlob = (input: BundleInput): input is Blob =>
  typeof input === 'object' && input !== null && 'size' in input && 'type' in input && 'slice' in input

/** Reads a Blob, by slices where it has no stream. `release` gives it back once it was read or is given up. */
export function openBlob(
  name: string,
  blob: Blob,
  native: NativeModule,
  signal?: AbortSignal,
  release?: () => void,
): Source {
  let isHeld = true
  const close = () => {
    if (isHeld) release?.()
    isHeld = false
  }
  const fault = (cause: unknown) => {
    close()
    if (cause instanceof DynedgeError) return cause
    return new DynedgeError('bad-input', `${name} cannot be read (${(cause as Error)?.message ?? cause})`, { cause })
  }
  async function* read(size: number) {
    try {
      for (let at = 0; at < size; at += SLICE_BYTES) {
        const slice: HeldBlob = blob.slice(at, Math.min(at + SLICE_BYTES, size))
        const text = await dataAddressOf(slice)
        slice.close?.()
        checkSignal(signal)
        yield new Uint8Array(native.decodeBase64(text.slice(text.indexOf(',') + 1)))
      }
    } catch (cause) {
      throw fault(cause)
    } finally {
      close()
    }
  }
  try {
    // One that was closed has no size.
    const { size } = blob
    if (typeof blob.stream === 'function') return transport.read(name, blob.stream(), size, signal)
    return { name, size, stream: read(size), cancel: async () => close() }
  } catch (cause) {
    throw fault(cause)
  }
}

const dataAddressOf = (blob: Blob) =>
  new Promise<string>((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result as string)
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(blob)
  })
