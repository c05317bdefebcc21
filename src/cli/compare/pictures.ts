import { DynedgeError } from '../../errors.ts'
import type { PixelSource } from '../../image/pixels.ts'
import { decode } from '../decode.ts'
import { matchClasses } from '../eval/classes.ts'
import { type Entry, listFolder, listPictures } from '../eval/folder.ts'
import { limited } from '../eval/select.ts'
import { oneLine } from '../output.ts'

/** A picture file and, where its folder is one, its class. */
export interface Labelled extends Entry {
  label?: number
}

export interface Pictures {
  entries: readonly Labelled[]
  /** How folders and classes were brought together; null where they were not. */
  matching: string | null
}

/**
 * Pictures of a folder, with their classes if its folders are called as classes of the networks (or a labels file says so).
 * @throws DynedgeError `not-found`, `bad-input`: no folder, one that cannot be read, no pictures
 */
export async function picturesOf(root: string, labels: readonly string[], limit?: number): Promise<Pictures> {
  const all = limited(await listPictures(root), limit)
  const indices = await classesOf(root, labels)
  if (!indices) return { entries: all, matching: null }
  const entries = all.map((entry) => ({ ...entry, label: indices.of.get(entry.file.split('/')[0]) }))
  return entries.every(({ label }) => label !== undefined)
    ? { entries, matching: indices.how }
    : { entries: all, matching: null }
}

async function classesOf(root: string, labels: readonly string[]) {
  try {
    const { folders } = await listFolder(root)
    const { indices, how, byOrder } = await matchClasses(root, folders, labels)
    // Counted off is not known.
    if (byOrder) return undefined
    return { of: new Map(folders.map((folder, i) => [folder, indices[i]])), how }
  } catch (error) {
    if (error instanceof DynedgeError && error.code === 'bad-input') return undefined
    throw error
  }
}

/** What one thread decodes while the networks run. */
const AHEAD = 4

/** Decodes one file after another, some ahead; of a file that is no picture comes the reason. */
export async function* decoded(
  entries: readonly Labelled[],
): AsyncGenerator<{ entry: Labelled; found: PixelSource | string }> {
  const started = new Map<number, Promise<PixelSource | string>>()
  for (const [index, entry] of entries.entries()) {
    for (let next = index; next < Math.min(index + AHEAD, entries.length); ++next)
      if (!started.has(next)) started.set(next, attempt(entries[next]))
    yield { entry, found: await started.get(index)! }
    started.delete(index)
  }
}

async function attempt({ path, reason }: Labelled): Promise<PixelSource | string> {
  if (reason !== undefined) return reason
  try {
    return await decode(path)
  } catch (error) {
    if (!(error instanceof DynedgeError)) throw error
    return reasonOf(error, path)
  }
}

export function reasonOf({ message }: Error, path: string): string {
  const line = oneLine(message)
  return line.startsWith(`${path}: `) ? line.slice(path.length + 2) : line
}
