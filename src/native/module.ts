import type { Backend, Later } from '../backend.ts'
import { digesters } from '../bundle/integrity.ts'
import { DynedgeError } from '../errors.ts'
import { type Opener, outOfMemory } from '../runtime/module.ts'

/** What native/react-native/DynedgeModule.h offers. */
export interface NativeModule {
  /** A new instance with `bytes` bytes of memory, whole pages of 64 KiB. Throws an Error with a `code` of ErrorCode. */
  instantiate(bytes: number): NativeInstance
}

/** Until one of its promises is settled, `exports` throw `usage` and nobody touches the memory. */
export interface NativeInstance extends Pick<Backend, 'memory' | 'exports'>, Later {
  digestLater(pointer: number, bytes: number): Promise<number[]>
  dispose(): void
}

/** Instances of the native part. Throws `not-linked` where the app has none. */
export function nativeOpener(module: NativeModule | null | undefined): Opener {
  if (!module)
    throw new DynedgeError(
      'not-linked',
      'The native part of dynedge is not in this app: Expo Go cannot have it (make a development build), others need to be built again after installing (on iOS with pod install before). New Architecture only.',
    )
  // The memory does not grow: how much of it the module needs for itself is asked once.
  let base = 0
  const openSync = (bytes: number) => {
    base ||= ownBytes(module)
    let instance: NativeInstance
    try {
      instance = module.instantiate(base + bytes)
    } catch (cause) {
      throw outOfMemory(base + bytes, cause)
    }
    const { memory, exports, dispose, digestLater } = instance
    digesters.set(memory.buffer, ({ byteOffset, byteLength }) => digestLater(byteOffset, byteLength))
    return { backend: { memory, exports, later: instance, close: dispose }, base }
  }
  return { openSync, open: async (bytes) => openSync(bytes) }
}

/** Enough for any module of dynedge's, and little: pages that nobody touches cost nothing. */
const PROBE_BYTES = 2 ** 20

function ownBytes(module: NativeModule): number {
  const probe = module.instantiate(PROBE_BYTES)
  const bytes = probe.exports.heapBase()
  probe.dispose()
  return Math.ceil(bytes / 64) * 64
}
