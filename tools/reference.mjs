// npm run docs: the reference of all that the packages export, from its docstrings, into build/reference/. What lacks one, or links to
// nothing, is an error. Arguments go to TypeDoc.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './engines.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'tools', 'package')
install(folder)
const typedoc = join(folder, 'node_modules', 'typedoc', 'bin', 'typedoc')

/** Sources of whatever package.json exports with types. */
const sourcesOf = (entry) =>
  typeof entry === 'string'
    ? [...entry.matchAll(/^\.\/dist\/types\/(.*)\.d\.ts$/g)].map(([, path]) => `${path}.ts`)
    : Object.values(entry).flatMap(sourcesOf)
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const models = ['index.d.ts', 'dy-mobile-200/int8.d.ts'].map((path) => `models/dynedge-models/${path}`)
const entries = [...new Set([...sourcesOf(exports), ...models])].flatMap((path) => ['--entryPoints', join(root, path)])

const args = [typedoc, '--options', join(folder, 'typedoc.json'), ...entries, ...process.argv.slice(2)]
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1)
