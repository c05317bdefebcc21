import type { DynedgeError } from '../errors.ts'

/** Makes an error of what keeps the kernels from running: their file cannot be had, or a page's policy is against it. */
export function refused(cause: unknown, Refusal: typeof DynedgeError): never {
  if (cause instanceof Refusal) throw cause
  throw new Refusal(
    'unsupported-engine',
    `The kernels cannot run (${(cause as Error).message}): are the files dynedge.*.wasm where they should be, does the page's policy have script-src 'wasm-unsafe-eval'?`,
    { cause },
  )
}
