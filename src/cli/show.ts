import { bar, columns, milliseconds, percent, print } from './output.ts'
import type { Profile } from './profile.ts'
import type { Classified } from './run.ts'

export function showPicture({ file, ms, top }: Classified): void {
  print(`\n${file}  ${milliseconds(ms)}`)
  const rows = top.map(({ label, probability }) => [`  ${label}`, percent(probability), bar(probability)])
  for (const line of columns(rows, new Set([1]))) print(line)
}

export function showProfile({ ms, kinds }: Profile): void {
  print(`\nWhere the ${milliseconds(ms)} of the network go`)
  const rows = kinds.map(({ kind, steps, ms, share }) => [
    `  ${kind}`,
    steps === 1 ? '1 step ' : `${steps} steps`,
    milliseconds(ms),
    percent(share),
    bar(share),
  ])
  for (const line of columns(rows, new Set([1, 2, 3]))) print(line)
}
