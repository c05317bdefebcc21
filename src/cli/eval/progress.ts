import { Presets, SingleBar } from 'cli-progress'
import { percent } from '../output.ts'

export interface Bar {
  update(done: number, correct: number, answered: number): void
  stop(): void
}

/** A bar on standard error; where that is no terminal, a line every ten seconds, for the logs of a cluster. */
export function progressBar(total: number): Bar {
  const bar = new SingleBar(
    {
      format: '{bar} {percentage} % | {value} of {total} | top-1 {top1} | {rate} images/s | {eta_formatted} left',
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
  const start = performance.now()
  const payload = (correct: number, answered: number) => ({
    top1: answered ? percent(correct / answered) : '-',
    rate: Math.round((answered * 1000) / Math.max(1, performance.now() - start)),
  })
  if (total > 0) bar.start(total, 0, payload(0, 0))
  return {
    update: (done, correct, answered) => bar.update(done, payload(correct, answered)),
    stop: () => bar.stop(),
  }
}
