/**
 * Flags for a thread of this process, where they cannot be its own: `--input-type` is refused where there is a file. To name others anew
 * would fail for those that only a process may have.
 */
export const threadFlags = (): string[] | undefined =>
  process.execArgv.some((flag) => flag.startsWith('--input-type')) ? [] : undefined
