import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

// What an app's compiler sees of the package as npm lays it out: no sources, no settings of ours, no skipLibCheck.
const root = fileURLToPath(new URL('../..', import.meta.url))
const app = mkdtempSync(join(tmpdir(), 'dynedge-app-'))

beforeAll(() => {
  const installed = join(app, 'node_modules/dynedge')
  mkdirSync(installed, { recursive: true })
  cpSync(join(root, 'dist'), join(installed, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  writeFileSync(join(app, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(app, { recursive: true, force: true }))

/** What tsc says of `source`, '' when it has nothing to say. */
function complaints(source: string, flags: string[]): string {
  writeFileSync(join(app, 'app.ts'), source)
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--types', 'node']
  const roots = ['--typeRoots', join(root, 'node_modules/@types')]
  try {
    return execFileSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), ...options, ...roots, ...flags, 'app.ts'],
      {
        cwd: app,
        encoding: 'utf8',
      },
    )
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

const USE = `import { DynedgeError, load, type Prediction } from 'dynedge'
const net = await load('model.safetensors', { onProgress: ({ loaded, total }) => console.log(loaded / total) })
const top: Prediction[] = await net.classify({ data: new Uint8Array(48), width: 4, height: 4 }, { topK: 3 })
const { logits } = await net.run({ data: new Float32Array(48), height: 4, width: 4 })
console.log(top[0].label.length, logits.length, new DynedgeError('usage', '').code)
`
const RESOLUTIONS = {
  node16: ['--module', 'node16', '--moduleResolution', 'node16'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
  'bundler for pages': ['--module', 'esnext', '--moduleResolution', 'bundler', '--customConditions', 'browser'],
}

for (const [name, flags] of Object.entries(RESOLUTIONS))
  test(`An app compiles against the package: ${name}`, () => {
    expect(complaints(USE, flags)).toBe('')
    expect(complaints(USE.replace('label.length', 'label.toFixed()'), flags)).toContain("'toFixed' does not exist")
  })
