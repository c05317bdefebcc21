/**
 * `import { load } from 'dynedge'` in React Native.
 * @module dynedge, in React Native
 */
import { TurboModuleRegistry } from 'react-native'
import type { BundleInput } from './bundle/source.ts'
import { DynedgeError } from './errors.ts'
import { type Load, loader } from './load.ts'
import { nativeOpener } from './native/module.ts'
import { NativeNetwork } from './native/network.ts'
import type { Network } from './network.ts'

export { bundleCache } from './cache/none.ts'
export * from './index.ts'

const noWasm = async () => {
  throw new DynedgeError('unsupported-engine', 'React Native has no WebAssembly.')
}
const noThreads = async () => async () => ({ note: 'In React Native a network has one thread.' })

/**
 * Loads a bundle from an http(s) URL, Blob, ArrayBuffer or Response. `cache` and `variant` are without effect. Pictures are computed on another thread than
 * JavaScript's, but by `runSync`; calls of one network take turns.
 * @throws DynedgeError with a `code`: what was found, what was expected; `not-linked` where the app lacks the native part
 */
export const load: Load = async (bundle, options = {}) => {
  if (options.worker)
    throw new DynedgeError(
      'usage',
      'React Native has no workers, and calls run on another thread anyway: leave `worker` out of the options of load().',
    )
  const opener = nativeOpener(TurboModuleRegistry.get('Dynedge'))
  const loadHere = loader({ opener, wasm: noWasm, threads: noThreads })
  return new NativeNetwork(
    (await loadHere(await held(bundle), { ...options, cache: false, variant: undefined })) as Network,
  )
}

/** A Blob or Response of React Native's own, which have no streams, in bytes. */
async function held(bundle: BundleInput): Promise<BundleInput> {
  if (typeof bundle !== 'object' || bundle === null || ('body' in bundle && bundle.body)) return bundle
  if ('status' in bundle && 'arrayBuffer' in bundle) {
    if (!bundle.ok)
      throw new DynedgeError(
        bundle.status === 404 || bundle.status === 410 ? 'not-found' : 'network',
        `${bundle.url || 'The response'}: the server answered ${bundle.status} ${bundle.statusText}`.trim(),
      )
    return bundle.arrayBuffer()
  }
  if (typeof Blob !== 'undefined' && bundle instanceof Blob && !('stream' in bundle))
    return new Response(bundle as Blob).arrayBuffer()
  return bundle
}
