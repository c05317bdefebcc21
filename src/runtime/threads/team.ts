import { SCRATCH_BYTES } from '../../../assembly/program/format.ts'
import type { Backend } from '../../backend.ts'
import type { Opened, Opener, outOfMemory } from '../module.ts'

/** What a worker gets to take part in the work on one memory. */
export interface ThreadStart {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  /** Its number, from 1 on: the caller is 0. */
  thread: number
}

/** A worker that takes part. */
export interface Hand {
  /** Has it take part in the work on this memory, once that on the one before has been stopped. */
  enter(start: ThreadStart): void
  /** Settles once it waits for work, or cannot begin. */
  ready: Promise<unknown>
  end(): void
}

/** How a platform starts one; `gone` is called once it ends by itself, ready or not. */
export type StartThread = (gone: (reason: string) => void) => Hand

/** Pages of 64 KB that the module itself needs, without scratch: initialMemory of asconfig.json. */
const OWN_PAGES = 1
const PAGE = 65536
const MOST_PAGES = 65536
/** How many times its first size a memory may grow to: room for pictures of thrice the height and width, of addresses alone. */
const GROWTH = 4

/**
 * Instances over shared memory, and `threads - 1` workers that run the same program with them (assembly/threads/share.ts). An instance can run
 * before the workers are up, and when they are gone: nobody waits for a worker that holds no units. More memory for the same network is the same
 * one, grown, or a new one that the same workers go on to.
 */
export function teamOpener(
  module: WebAssembly.Module,
  threads: number,
  start: StartThread,
  refuse: typeof outOfMemory,
): Opener {
  const crew = new Crew(threads, start)
  let place: Place | undefined
  const openSync = (bytes: number): Opened => {
    const pages = OWN_PAGES + Math.ceil((bytes + threads * SCRATCH_BYTES) / PAGE)
    if (!place?.grow(pages)) place = new Place(crew, module, sharedMemory(pages, refuse))
    const { memory, exports } = place
    const leave = place.use()
    const team = {
      get threads() {
        return 1 + crew.present
      },
      ready: crew.ready,
    }
    const backend: Backend = { memory, exports, team, close: leave }
    forgotten.register(backend, leave)
    return { backend, base: exports.heapBase(threads) }
  }
  return { openSync, open: async (bytes) => openSync(bytes) }
}

/** Phones refuse a large maximum: room to grow if it can be had. */
function sharedMemory(initial: number, refuse: typeof outOfMemory): WebAssembly.Memory {
  const upTo = (maximum: number) => new WebAssembly.Memory({ initial, maximum, shared: true })
  try {
    return upTo(Math.min(initial * GROWTH, MOST_PAGES))
  } catch {
    try {
      return upTo(initial)
    } catch (cause) {
      throw refuse(initial * PAGE, cause)
    }
  }
}

/** A network that is forgotten without dispose() takes its workers along. */
const forgotten = new FinalizationRegistry<() => void>((leave) => leave())

/** A memory in which the workers of a crew take part. It and its crew know nothing of the backends made of it, which could not be forgotten otherwise. */
class Place {
  readonly exports: Backend['exports']
  private users = 0

  constructor(
    private readonly crew: Crew,
    module: WebAssembly.Module,
    readonly memory: WebAssembly.Memory,
  ) {
    this.exports = new WebAssembly.Instance(module, { env: { memory } }).exports as Backend['exports']
    crew.enter({ module, memory })
  }

  /** Grows to so many pages; false where it cannot, or is over. */
  grow(pages: number): boolean {
    if (!this.users) return false
    const missing = pages - this.memory.buffer.byteLength / PAGE
    try {
      if (missing > 0) this.memory.grow(missing)
      return true
    } catch {
      return false
    }
  }

  /** Counts a user. Returns what ends his use; the last one's ends the place. */
  use(): () => void {
    ++this.users
    let over = false
    return () => {
      if (over) return
      over = true
      if (--this.users) return
      this.exports.stop(0)
      this.crew.leave()
    }
  }
}

/** The workers of a network. They last as long as it has a memory: starting others takes long, and Firefox may hang over it. */
class Crew {
  private members: { hand: Hand; loss?: string }[] = []
  private places = 0

  constructor(
    private readonly threads: number,
    private readonly start: StartThread,
  ) {}

  /** How many there are. */
  get present(): number {
    return this.members.filter(({ loss }) => !loss).length
  }

  /** When all are up; with a reason if fewer are than asked for. */
  get ready(): Promise<string | undefined> {
    const { members } = this
    return Promise.allSettled(members.map(({ hand }) => hand.ready)).then(() => members.find(({ loss }) => loss)?.loss)
  }

  enter(common: Omit<ThreadStart, 'thread'>): void {
    ++this.places
    for (let thread = 1; thread < this.threads; ++thread) {
      const member = this.members[thread - 1]
      if (!member || member.loss) this.members[thread - 1] = this.hire(member)
      this.members[thread - 1].hand.enter({ ...common, thread })
    }
  }

  leave(): void {
    if (--this.places) return
    for (const { hand } of this.members.splice(0)) hand.end()
  }

  private hire(lost?: { hand: Hand }) {
    lost?.hand.end()
    const member: { hand: Hand; loss?: string } = {
      hand: this.start((reason) => {
        member.loss ??= reason
      }),
    }
    return member
  }
}
