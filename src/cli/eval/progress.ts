import { Presets, SingleBar } from 'cli-progress'
import { percent } from '../output.ts'

export interface Bar {
  update(done: number, correct: number, answered: number): void
  stop(): void
}

/** A bar on standard error; where that is no terminal, a line every ten seconds, for the logs of a cluster. */
function barOf(format: string): SingleBar {
  return new SingleBar(
    {
      format,
      stream: process.stderr,
      hideCursor: true,
      fps: 8,
      etaBuffer: 500,
      barsize: 24,
      noTTYOutput: true,
      notTTYSchedule: 10_000,
    },
    Presets.shades_classic,
  )
}

/** Of work in phases; `share` of the whole, 0 to 1. */
export function phaseBar(): { update(phase: string, share: number): void; stop(): void } {
  const bar = barOf('{bar} {percentage} % | {phase}')
  let started = false
  return {
    update: (phase, share) => {
      if (!started) bar.start(1000, 0, { phase })
      started = true
      bar.update(Math.round(share * 1000), { phase })
    },
    stop: () => bar.stop(),
  }
}

export function progressBar(total: number): Bar {
  return countingBar(total, 'top-1')
}

/** As `progressBar`, for a share of its own name. */
export function countingBar(total: number, what: string): Bar {
  const bar = barOf(
    `{bar} {percentage} % | {value} of {total} | ${what} {share} | {rate} images/s | {eta_formatted} left`,
  )
  const start = performance.now()
  const payload = (correct: number, answered: number) => ({
    share: answered ? percent(correct / answered) : '-',
    rate: Math.round((answered * 1000) / Math.max(1, performance.now() - start)),
  })
  if (total > 0) bar.start(total, 0, payload(0, 0))
  return {
    update: (done, correct, answered) => bar.update(done, payload(correct, answered)),
    stop: () => bar.stop(),
  }
}
