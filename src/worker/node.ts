import { Worker } from 'node:worker_threads'
import type { BundleInput } from '../bundle/source.ts'
import type { Network } from '../interface.ts'
import type { LoadOptions } from '../load.ts'
import { threadFlags } from './node-flags.ts'
import type { Host } from './protocol.ts'
import { loadInWorker } from './remote.ts'

/** `load` into a thread of Node. */
export const load = (bundle: BundleInput, options: LoadOptions): Promise<Network> => loadInWorker(node, bundle, options)

const node: Host = {
  address: String,

  start(hear, died) {
    const worker = new Worker(new URL('./node-worker.js', import.meta.url), { execArgv: threadFlags() })
    let reason = ''
    worker.on('message', hear)
    worker.on('error', (error: Error) => {
      reason = `: ${error.message}`
    })
    worker.on('exit', (code) => died(`the thread ended with exit code ${code}${reason}`))
    return {
      post: (request, transfer) => worker.postMessage(request, transfer as never),
      hold: (busy) => (busy ? worker.ref() : worker.unref()),
      end: () => void worker.terminate(),
    }
  },
}
