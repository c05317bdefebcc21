import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { DynedgeError } from '../../errors.ts'
import { some } from './classes.ts'

/** One file of the set, in the set's order. */
export interface Entry {
  /** CLASS/name, with `/`, below the folder. */
  file: string
  path: string
  /** Position of its class folder in `Listing.folders`; -1 for a file that is none's. */
  folder: number
  /** Why it is not even tried. */
  reason?: string
}

export interface Listing {
  /** Names of the class folders, sorted by code points. */
  folders: string[]
  entries: Entry[]
}

const SUFFIXES = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.bmp', '.tif', '.tiff', '.avif', '.heic'])

/**
 * Lists a folder of images by class, as training does: pictures may lie deeper inside a class, names that begin with a dot are
 * passed over, links to folders are not followed. The order is the same on every machine.
 * @throws DynedgeError `not-found`, `bad-input`: no folder, no or only one class folder, no files in them
 */
export async function listFolder(root: string): Promise<Listing> {
  const found = await entriesOf(root)
  const names = new Map<string, string>()
  const entries: Entry[] = []
  for (const entry of found) {
    const name = entry.name.normalize('NFC')
    const kind = await kindOf(join(root, entry.name), entry)
    if (kind === 'file' && SUFFIXES.has(extname(name).toLowerCase()))
      entries.push({
        file: name,
        path: join(root, entry.name),
        folder: -1,
        reason: 'a picture outside the class folders',
      })
    if (kind !== 'folder') continue
    if (names.has(name)) throw bad(`${root}: two folders are called ${name}; rename one.`)
    names.set(name, entry.name)
  }
  const folders = [...names.keys()].sort(byCodePoints)
  checkFolders(root, folders, entries.length)
  for (const [index, folder] of folders.entries()) await walk(join(root, names.get(folder)!), folder, index, entries)
  if (entries.every(({ folder }) => folder < 0))
    throw bad(
      `${root}: the ${folders.length} class folders (${some(folders)}) hold no files, expected pictures such as ${folders[0]}/1.jpg.`,
    )
  return { folders, entries }
}

/**
 * Picture files in a folder and, at any depth, in those below it, in the same order on every machine; their names tell, not their bytes.
 * @throws DynedgeError `not-found`, `bad-input`: no folder, one that cannot be read, no pictures
 */
export async function listPictures(root: string): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const entry of await entriesOf(root)) {
    const kind = await kindOf(join(root, entry.name), entry)
    const file = entry.name.normalize('NFC')
    if (kind === 'file') entries.push({ file, path: join(root, entry.name), folder: -1 })
    else if (kind === 'folder') await walk(join(root, entry.name), file, -1, entries)
  }
  const pictures = entries.filter(({ file }) => SUFFIXES.has(extname(file).toLowerCase()))
  if (pictures.length > 0) return pictures
  const what = entries.length ? `none of its ${entries.length} files is a picture` : 'it is empty'
  throw bad(`${root} has no pictures: ${what}; expected files such as ${[...SUFFIXES].slice(0, 4).join(', ')}.`)
}

function checkFolders(root: string, folders: readonly string[], loose: number): void {
  if (folders.length > 1) return
  const expected = 'expected a folder of pictures for each class, two or more: CLASS/picture.jpg'
  if (folders.length === 1) throw bad(`${root} has only one class folder (${folders[0]}), ${expected}.`)
  const what = loose ? `${loose} pictures, but no class folders` : 'no class folders'
  const hint = loose ? ' To classify pictures without knowing their classes, use dynedge run.' : ''
  throw bad(`${root} has ${what}, ${expected}.${hint}`)
}

async function walk(path: string, shown: string, folder: number, entries: Entry[]): Promise<void> {
  let found: Dirent[]
  try {
    found = await entriesOf(path)
  } catch (cause) {
    const { code } = (cause as Error).cause as NodeJS.ErrnoException
    entries.push({ file: `${shown}/`, path, folder, reason: `the folder cannot be read (${code})` })
    return
  }
  for (const entry of found) {
    const inner = join(path, entry.name)
    const file = `${shown}/${entry.name.normalize('NFC')}`
    const kind = await kindOf(inner, entry)
    if (kind === 'file') entries.push({ file, path: inner, folder })
    else if (kind === 'folder' && !entry.isSymbolicLink()) await walk(inner, file, folder, entries)
    else {
      const reason = kind === 'folder' ? 'a link to a folder, which is not followed' : 'not a regular file'
      entries.push({ file, path: inner, folder, reason })
    }
  }
}

/** Of what has no dot in front, sorted. Throws `not-found` or `bad-input`. */
async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    const found = await readdir(path, { withFileTypes: true })
    return found.filter(({ name }) => !name.startsWith('.')).sort((a, b) => byCodePoints(a.name, b.name))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw new DynedgeError('not-found', `${path}: no such folder, expected a folder of images by class.`, { cause })
    if (code === 'ENOTDIR')
      throw new DynedgeError('bad-input', `${path} is a file, expected a folder of images by class.`, { cause })
    throw new DynedgeError('bad-input', `${path}: the folder cannot be read (${code})`, { cause })
  }
}

async function kindOf(path: string, entry: Dirent): Promise<'file' | 'folder' | 'other'> {
  const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry
  if (target?.isFile()) return 'file'
  return target?.isDirectory() ? 'folder' : 'other'
}

/** As Python sorts strings; UTF-16 would put some characters elsewhere. */
export function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function bad(message: string): DynedgeError {
  return new DynedgeError('bad-input', message)
}
