import type { Row } from '../src/bench/latency.ts'
import type { TensorInput } from '../src/network.ts'
import type { Agreement } from './agreement.ts'
import type { Model } from './models.ts'
import { type Opened, open } from './runtimes.ts'

export interface BenchRow extends Row {
  /** How a dynamic network was written for a peer. */
  form?: string
  /** Bundle or model file. */
  bytes: number
  /** From these bytes in memory to a network that is ready, in a process that has done it before; least of three. */
  loadMs: number
  /** Activations, of dynedge. */
  arenaBytes?: number
  agreement?: Agreement
}

export interface Contender extends Opened {
  row: Omit<BenchRow, 'ms' | 'runs'>
}

const LOADS = 3

/** Opens a model a few times, and keeps the last. */
export async function contenderOf(model: Model, picture: TensorInput): Promise<Contender> {
  const { file, ...row } = model
  let opened = await open(model, file, picture)
  let loadMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < LOADS; ++i) {
    await opened.release()
    const start = performance.now()
    opened = await open(model, file, picture)
    loadMs = Math.min(loadMs, performance.now() - start)
  }
  const arenaBytes = opened.network?.describe().arenaBytes
  return { ...opened, row: { ...row, bytes: file.length, loadMs, ...(arenaBytes && { arenaBytes }) } }
}
