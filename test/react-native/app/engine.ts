/** What host/main.cpp gives a script. */
export interface Host {
  print(text: string): void
  /** Milliseconds. */
  now(): number
  /** Bytes of the files of the command line. */
  files: ArrayBuffer[]
  __turboModuleProxy(name: string): import('../../../src/native/module.ts').NativeModule | null
}

export const host = globalThis as unknown as Host
