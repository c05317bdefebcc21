import type { BundleInput } from '../bundle/source.ts'
import type { ErrorCode } from '../errors.ts'
import type { Description, Network } from '../interface.ts'
import type { LoadOptions } from '../load.ts'
import type { WasmAddresses } from '../runtime/page-platform.ts'

/** Methods of a network that a worker answers for. */
export type Method = 'run' | 'classify' | 'classifyFully' | 'kernels' | 'profile'

/** A `Response` as it can be sent. */
export interface SentResponse {
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null
  init: { status: number; statusText: string; headers: [string, string][] }
}

/** Of the options of `load`, what the worker's own `load` gets. */
export type SentOptions = Omit<LoadOptions, 'onProgress' | 'signal' | 'worker' | 'transfer'>

/** Addresses of a page's files, which a script that a bundler moved cannot know: the kernels' binaries, the scripts of what few ask for. */
export type PageFiles = WasmAddresses & { more: string; cache: string }

export type Call =
  | {
      call: 'load'
      bundle: Exclude<BundleInput, Response> | SentResponse
      options: SentOptions
      /** Only in a page. */
      wasm?: PageFiles
    }
  | { call: Method; args: unknown[] }

/** What a worker is asked; each call is answered once. `abort` has the id of the call to give up. */
export type Request = { id: number } & (Call | { call: 'abort' })

/** What does not change while a network lives. */
export type Facts = Pick<Network, 'name' | 'precision' | 'input' | 'labels' | 'graph' | 'variant' | 'threadsNote'>

export interface SentError {
  /** Without it, it was no `DynedgeError`. */
  code?: ErrorCode
  name: string
  message: string
  cause?: unknown
}

/** What a worker says: how far a load is, and the end of a call, with a description where that is another than before. */
export type Reply =
  | { id: number; progress: { loaded: number; total: number } }
  | { id: number; value: unknown; kept: number; description?: Description }
  | { id: number; error: SentError }

/** A started worker, seen from the thread that started it. */
export interface Link {
  post(request: Request, transfer: Transferable[]): void
  /** Must the process wait for it? Only Node asks. */
  hold(busy: boolean): void
  end(): void
}

/** What differs between pages and Node. */
export interface Host {
  /** Starts a worker. `died` says once, and after this function has returned, that it ended by itself. */
  start(hear: (reply: Reply) => void, died: (reason: string) => void): Link
  /** An address as the worker must be given it. */
  address(bundle: string | URL): string
  wasm?: PageFiles
  /** A picture that is neither pixels nor a Blob, as it can be sent. */
  picture?(image: object, transfer: boolean, signal?: AbortSignal): Promise<Sendable>
  /** Throws why a picture could not be sent, from what the browser said. */
  refused?(image: unknown, cause: unknown): Promise<void>
}

export interface Sendable {
  message: unknown
  transfer: Transferable[]
}
