// node tools/digests.mjs [node ...]: are the int8 logits of every network, in every variant, the bytes that test/fixtures/int8 says?
// With arguments, in another Node: of another processor under an emulator, of another version, with flags of V8. ONLY=dy-mobile
// takes the networks whose names start so. Wants build/.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const source = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'golden')
// Beside their sources, whose paths they keep.
const script = (name) => join(source, `${name}-${process.pid}.mjs`)
const scripts = ['pack-digests', 'digests']
const bundles = mkdtempSync(join(tmpdir(), 'dynedge-digests-'))

function run(command, ...parameters) {
  const { status, error } = spawnSync(command, parameters, { stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

try {
  for (const name of scripts)
    await build({
      entryPoints: [join(source, `${name}.ts`)],
      outfile: script(name),
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'warning',
    })
  const [command = process.execPath, ...flags] = process.argv.slice(2)
  process.exitCode =
    run(process.execPath, script('pack-digests'), bundles, process.env.ONLY ?? '') ||
    run(command, ...flags, script('digests'), bundles)
} finally {
  for (const name of scripts) rmSync(script(name), { force: true })
  rmSync(bundles, { recursive: true })
}
