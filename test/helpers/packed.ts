import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Name, pack, ROOT, unpack } from '../package/support.ts'

/** Lays packages of the repository in node_modules/ of `app`, exactly as npm packs and unpacks them. */
export function installPacked(app: string, ...names: Name[]): void {
  const { archives, clean } = pack(...names)
  for (const name of names) unpack(archives[name], name, app)
  clean()
}

/** Links what dynedge depends on from the root's packages into node_modules/ of `app`. */
export function linkDependencies(app: string): void {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) linkPackage(join(ROOT, 'node_modules'), app, name)
}

/** Links the package `name` in the folder `from` into node_modules/ of `app`. */
export function linkPackage(from: string, app: string, name: string): void {
  const link = join(app, 'node_modules', name)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(join(from, name), link, 'junction')
}
