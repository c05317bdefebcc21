// npm run docs: the reference of all that the packages export, from its docstrings, into build/reference/. What lacks one, or links to
// nothing, is an error. Arguments go to TypeDoc.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './engines.mjs'

const folder = join(dirname(fileURLToPath(import.meta.url)), 'package')
install(folder)
const typedoc = join(folder, 'node_modules', 'typedoc', 'bin', 'typedoc')
const args = [typedoc, '--options', join(folder, 'typedoc.json'), ...process.argv.slice(2)]
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1)
