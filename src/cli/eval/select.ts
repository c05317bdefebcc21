import { createHash } from 'node:crypto'
import { InvalidArgumentError } from 'commander'
import type { Entry } from './folder.ts'

/** One of `of` parts; the first is 1. */
export interface Shard {
  index: number
  of: number
}

/** `2/8`. */
export function parseShard(text: string): Shard {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text)
  const shard = match && { index: Number(match[1]), of: Number(match[2]) }
  if (!shard || shard.index < 1 || shard.index > shard.of)
    throw new InvalidArgumentError('Expected I/N with I from 1 to N, such as 1/8 (the first of eight parts).')
  return shard
}

/** At most `limit` of the entries, spread evenly over them, so that every class has its share. */
export function limited<T>(entries: readonly T[], limit = entries.length): readonly T[] {
  if (limit >= entries.length) return entries
  return Array.from({ length: limit }, (_, i) => entries[Math.floor((i * entries.length) / limit)])
}

/** Every `of`-th entry: parts are disjoint, cover all, and mix the classes. */
export function shardOf<T>(entries: readonly T[], { index, of }: Shard): T[] {
  return entries.filter((_, position) => position % of === index - 1)
}

/** SHA-256, hex, over names and classes: parts of different sets must not be merged. */
export function digestOf(entries: readonly Entry[], indices: readonly number[]): string {
  const hash = createHash('sha256')
  for (const { file, folder } of entries) hash.update(`${file}\0${folder < 0 ? -1 : indices[folder]}\n`)
  return hash.digest('hex')
}
