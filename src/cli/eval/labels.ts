import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DynedgeError } from '../../errors.ts'

/** A folder's name -> what it may be called, best first. */
export type NameTable = Map<string, string[]>

export interface LabelFile {
  path: string
  table: NameTable
}

// As models/dynedge_train/data/labels.py reads them: what a network was trained on must be found again here.
const READERS: Record<string, (text: string) => NameTable> = {
  'labels.json': fromJson,
  'labels.txt': fromLines,
  'words.txt': fromWords,
}

/**
 * The first of labels.json ({"folder": "label"}), labels.txt (folder, white space or a tab, label) and words.txt (wnid, tab, names
 * divided by commas) in `folder`, else in its parent; undefined where there is none. Throws `bad-input` for one that cannot be read.
 */
export async function readLabelFile(folder: string): Promise<LabelFile | undefined> {
  for (const place of [folder, dirname(resolve(folder))])
    for (const [name, reader] of Object.entries(READERS)) {
      const path = join(place, name)
      const text = await readText(path)
      if (text === undefined) continue
      try {
        return { path, table: reader(text) }
      } catch (cause) {
        throw new DynedgeError('bad-input', `${path}: ${(cause as Error).message}`, { cause })
      }
    }
  return undefined
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw new DynedgeError('bad-input', `${path}: cannot be read (${code ?? (cause as Error).message})`, { cause })
  }
}

function fromJson(text: string): NameTable {
  const table: unknown = JSON.parse(text)
  const isObject = typeof table === 'object' && table !== null && !Array.isArray(table)
  const entries = isObject ? Object.entries(table) : []
  if (!isObject || !entries.every(([, label]) => typeof label === 'string' && label.trim()))
    throw new Error('expected an object {"class folder": "label", ...}')
  return new Map(entries.map(([folder, label]) => [folder.normalize('NFC'), [label.trim()]]))
}

function fromLines(text: string): NameTable {
  const table: NameTable = new Map()
  for (const [index, line] of linesOf(text).entries()) {
    if (!line.trim()) continue
    const match = line.includes('\t') ? /^([^\t]*)\t(.*)$/.exec(line) : /^\s*(\S+)\s+(.*)$/.exec(line)
    const [folder, label] = [match?.[1].trim(), match?.[2].trim()]
    if (!folder || !label)
      throw new Error(`line ${index + 1} is ${JSON.stringify(line)}, expected a class folder and its label`)
    table.set(folder.normalize('NFC'), [label])
  }
  return table
}

function fromWords(text: string): NameTable {
  const table: NameTable = new Map()
  for (const line of linesOf(text)) {
    const [wnid, names = ''] = split(line, '\t')
    const list = names
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    if (list.length) table.set(wnid.trim(), list)
  }
  return table
}

function split(line: string, by: string): [string, string?] {
  const at = line.indexOf(by)
  return at < 0 ? [line] : [line.slice(0, at), line.slice(at + by.length)]
}

const linesOf = (text: string) => text.split(/\r\n|\r|\n/)

/** What a folder may be called, the shortest first: its first name; that with the second one, or with the folder, in brackets. */
export function possibleLabels(folder: string, table: NameTable): string[] {
  const [first, second] = table.get(folder) ?? [folder]
  return [first, ...(second === undefined ? [] : [`${first} (${second})`]), `${first} (${folder})`]
}

/** Label of each folder, as training gives it: the shortest that no other folder may have too. */
export function uniqueLabels(folders: readonly string[], table: NameTable): string[] {
  const choices = folders.map((folder) => possibleLabels(folder, table))
  const counts = countOf(choices.flat())
  return choices.map((options) => options.find((option) => counts.get(option) === 1) ?? options.at(-1)!)
}

function countOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
