import { Worker } from 'node:worker_threads'
import { DynedgeError, type ErrorCode } from '../../errors.ts'

/** What a worker says: that it can begin, that it cannot, or the result of a task. */
export type Said<R> = { ready: true } | { failed: { message: string; code: ErrorCode } } | { id: number; result: R }

export interface PoolOptions<T, R> {
  script: URL
  /** Given to each worker as its `workerData`. */
  data: unknown
  tasks: readonly T[]
  workers: number
  /** Results come in any order; `id` is the position of the task. */
  onResult(id: number, result: R): void
  /** The worker died of this task. */
  onLost(id: number, reason: string): void
}

/** Tasks that a worker holds at a time: it decodes the next pictures while the network runs. */
const AHEAD = 4
/** Workers may die of a picture; when so many did, the machine or the build is at fault. */
const DEATHS_ALLOWED = 16

/**
 * Runs every task in one of the workers, at most a few tasks ahead in each. The tasks of a worker that dies are tried again one at
 * a time; one that kills its worker alone is lost, and the others go on.
 * @throws DynedgeError when a worker cannot start, or workers keep dying
 */
export function runPool<T, R>(options: PoolOptions<T, R>): Promise<void> {
  return new Promise((resolve, reject) => new Pool(options, resolve, reject).start())
}

interface Hand {
  worker: Worker
  ready: boolean
  /** Tasks sent and not answered. */
  held: Set<number>
  /** Does it hold a suspect, alone? */
  guarded: boolean
  error?: Error
}

class Pool<T, R> {
  private next = 0
  private answered = 0
  private deaths = 0
  /** Tasks that a dead worker held together. */
  private readonly suspects: number[] = []
  private readonly hands = new Set<Hand>()
  private over = false

  constructor(
    private readonly options: PoolOptions<T, R>,
    private readonly resolve: () => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  start(): void {
    const { workers, tasks } = this.options
    if (tasks.length === 0) this.resolve()
    for (let i = 0; i < Math.min(workers, tasks.length); ++i) this.hire()
  }

  private hire(): void {
    const worker = new Worker(this.options.script, { workerData: this.options.data })
    const hand: Hand = { worker, ready: false, held: new Set(), guarded: false }
    this.hands.add(hand)
    worker.on('message', (said: Said<R>) => this.hear(hand, said))
    worker.on('error', (error) => {
      hand.error = error
    })
    worker.on('exit', (code) => this.bury(hand, code))
  }

  private hear(hand: Hand, said: Said<R>): void {
    if (this.over) return
    if ('failed' in said) this.end(new DynedgeError(said.failed.code, said.failed.message))
    else if ('ready' in said) hand.ready = true
    else {
      hand.held.delete(said.id)
      this.settle(() => this.options.onResult(said.id, said.result))
    }
    this.feed(hand)
  }

  private feed(hand: Hand): void {
    const { tasks } = this.options
    if (hand.held.size === 0) hand.guarded = false
    while (!this.over && hand.ready && !hand.guarded && hand.held.size < AHEAD) {
      if (this.suspects.length) {
        // It goes to a worker that holds nothing else, so that a death tells of it alone.
        if (hand.held.size) return
        hand.guarded = true
        this.send(hand, this.suspects.shift()!)
      } else if (this.next < tasks.length) this.send(hand, this.next++)
      else return
    }
  }

  private send(hand: Hand, id: number): void {
    hand.held.add(id)
    hand.worker.postMessage({ id, task: this.options.tasks[id] })
  }

  private bury(hand: Hand, code: number): void {
    this.hands.delete(hand)
    if (this.over) return
    const reason = hand.error?.message ?? `it ended with exit code ${code}`
    const fault = this.faultOf(hand, reason)
    if (fault) this.end(fault)
    else if (hand.held.size === 1) {
      const [id] = hand.held
      this.settle(() => this.options.onLost(id, `the worker died of it: ${reason}`))
    } else this.suspects.push(...hand.held)
    if (this.over) return
    this.hire()
    for (const other of this.hands) this.feed(other)
  }

  /** Why it is of no use to go on after a death. */
  private faultOf({ ready }: Hand, reason: string): DynedgeError | undefined {
    if (!ready) return new DynedgeError('unsupported-engine', `A worker could not start: ${reason}`)
    if (++this.deaths <= DEATHS_ALLOWED) return undefined
    const remedy = 'Try fewer (--workers 1) or free memory.'
    return new DynedgeError('out-of-memory', `${this.deaths} workers died, the last because: ${reason}. ${remedy}`)
  }

  private settle(tell: () => void): void {
    try {
      tell()
      if (++this.answered === this.options.tasks.length) this.end()
    } catch (error) {
      this.end(error)
    }
  }

  private end(error?: unknown): void {
    if (this.over) return
    this.over = true
    const stopped = [...this.hands].map(({ worker }) => worker.terminate())
    Promise.all(stopped).then(() => (error === undefined ? this.resolve() : this.reject(error)), this.reject)
  }
}
