import type { Times } from './report.ts'

export interface RaceOptions {
  /** Time for each contender, without warming up. */
  seconds?: number
  signal?: AbortSignal
}

const WARM_RUNS = 12
const WARM_MS = 400
const BURST_MS = 80
const LEAST_ROUNDS = 5

/**
 * Times every contender in bursts by turns, so that a slow spell of the machine falls on all; the first run of a burst, which finds
 * the caches full of another's numbers, does not count. Returns milliseconds per run and contender.
 */
export async function race(
  contenders: readonly (() => unknown)[],
  { seconds = 3, signal }: RaceOptions = {},
): Promise<number[][]> {
  const bursts: number[] = []
  for (const run of contenders) {
    const start = performance.now()
    let runs = 0
    for (; runs < WARM_RUNS || performance.now() - start < WARM_MS; ++runs) await run()
    const begin = performance.now()
    await run()
    bursts.push(Math.max(2, Math.round(BURST_MS / (performance.now() - begin))))
  }
  const times: number[][] = contenders.map(() => [])
  const begin = performance.now()
  for (let round = 0; round < LEAST_ROUNDS || performance.now() - begin < seconds * 1000 * contenders.length; ++round)
    for (let turn = 0; turn < contenders.length; ++turn) {
      signal?.throwIfAborted()
      const index = (turn + round) % contenders.length
      const run = contenders[index]
      await run()
      for (let i = 0; i < bursts[index]; ++i) {
        const start = performance.now()
        const result = run()
        if (result instanceof Promise) await result
        times[index].push(performance.now() - start)
      }
    }
  return times
}

export function timesOf(milliseconds: readonly number[]): Times {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const at = (part: number) => {
    const place = (sorted.length - 1) * part
    const low = Math.floor(place)
    return sorted[low] + (sorted[Math.ceil(place)] - sorted[low]) * (place - low)
  }
  return { min: sorted[0], median: at(0.5), spread: at(0.75) - at(0.25) }
}
