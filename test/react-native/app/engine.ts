/** What host/main.cpp gives a script. */
export interface Host {
  print(text: string): void
  /** Milliseconds. */
  now(): number
  /** Bytes of the files of the command line. */
  files: ArrayBuffer[]
  /** Makes a file so many bytes long. */
  truncate(path: string, bytes: number): void
  /** How many files and the like the program has open. */
  openDescriptors(): number
  setTimeout(body: () => void, ms: number): void
  /** Ends the program when what runs has returned: the module goes with the runtime, or after it. */
  end(first?: 'runtime'): void
  __turboModuleProxy(name: string): import('../../../src/native/module.ts').NativeModule | null
}

export const host = globalThis as unknown as Host

/** Ends the program when `work` has ended, with an error where it failed. */
export function ending(work: Promise<unknown>): void {
  const fail = (error: unknown) =>
    host.setTimeout(() => {
      throw error
    }, 0)
  work.then(() => host.end(), fail)
}

/** What React Native puts into every engine, as far as dynedge asks for it. */
export function furnish(more = {}): void {
  Object.assign(globalThis, { performance: { now: host.now }, URL: class {}, ...more })
}

export const sleep = (ms: number) => new Promise<void>((resolve) => host.setTimeout(resolve, ms))

/** What a call came to: what it gave, or the code and message of its error. */
export interface Told {
  gave?: unknown
  code?: string
  message?: string
  isError?: boolean
}

/** What a script prints of a call. */
export interface Line extends Told {
  what: string
}

export async function toldOf(call: () => unknown): Promise<Told> {
  try {
    return { gave: (await call()) ?? null }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return { code, message, isError: error instanceof Error }
  }
}
