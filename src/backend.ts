/**
 * The one seam below the SDK: a memory and flat functions of integers. WebAssembly fills it in a
 * page, a worker or Node; the C build fills it in React Native. Addresses are byte offsets.
 */
export interface Backend {
  /** `buffer` is read anew after anything that may grow the memory. */
  readonly memory: { readonly buffer: ArrayBufferLike }
  readonly exports: Record<string, (...args: number[]) => number>
  /** The workers that share its memory and its work; missing where there is one thread. */
  readonly team?: Team
  /** Runs steps while this thread goes on; missing where nobody can. */
  readonly later?: Later
  /** Ends its workers, gives its memory back; missing where nothing has to be done. Nobody calls it afterwards. */
  close?(): void
}

/** One call at a time; until it is settled, the memory is not this thread's. A failure is an Error with a `code` of ErrorCode. */
export interface Later {
  /** Steps from .. to - 1 of the verified program: the status of `exports.run`. */
  runLater(from: number, to: number): Promise<number>
  /** The same: how many milliseconds each step took. */
  timesLater(from: number, to: number): Promise<number[]>
  /** Ends the call after the step that it is at, with `aborted`. */
  cancel(): void
}

export interface Team {
  /** How many run now, the caller included. */
  readonly threads: number
  /** When all are up; with a reason if fewer are than asked for. */
  readonly ready: Promise<string | undefined>
}
