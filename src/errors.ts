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
  | 'not-found'
  | 'network'
  | 'bad-image'
  | 'bad-input'
  /** Weights or a foreign model that cannot become a bundle. */
  | 'bad-model'
  /** A program that the module's verifier refuses. */
  | 'bad-program'
  | 'unsupported-op'
  /** The engine lacks a WebAssembly feature that was asked for. */
  | 'unsupported-engine'
  | 'out-of-memory'
  | 'disposed'
  | 'aborted'
  /** The module trapped; the network is unusable afterwards. */
  | 'trap'
  /** The worker that a network lives in ended or cannot start; the next call starts another. */
  | 'worker'
  | 'usage'

/** Every error that dynedge throws on purpose: branch on `code`, show `message`. */
export class DynedgeError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DynedgeError'
    this.code = code
  }
}
