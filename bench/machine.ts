import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Machine } from '../src/bench/report.ts'

export function machine(): Machine {
  const processors = cpus()
  const memoryGiB = Math.round((totalmem() / 2 ** 30) * 10) / 10
  return {
    cpu: processors[0].model.trim(),
    cores: processors.length,
    memoryGiB,
    os: `${process.platform} ${release()}`,
    arch: process.arch,
    load: loadavg()[0],
  }
}

/** Short hash of the checkout, with `+` where files differ from it. */
export function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'assembly', 'src', 'bench')
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '')
  } catch {
    return 'unknown'
  }
}
