/**
 * `import { load } from 'dynedge/inline'`: everything in one script, for places that cannot serve files beside it.
 * @module dynedge/inline
 */
import type { BundleInput } from './bundle/source.ts'
import { deleteBundles, listBundles } from './cache/manage.ts'
import { DynedgeError } from './errors.ts'
import { inlinePlatform, unpacked } from './inline/platform.ts'
import type { BundleCache, Network } from './interface.ts'
import { type LoadOptions, loader } from './load.ts'
import { type PageNetwork, streamed } from './stream.ts'
import { pageHost } from './worker/page-host.ts'
import type { Host } from './worker/protocol.ts'
import { loadInWorker } from './worker/remote.ts'

export * from './index.ts'
export type { PageNetwork, StreamedFrame, StreamOptions } from './stream.ts'

/** What tools/build.mjs writes in: the baseline binary and src/inline/inline-worker.ts, each gzipped, in base64. */
declare const PACKED_WASM: string
declare const PACKED_WORKER: string

// Named once: the build writes the text wherever the name stands.
const wasm = PACKED_WASM
const loadHere = loader(inlinePlatform(wasm))

/** What `load(url, { cache: true })` has kept. */
export const bundleCache: BundleCache = { list: listBundles, delete: deleteBundles }

/**
 * `load` of dynedge for places that cannot serve files: this script fetches nothing of its own. It has the baseline binary and one thread;
 * `worker: true` starts from a blob.
 * @throws DynedgeError as that of dynedge; `unsupported-engine` for `variant: 'relaxed'`, `worker` where there are no workers
 */
export async function load(bundle: BundleInput, options: LoadOptions = {}): Promise<PageNetwork> {
  const { variant = 'simd', worker } = options
  if (variant !== 'simd')
    throw new DynedgeError(
      'unsupported-engine',
      `dynedge/inline carries the binary simd only, got variant ${variant}: leave it away, or import dynedge and serve its files.`,
    )
  const net = await (worker ? loadAway : loadHere)(bundle, { ...options, variant })
  return Object.assign(net, {
    async *stream(...[video, options = {}]: Parameters<PageNetwork['stream']>) {
      yield* streamed(net, video, options)
    },
  })
}

async function loadAway(bundle: BundleInput, options: LoadOptions): Promise<Network> {
  if (typeof Worker === 'undefined')
    throw new DynedgeError(
      'worker',
      'A script here cannot start a worker (a service worker cannot, and Node has another kind): load without worker.',
    )
  script ??= workerAddress()
  const likely = "a page's policy must have worker-src blob:"
  const host = pageHost(await script, String)
  const start: Host['start'] = (hear, died) => {
    try {
      return host.start(hear, (reason) => died(`${reason}: ${likely}`))
    } catch (cause) {
      // WebKit's way to refuse.
      throw new Error(`${(cause as Error).message}: ${likely}`, { cause })
    }
  }
  return loadInWorker({ ...host, start }, bundle, options)
}

let script: Promise<string> | undefined

/** One blob for all workers of the page. */
async function workerAddress(): Promise<string> {
  const code = [`var dynedgeWasm="${wasm}";`, await unpacked(PACKED_WORKER).text()]
  return URL.createObjectURL(new Blob(code, { type: 'text/javascript' }))
}
