import { openHeld } from '../bundle/held.ts'
import { type Source, transport } from '../bundle/source.ts'
import { DynedgeError } from '../errors.ts'
import { type NativeModule, typed } from './module.ts'

/** The bytes in a `data:` address. */
export async function openDataAddress(address: string, native: NativeModule): Promise<Source> {
  const comma = address.indexOf(',')
  const head = address.slice(0, Math.max(comma, 0))
  if (!/;base64$/i.test(head))
    throw new DynedgeError('bad-input', `A data: address begins with ${address.slice(0, 40)}, expected data:;base64,`)
  let bytes: ArrayBuffer
  try {
    bytes = native.decodeBase64(address.slice(comma + 1))
  } catch (cause) {
    throw typed('The data: address', cause)
  }
  return openHeld(bytes, undefined, transport)
}
