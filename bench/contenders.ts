import type { Row } from '../src/bench/report.ts'
import type { TensorInput } from '../src/network.ts'
import type { Model } from './models.ts'
import { type Opened, open } from './runtimes.ts'

export interface Contender extends Opened {
  row: Omit<Row, 'ms' | 'runs'>
}

/** For messages. */
export function nameOf({ network, size, precision, runtime, variant, threads, form }: Contender['row']): string {
  const parts = [network, size, precision, runtime, variant, form, threads > 1 ? `${threads} threads` : '']
  return parts.filter(Boolean).join(' ')
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
