// node tools/digests.mjs [node ...]: are the int8 logits of every network, in every variant, the bytes that test/fixtures/int8 says?
// With arguments, in another Node: of another processor under an emulator, of another version, with flags of V8.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'golden')
// Beside its source, whose paths it keeps.
const outfile = join(folder, `digests-${process.pid}.mjs`)
const [command = process.execPath, ...flags] = process.argv.slice(2)
try {
  await build({
    entryPoints: [join(folder, 'digests.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  const { status, error } = spawnSync(command, [...flags, outfile], { stdio: 'inherit' })
  if (error) throw error
  process.exitCode = status ?? 1
} finally {
  rmSync(outfile, { force: true })
}
