import { SCRATCH_BYTES } from '../../../assembly/program/format.ts'
import type { Backend } from '../../backend.ts'
import type { Opened, outOfMemory } from '../module.ts'

/** What a worker gets to begin with. */
export interface ThreadStart {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  /** Its number, from 1 on: the caller is 0. */
  thread: number
}

/** A worker that takes part. */
export interface Hand {
  /** Settles once it waits for work, or cannot begin. */
  ready: Promise<unknown>
  end(): void
}

/** How a platform starts one; `gone` is called once it ends by itself, ready or not. */
export type StartThread = (start: ThreadStart, gone: (reason: string) => void) => Hand

/** Pages of 64 KB that the module itself needs, without scratch: initialMemory of asconfig.json. */
const OWN_PAGES = 1
const PAGE = 65536

/**
 * An instance over shared memory and `threads - 1` workers that run the same program with it (assembly/threads/share.ts). It can run
 * before they are up, and when they are gone: nobody waits for a worker that holds no units.
 */
export function openTeam(
  module: WebAssembly.Module,
  bytes: number,
  threads: number,
  start: StartThread,
  refuse: typeof outOfMemory,
): Opened {
  const memory = sharedMemory(OWN_PAGES + Math.ceil((bytes + threads * SCRATCH_BYTES) / PAGE), refuse)
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Backend['exports']
  const team = hire({ module, memory, thread: 0 }, threads, start, exports.stop)
  const backend: Backend = {
    memory,
    exports,
    team: {
      get threads() {
        return 1 + team.present()
      },
      ready: team.ready,
    },
    close: team.end,
  }
  forgotten.register(backend, team.end)
  return { backend, base: exports.heapBase(threads) }
}

/** Its maximum is exact: a large one is refused on phones. */
function sharedMemory(pages: number, refuse: typeof outOfMemory): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (cause) {
    throw refuse(pages * PAGE, cause)
  }
}

/** A network that is forgotten without dispose() takes its workers along. */
const forgotten = new FinalizationRegistry<() => void>((end) => end())

/** Knows nothing of the backend, which could not be forgotten otherwise. */
function hire(common: ThreadStart, threads: number, start: StartThread, stop: (status: number) => void) {
  const hands: Hand[] = []
  const losses: string[] = []
  for (let thread = 1; thread < threads; ++thread)
    hands.push(start({ ...common, thread }, (reason) => losses.push(reason)))
  return {
    present: () => hands.length - losses.length,
    /** Why there are fewer than asked for, if so. */
    ready: Promise.allSettled(hands.map((hand) => hand.ready)).then(() => losses[0]),
    end() {
      stop(0)
      for (const hand of hands) hand.end()
    },
  }
}
