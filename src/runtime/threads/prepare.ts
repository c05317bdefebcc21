import { compile, type Platform, type Prepare } from '../module.ts'
import { type StartThread, teamOpener } from './team.ts'

/** What a platform brings for threads. */
export interface ThreadHost {
  /** Processors to count on. */
  cores(): number
  /** Why there can be no threads here; undefined where there can. */
  obstacle(): string | undefined
  /** The binaries for shared memory. */
  wasm: Platform['wasm']
  start: StartThread
}

/** More cores than this are seldom alike on a phone, and the networks are small. */
const AUTO_MOST = 4

export function preparing(host: ThreadHost): Prepare {
  return async (asked, variant, refuse) => {
    const threads = asked === 'auto' ? Math.min(host.cores(), AUTO_MOST) : asked
    if (threads === 1) return { note: 'This machine has one core.' }
    const note = host.obstacle()
    if (note) return { note }
    const module = await compile(host, `${variant}-threads`)
    return { opener: teamOpener(module, threads, host.start, refuse) }
  }
}
