import type { Backend, Later } from '../backend.ts'
import { digesters } from '../bundle/integrity.ts'
import { DynedgeError, type ErrorCode } from '../errors.ts'
import { type Opener, outOfMemory } from '../runtime/module.ts'

/** What native/react-native/DynedgeModule.h offers. Its methods throw, and reject with, Errors that have a `code` of ErrorCode. */
export interface NativeModule {
  /**
   * A new instance with `bytes` bytes of memory, whole pages of 64 KiB, whose runs `threads` threads share: 1 to 16, default 1, 0 for one on
   * each core, at most 4.
   */
  instantiate(bytes: number, threads?: number): NativeInstance
  /** A file by its absolute path, for one reader. */
  openFile(path: string): Promise<NativeFile>
  /** Bytes of base64 with padding. */
  decodeBase64(text: string): ArrayBuffer
  /** Of the app, on Android. */
  packageName(): string
}

/** Until one of its promises is settled, `exports` throw `usage` and nobody touches the memory. */
export interface NativeInstance extends Pick<Backend, 'memory' | 'exports'>, Later {
  /** How many there are, which may be fewer than asked for. */
  readonly threads: number
  digestLater(pointer: number, bytes: number): Promise<number[]>
  dispose(): void
}

export interface NativeFile {
  readonly size: number
  /** Where `read` puts bytes. */
  readonly buffer: ArrayBuffer
  /** How many it has put to the beginning of `buffer`; 0 at the end of the file. */
  read(): Promise<number>
  /** Ends a read that is under way when it is done. May be called again. */
  close(): void
}

/** The native part of the app. Throws `not-linked` where it has none. */
export function linked(module: NativeModule | null | undefined): NativeModule {
  if (!module)
    throw new DynedgeError(
      'not-linked',
      'The native part of dynedge is not in this app: Expo Go cannot have it (make a development build), others need to be built again after installing (on iOS with pod install before). New Architecture only.',
    )
  return module
}

/** @internal An error of the native part as one of ours; its message says what was wrong with `name`. */
export function typed(name: string, cause: unknown): DynedgeError {
  if (cause instanceof DynedgeError) return cause
  const { code = 'bad-input', message } = cause as { code?: ErrorCode; message?: string }
  return new DynedgeError(code, `${name.slice(0, 200)}: ${message ?? cause}`, { cause })
}

/** Instances of the native part, with so many threads each; 0: one on each core, at most 4. */
export function nativeOpener(module: NativeModule, threads = 1): Opener {
  // The memory does not grow: how much of it the module needs for itself is asked once.
  let base = 0
  const openSync = (bytes: number) => {
    base ||= ownBytes(module, threads)
    let instance: NativeInstance
    try {
      instance = module.instantiate(base + bytes, threads)
    } catch (cause) {
      throw outOfMemory(base + bytes, cause)
    }
    const { memory, exports, dispose, digestLater } = instance
    digesters.set(memory.buffer, ({ byteOffset, byteLength }) => digestLater(byteOffset, byteLength))
    const backend: Backend = { memory, exports, later: instance, close: dispose }
    return { backend: threads === 1 ? backend : shared(backend, instance, threads), base }
  }
  return { openSync, open: async (bytes) => openSync(bytes) }
}

/** Its `run` is what `share` is elsewhere, and leaves no thread at work. */
function shared(backend: Backend, { exports, threads }: NativeInstance, asked: number): Backend {
  const note = threads < asked ? `The system gave ${threads} of ${asked} threads.` : undefined
  return {
    ...backend,
    exports: { ...exports, share: (from, to) => exports.run(from, to, 0, 1), quiesce: () => 0 },
    team: { threads, ready: Promise.resolve(threads === 1 && !asked ? 'This machine has one core.' : note) },
  }
}

/** Enough for any module of dynedge's, and little: pages that nobody touches cost nothing. */
const PROBE_BYTES = 2 ** 20

function ownBytes(module: NativeModule, threads: number): number {
  // One on each core are at most four.
  const probe = module.instantiate(PROBE_BYTES)
  const bytes = probe.exports.heapBase(threads || 4)
  probe.dispose()
  return bytes
}
