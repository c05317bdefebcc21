// npm run build:native: build/relaxed.wasm -> native/generated/module.c and module.h.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { translate } from './translate.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const wasm = join(root, 'build', 'relaxed.wasm')
const folder = join(root, 'native', 'generated')

/** Writes the C of build/relaxed.wasm, where it is not there already. */
export function buildNative() {
  if (!existsSync(wasm)) throw new Error('There is no build/relaxed.wasm; run npm run build first.')
  const { header, source } = translate(readFileSync(wasm), 'dynedge')
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of [
    ['module.h', header],
    ['module.c', source],
  ]) {
    const path = join(folder, file)
    // The same text keeps its time, so that nothing is compiled again.
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
    // Whole at once: tests build side by side.
    writeFileSync(`${path}.${process.pid}`, text)
    renameSync(`${path}.${process.pid}`, path)
  }
  return folder
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(buildNative())
