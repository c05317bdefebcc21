import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'

export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  os: string
  arch: string
  /** Load average of the last minute: what else ran here. */
  load: number
}

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
