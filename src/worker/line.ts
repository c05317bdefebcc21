import { aborted, checkSignal, DynedgeError } from '../errors.ts'
import type { LoadOptions } from '../load.ts'
import type { Call, Host, Link, Reply, SentError } from './protocol.ts'

/** What a caller hears of his call before its end, and how he ends it. */
export type Hearing = Pick<LoadOptions, 'onProgress' | 'signal'>
export type Answer = Extract<Reply, { value: unknown }>

interface Pending {
  resolve(answer: Answer): void
  reject(error: unknown): void
  hear?: LoadOptions['onProgress']
  unlisten(): void
}

/** One worker from its start to its end, and the calls that wait for its answers. */
export class Line {
  private readonly link: Link
  private readonly pending = new Map<number, Pending>()
  private last = 0
  /** Why nothing can be asked any more. */
  private over?: unknown

  constructor(
    host: Host,
    private readonly onEnd: () => void,
  ) {
    const ended = (reason: string, cause?: unknown) =>
      new DynedgeError('worker', `The network's worker ended: ${reason}. The next call starts another.`, { cause })
    try {
      this.link = host.start(
        (reply) => this.hear(reply),
        (reason) => this.end(ended(reason)),
      )
    } catch (cause) {
      throw ended(`it does not start (${(cause as Error).message})`, cause)
    }
  }

  /** @throws DynedgeError `worker` when the worker ends before it answers, `aborted`, `bad-input` for what cannot be sent */
  ask(call: Call, transfer: Transferable[], { onProgress, signal }: Hearing = {}): Promise<Answer> {
    const id = ++this.last
    return new Promise<Answer>((resolve, reject) => {
      if (this.over) throw this.over
      checkSignal(signal)
      const abort = () => this.giveUp(id, aborted(signal!))
      signal?.addEventListener('abort', abort)
      const unlisten = () => signal?.removeEventListener('abort', abort)
      this.pending.set(id, { resolve, reject, hear: onProgress, unlisten })
      this.link.hold(true)
      try {
        this.link.post({ ...call, id }, transfer)
      } catch (cause) {
        const message = `This cannot be sent to a worker: ${(cause as Error).message}`
        this.settle(id)?.reject(new DynedgeError('bad-input', message, { cause }))
      }
    })
  }

  /** Ends the worker; calls that wait are rejected with `error`. */
  end(error: unknown): void {
    if (this.over) return
    this.over = error
    this.link.end()
    this.onEnd()
    for (const id of [...this.pending.keys()]) this.settle(id)?.reject(error)
  }

  private hear(reply: Reply): void {
    if ('error' in reply) this.settle(reply.id)?.reject(restored(reply.error))
    else if ('value' in reply) this.settle(reply.id)?.resolve(reply)
    else
      try {
        this.pending.get(reply.id)?.hear?.(reply.progress)
      } catch (error) {
        this.giveUp(reply.id, error)
      }
  }

  private giveUp(id: number, error: unknown): void {
    this.settle(id)?.reject(error)
    this.link.post({ id, call: 'abort' }, [])
  }

  /** Takes a call off the list; later answers to it are not heard. */
  private settle(id: number): Pending | undefined {
    const call = this.pending.get(id)
    this.pending.delete(id)
    call?.unlisten()
    if (!this.pending.size) this.link.hold(false)
    return call
  }
}

function restored({ code, name, message, cause }: SentError): Error {
  return code ? new DynedgeError(code, message, { cause }) : Object.assign(new Error(message, { cause }), { name })
}
