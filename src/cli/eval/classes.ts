import { basename } from 'node:path'
import { DynedgeError } from '../../errors.ts'
import { type LabelFile, possibleLabels, readLabelFile, uniqueLabels } from './labels.ts'

export interface Matching {
  /** Class index of each folder, in their order. */
  indices: number[]
  /** How folders and classes were brought together, for people. */
  how: string
  /** Were they merely counted off? Then the numbers mean nothing if the order is another. */
  byOrder: boolean
}

/**
 * Finds the bundle's class of every folder: by its label, by the label but for case, spaces, hyphens and underscores, by a file of
 * labels beside the folders; and if no folder at all is found and there are as many as classes, by order.
 * @param folders names, sorted by code points
 * @throws DynedgeError `bad-input` for a folder that is no class, or two that are the same
 */
export async function matchClasses(root: string, folders: readonly string[], labels: readonly string[]) {
  const lookup = lookupOf(labels)
  const found = folders.map((folder) => lookup.exact(folder) ?? lookup.loose(folder))
  const spelled = folders.some((folder, i) => found[i] !== undefined && lookup.exact(folder) === undefined)
  const file = found.includes(undefined) ? await readLabelFile(root) : undefined
  if (file) fillFromFile(found, folders, file, lookup)
  if (found.every((index) => index === undefined) && folders.length === labels.length)
    return {
      indices: folders.map((_, index) => index),
      how: 'by sorted order, since no folder is called as a class',
      byOrder: true,
    }
  const indices = complete(found, root, folders, labels, file)
  const usedFile = folders.some((folder) => lookup.exact(folder) === undefined && lookup.loose(folder) === undefined)
  const ways = [
    ...(usedFile ? [`by ${basename(file!.path)}`] : []),
    ...(spelled ? ['by name, but for case, spaces and underscores'] : []),
  ]
  return { indices, how: ways.join(' and ') || 'by name', byOrder: false }
}

interface Lookup {
  exact(name: string): number | undefined
  loose(name: string): number | undefined
}

function lookupOf(labels: readonly string[]): Lookup {
  const exact = new Map<string, number>()
  const loose = new Map<string, number | undefined>()
  for (const [index, label] of labels.entries()) {
    const name = label.normalize('NFC')
    if (!exact.has(name)) exact.set(name, index)
    // Two labels of one loose spelling can only be told apart exactly.
    loose.set(looseName(label), loose.has(looseName(label)) ? undefined : index)
  }
  return { exact: (name) => exact.get(name.normalize('NFC')), loose: (name) => loose.get(looseName(name)) }
}

function looseName(name: string): string {
  return name
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_-]+/g, '')
}

function fillFromFile(found: (number | undefined)[], folders: readonly string[], file: LabelFile, lookup: Lookup) {
  const unique = uniqueLabels(folders, file.table)
  for (const [i, folder] of folders.entries()) {
    if (found[i] !== undefined || !file.table.has(folder)) continue
    // Among other folders, training may have told it apart by more.
    const names = [unique[i], ...possibleLabels(folder, file.table).reverse()]
    for (const name of names) found[i] ??= lookup.exact(name)
    for (const name of names) found[i] ??= lookup.loose(name)
  }
}

function complete(
  found: readonly (number | undefined)[],
  root: string,
  folders: readonly string[],
  labels: readonly string[],
  file?: LabelFile,
): number[] {
  const unknown = folders.filter((_, i) => found[i] === undefined)
  if (unknown.length) throw new DynedgeError('bad-input', unknownClasses(unknown, root, folders, labels, file))
  const owner = new Map<number, string>()
  for (const [i, folder] of folders.entries()) {
    const other = owner.get(found[i]!)
    if (other !== undefined)
      throw new DynedgeError(
        'bad-input',
        `${root}: the folders ${other} and ${folder} are both the class ${labels[found[i]!]}, expected one folder per class; move their pictures together or rename one.`,
      )
    owner.set(found[i]!, folder)
  }
  return found as number[]
}

const SPLITS = new Set(['train', 'training', 'val', 'valid', 'validation', 'test', 'testing'])

function unknownClasses(
  unknown: readonly string[],
  root: string,
  folders: readonly string[],
  labels: readonly string[],
  file?: LabelFile,
): string {
  const split = folders.find((folder) => folder.startsWith('val') && SPLITS.has(folder)) ?? unknown[0]
  if (folders.every((folder) => SPLITS.has(folder.toLowerCase())))
    return `${root} has the folders ${some(folders)}, which look like parts of a data set; give one of them: ${root.replace(/\/+$/, '')}/${split}.`
  const which =
    unknown.length === folders.length
      ? `none of the ${folders.length} class folders (${some(unknown)}) is a class`
      : `${unknown.length} of ${folders.length} class folders are no class (${some(unknown)})`
  const consulted = file ? `; ${file.path} does not help` : ''
  const remedy = `Rename or remove those folders, or say what they are in ${root.replace(/\/+$/, '')}/labels.json: {"${unknown[0]}": "${labels[0]}", ...}.`
  return `${root}: ${which} of the bundle, which has ${labels.length}: ${some(labels)}${consulted}. ${remedy}`
}

/** The first of `names`, for a message. */
export function some(names: readonly string[], most = 8): string {
  return `${names.slice(0, most).join(', ')}${names.length > most ? ', …' : ''}`
}
