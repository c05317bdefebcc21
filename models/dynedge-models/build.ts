// npm run catalogue: writes what follows from the networks' folders: entries, package.json's exports and files, README's table.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { catalogue } from './catalogue.ts'

const root = dirname(fileURLToPath(import.meta.url))
const files = catalogue(root)
for (const [path, text] of files) writeFileSync(join(root, path), text)
process.stdout.write(`${[...files.keys()].join('\n')}\n`)
