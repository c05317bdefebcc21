import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { threadFlags } from '../../worker/node-flags.ts'
import type { Prepare } from '../module.ts'
import { preparing, type ThreadHost } from './prepare.ts'
import type { StartThread } from './team.ts'

/** Threads by node:worker_threads; the built files lie at `base`, or beside it. */
export function prepareIn(base: URL | string): Prepare {
  return preparing(nodeHost(base))
}

const nodeHost = (base: URL | string): ThreadHost => ({
  cores: availableParallelism,
  obstacle: () => undefined,
  wasm: async (binary) => new Uint8Array(await readFile(new URL(`dynedge.${binary}.wasm`, base))),
  start: startNodeThread(new URL('thread-node.js', base)),
})

const startNodeThread =
  (script: URL): StartThread =>
  (gone) => {
    const worker = new Worker(script, { execArgv: threadFlags() })
    let reason = 'A thread ended by itself.'
    let ended = false
    const ready = new Promise<void>((resolve) => {
      worker.once('message', () => {
        // A program may end while threads wait for work.
        worker.unref()
        resolve()
      })
      worker.once('error', (error) => {
        reason = `A thread failed: ${error.message}`
      })
      worker.once('exit', () => {
        if (!ended) gone(reason)
        resolve()
      })
    })
    return {
      ready,
      enter: (start) => worker.postMessage(start),
      end() {
        ended = true
        worker.terminate()
      },
    }
  }
