/**
 * `import { load } from 'dynedge'` in React Native.
 * @module dynedge, in React Native
 */
import { TurboModuleRegistry } from 'react-native'
import type { BundleInput } from './bundle/source.ts'
import { DynedgeError } from './errors.ts'
import type { Network } from './interface.ts'
import { type LoadOptions, loader } from './load.ts'
import { addressOf } from './native/asset.ts'
import { linked, nativeOpener } from './native/module.ts'
import { NativeNetwork } from './native/network.ts'
import { openerOf } from './native/open.ts'
import { LoadProgress } from './native/progress.ts'
import type { Network as HereNetwork } from './network.ts'

export { bundleCache } from './cache/none.ts'
export * from './index.ts'

const noWasm = async () => {
  throw new DynedgeError('unsupported-engine', 'React Native has no WebAssembly.')
}

/**
 * Loads a bundle from an asset (the number that `require('./model.safetensors')` gives), path, URL, Blob, ArrayBuffer, Response or stream.
 * `cache` and `variant` are without effect. Pictures are computed on another thread than JavaScript's, or by `threads` of them, but by
 * `runSync`; calls of one network take turns.
 * @throws DynedgeError with a `code`: what was found, what was expected; `not-linked` where the app lacks the native part
 */
export async function load(bundle: BundleInput | number, options: LoadOptions = {}): Promise<Network> {
  if (options.worker)
    throw new DynedgeError(
      'usage',
      'React Native has no workers, and calls run on another thread anyway: leave `worker` out of the options of load().',
    )
  const native = linked(TurboModuleRegistry.get('Dynedge'))
  const progress = options.onProgress && new LoadProgress(options.onProgress)
  const loadHere = loader({
    opener: nativeOpener(native),
    wasm: noWasm,
    threads: async () => async (threads) => ({ opener: nativeOpener(native, threads === 'auto' ? 0 : threads) }),
    openOwn: openerOf(native, progress?.fetched),
  })
  const input = typeof bundle === 'number' ? addressOf(bundle, native) : bundle
  const net = await loadHere(input, { ...options, onProgress: progress?.read, cache: false, variant: undefined })
  return new NativeNetwork(net as HereNetwork)
}
