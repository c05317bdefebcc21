import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { json, ROOT } from './support.ts'

const folder = join(ROOT, 'samples')
/** `file.jpg` and class of the rows of LICENSES.md. */
const rows = [...readFileSync(join(folder, 'LICENSES.md'), 'utf8').matchAll(/^\| `(.+?)` \| (.+?) \(n\d{8}\) \|/gm)]
const photographs = readdirSync(folder).filter((name) => name.endsWith('.jpg'))

test('every sample photograph has its licence and class written down', () => {
  expect(rows.map(([, file]) => file).sort()).toEqual(photographs.sort())
  expect(photographs.length).toBeGreaterThanOrEqual(12)
})

test('the default network names every sample photograph', () => {
  const { results } = json(['run', '--top', '1', ...rows.map(([, file]) => join('samples', file))])
  const named = results.map(({ file, top }: { file: string; top: { label: string }[] }) => [file, top[0].label])
  expect(named).toEqual(rows.map(([, file, label]) => [join('samples', file), label]))
})
