/** What went wrong, for programs; the message is for people. */
export type ErrorCode =
  /** The bytes are not a bundle, or its header contradicts itself. */
  | 'bad-bundle'
  /** A checksum differs: bytes were changed after packing. */
  | 'damaged-bundle'
  /** The bytes end before the header says they do. */
  | 'truncated-bundle'
  /** More bytes than the header says. */
  | 'oversized-bundle'
  /** A container or program version this build does not know. */
  | 'unsupported-version'
  /** A weight layout this build has no kernels for. */
  | 'unsupported-layout'
  /** SHA-256 differs from what the caller asked for. */
  | 'integrity'
  /** No such file, or the server says so. */
  | 'not-found'
  /** Bytes that cannot be fetched, or only a part of them. */
  | 'network'
  /** Not a picture, or one that cannot be read. */
  | 'bad-image'
  /** A wrong option or argument. */
  | 'bad-input'
  /** Weights or a foreign model that cannot become a bundle. */
  | 'bad-model'
  /** A program that the module's verifier refuses. */
  | 'bad-program'
  /** A layer without a kernel. */
  | 'unsupported-op'
  /** The engine lacks a WebAssembly feature that was asked for. */
  | 'unsupported-engine'
  /** Memory that cannot be had. */
  | 'out-of-memory'
  /** The network was disposed of. */
  | 'disposed'
  /** The caller's signal ended the call. */
  | 'aborted'
  /** The module trapped; the network is unusable afterwards. */
  | 'trap'
  /** The worker that a network lives in ended or cannot start; the next call starts another. */
  | 'worker'
  /** React Native: the app was built without dynedge's native part. */
  | 'not-linked'
  /** A call that makes no sense where it is made. */
  | 'usage'

/** Every error that dynedge throws on purpose: branch on `code`, show `message`. */
export class DynedgeError extends Error {
  /** What went wrong. */
  readonly code: ErrorCode

  /** `options.cause` is the error that led to it. */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DynedgeError'
    this.code = code
  }
}

/** @internal */
export function aborted(signal: AbortSignal): DynedgeError {
  return new DynedgeError('aborted', 'The call was aborted by its caller.', { cause: signal.reason })
}

/** @internal Throws `aborted` if it is. */
export function checkSignal(signal?: AbortSignal | null): void {
  if (signal?.aborted) throw aborted(signal)
}
