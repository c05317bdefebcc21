import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from './support.ts'

const describedBy = (args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'tools', 'reference.mjs'), ...args], { cwd: ROOT, encoding: 'utf8' })

// The first one may have to install TypeDoc.
test('npm run docs: every exported thing has a docstring, and no link leads nowhere', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'dynedge-reference-'))
  try {
    const { status, stdout, stderr } = describedBy(['--out', folder, '--json', join(folder, 'reference.json')])
    expect(`${stdout}${stderr}`).not.toMatch(/warning|error/)
    expect(status).toBe(0)
    const { children } = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8'))
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const entries = Object.keys(exports).filter((name) => name !== '.' && name !== './package.json')
    expect(entries).toContain('./cli')
    expect(children.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining([
        'dynedge, in pages',
        'dynedge, in Node',
        ...entries.map((name) => name.replace('.', 'dynedge')),
        'dynedge-models',
      ]),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
