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
  /** Ends its workers, gives its memory back; missing where nothing has to be done. Nobody calls it afterwards. */
  close?(): void
}

export interface Team {
  /** How many run now, the caller included. */
  readonly threads: number
  /** When all are up; with a reason if fewer are than asked for. */
  readonly ready: Promise<string | undefined>
}
