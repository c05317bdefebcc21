import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Prepare } from '../module.ts'
import { preparing, type ThreadHost } from './prepare.ts'
import type { StartThread } from './team.ts'

/** Threads by node:worker_threads; `folder` holds the built files. */
export function prepareIn(folder: URL): Prepare {
  return preparing(nodeHost(folder))
}

const nodeHost = (folder: URL): ThreadHost => ({
  cores: availableParallelism,
  obstacle: () => undefined,
  wasm: async (binary) => new Uint8Array(await readFile(new URL(`dynedge.${binary}.wasm`, folder))),
  start: startNodeThread(new URL('thread-node.js', folder)),
})

const startNodeThread =
  (script: URL): StartThread =>
  (start, gone) => {
    const worker = new Worker(script, { workerData: start })
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
      end() {
        ended = true
        worker.terminate()
      },
    }
  }
