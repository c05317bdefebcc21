import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DynedgeError } from '../errors.ts'

/** What runs without --model: the first of these that dynedge-models has. */
export const DEFAULT_MODELS = ['dy-mobile-200/int8', 'dy-mobile-200', 'dy-mobile-cifar10']
const PACKAGE = 'dynedge-models'
/** A name of the catalogue, perhaps with `/int8` or `/f32`; nothing with another slash or a scheme is asked for there. */
const NAME = /^[a-z0-9][a-z0-9.-]*(\/(int8|f32))?$/

/**
 * Address of a bundle for `load`: of a network of the package dynedge-models, or `model` itself where it is a path or URL.
 * A name of the package wins over a file of that name; `./name` is the file.
 * @throws DynedgeError `not-found` for no model and no package, or a name that is neither a network nor a file
 */
export async function modelAddress(model?: string): Promise<string> {
  if (model !== undefined && !NAME.test(model)) return model
  const names = await networksOfPackage()
  const name =
    model === undefined ? DEFAULT_MODELS.find((name) => names && resolvePackage(`${PACKAGE}/${name}`)) : model
  if (name && names?.includes(folderOf(name))) {
    const entry = resolvePackage(`${PACKAGE}/${name}`)
    if (!entry)
      throw new DynedgeError(
        'not-found',
        `${PACKAGE} has no ${name}; ${folderOf(name)} has other precisions: w8, and f32 where that is small enough.`,
      )
    return (await import(entry)).default
  }
  if (name && existsSync(name)) return name
  const wanted = name
    ? `${name}: no such file, nor a network of ${PACKAGE}`
    : `Without --model it takes ${DEFAULT_MODELS.join(' or ')} of ${PACKAGE}`
  const help = names ? `which has ${names.join(', ') || 'none'}` : `which is not installed: npm install ${PACKAGE}`
  throw new DynedgeError('not-found', `${wanted}, ${help}; or give the path or URL of a bundle.`)
}

const folderOf = (name: string) => name.replace(/\/(int8|f32)$/, '')

/** Undefined where the package is not installed. */
async function networksOfPackage(): Promise<string[] | undefined> {
  const entry = resolvePackage(PACKAGE)
  if (!entry) return undefined
  const { networks } = (await import(entry)) as { networks: readonly { name: string }[] }
  return networks.map(({ name }) => name)
}

/** As the project in the current folder sees it, else as dynedge does. */
function resolvePackage(specifier: string): string | undefined {
  for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return pathToFileURL(createRequire(from).resolve(specifier)).href
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error
    }
  }
  return undefined
}
