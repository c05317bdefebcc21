import { Status } from '../../../assembly/program/format.ts'
import type { ThreadStart } from './team.ts'

/**
 * What a worker does: takes part in the network that lies in `memory` until that is over. Throws what the module throws; nobody
 * waits for this thread then, the network is lost.
 */
export function takePart({ module, memory, thread }: ThreadStart, ready: () => void): void {
  const { serve, stop } = new WebAssembly.Instance(module, { env: { memory } }).exports as Record<
    string,
    (number: number) => number
  >
  ready()
  try {
    serve(thread)
  } catch (error) {
    stop(Status.Lost)
    throw error
  }
}
