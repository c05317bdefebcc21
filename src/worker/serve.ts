import { DynedgeError } from '../errors.ts'
import type { Description, Network, Outputs } from '../interface.ts'
import type { Load, LoadOptions } from '../load.ts'
import type { Call, Method, Reply, Request, SentError, SentResponse } from './protocol.ts'

type LoadCall = Extract<Call, { call: 'load' }>

/**
 * The worker's side: returns what answers requests. `loaderOf` gives the `load` of this thread. One network lives here; the worker ends
 * with it.
 */
export function serve(
  post: (reply: Reply, transfer: Transferable[]) => void,
  loaderOf: (request: LoadCall) => Load,
): (request: Request) => void {
  const calls = new Map<number, AbortController>()
  let net: Network | undefined
  let said: string | undefined
  const afterHeard = turns()

  const answer = async (request: Call & { id: number }, signal: AbortSignal): Promise<unknown> => {
    if (request.call === 'load') {
      const onProgress: LoadOptions['onProgress'] = (progress) => post({ id: request.id, progress }, [])
      net = await loaderOf(request)(received(request.bundle), { ...request.options, signal, onProgress })
      const { name, precision, input, labels, graph, variant, threadsNote } = net
      return { name, precision, input, labels, graph, variant, threadsNote }
    }
    // Calls that are given up while they wait need not run: what has arrived by now is heard first.
    await afterHeard()
    return perform(net!, request.call, request.args, signal)
  }

  /** Memory grows with larger pictures, threads may be lost; the other side keeps the last description. */
  const news = (): Description | undefined => {
    const description = net?.describe()
    const changing = `${description?.memoryBytes} ${description?.threads}`
    if (changing === said) return undefined
    said = changing
    return description
  }

  const reply = async (request: Call & { id: number }): Promise<void> => {
    const { id } = request
    const controller = new AbortController()
    calls.set(id, controller)
    try {
      const value = await answer(request, controller.signal)
      post(
        { id, value, kept: net!.kept, description: news() },
        request.call === 'run' ? buffersOf(value as Outputs) : [],
      )
    } catch (error) {
      const sent = portable(error)
      try {
        post({ id, error: sent }, [])
      } catch {
        post({ id, error: { ...sent, cause: String(sent.cause) } }, [])
      }
    } finally {
      calls.delete(id)
    }
  }

  return (request) => {
    if (request.call === 'abort') calls.get(request.id)?.abort()
    else void reply(request)
  }
}

/** Promises that are kept after the messages that have arrived are heard; a timer would wait a millisecond or four. */
function turns(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel()
  const waiting: (() => void)[] = []
  port1.onmessage = () => waiting.shift()!()
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      port2.postMessage(0)
    })
}

async function perform(net: Network, call: Method, args: unknown[], signal: AbortSignal): Promise<unknown> {
  const [first, options] = args as [{ close?: unknown } | null | undefined, object | undefined]
  if (call === 'profile') return net.profile(first as object)
  try {
    return await (net[call] as (first: unknown, options: object) => unknown)(first, { ...options, signal })
  } finally {
    // A bitmap or frame that was sent is this side's own.
    if (typeof first?.close === 'function') first.close()
  }
}

function received(bundle: LoadCall['bundle']) {
  const sent = bundle as Partial<SentResponse> | null
  return sent?.init ? new Response(sent.body, sent.init) : (bundle as Exclude<typeof bundle, SentResponse>)
}

const buffersOf = (outputs: Outputs): Transferable[] => Object.values(outputs).map(({ buffer }) => buffer)

function portable(error: unknown): SentError {
  const { name, message, cause } = error as Error
  return { code: error instanceof DynedgeError ? error.code : undefined, name, message: message ?? `${error}`, cause }
}
