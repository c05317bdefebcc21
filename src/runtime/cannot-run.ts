// Why the kernels do not run. A page loads it only when that is so; it shares no code with the rest.
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

/** The error of an engine without SIMD, or without relaxed SIMD that was asked for. */
export const lacking = (hasSimd: boolean, Refusal: typeof DynedgeError): DynedgeError =>
  new Refusal(
    'unsupported-engine',
    hasSimd
      ? 'This engine has no relaxed SIMD (Chrome 114, Firefox 145, Node 21); leave the variant to dynedge, or ask for simd.'
      : 'This engine has no WebAssembly SIMD (needs Chrome 91, Firefox 89, Safari 16.4 or Node 20).',
  )
