import type { TensorInput } from '../src/interface.ts'
import type { Contender } from './agreement.ts'
import type { Model } from './models.ts'
import { type Opened, open } from './runtimes.ts'

const LOADS = 3

/** Opens a model a few times, and keeps the last. */
export async function contenderOf(model: Model, picture: TensorInput): Promise<Contender & Opened> {
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
