// node check.mjs ARCHIVE ...: what publint and are-the-types-wrong find in packed packages, a line each; exit code 1 when they find anything.
import { readFileSync } from 'node:fs'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { problemKindInfo } from '@arethetypeswrong/core/problems'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/** `require` of CommonJS and resolutions older than "exports": the packages are ESM, for Node 20 and bundlers. */
const OTHER_AGES = ['node10', 'node16-cjs']
/** Bundles and package.json are exported as files; nobody asks for their types. */
const NO_CODE = /\.(safetensors|json)$/

const found = []
for (const path of process.argv.slice(2)) {
  const bytes = readFileSync(path)
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball }, level: 'suggestion', strict: true })
  for (const message of messages) found.push(`${pkg.name}: publint: ${formatMessage(message, pkg, { color: false })}`)

  const contents = createPackageFromTarballData(new Uint8Array(tarball))
  const analysis = await checkPackage(contents, {
    excludeEntrypoints: Object.keys(pkg.exports).filter((name) => NO_CODE.test(name)),
  })
  if (!analysis.types) found.push(`${pkg.name}: are-the-types-wrong: no types`)
  for (const problem of analysis.problems ?? []) {
    if (OTHER_AGES.includes(problem.resolutionKind)) continue
    const where = [problem.entrypoint, problem.resolutionKind, problem.fileName].filter(Boolean).join(', ')
    found.push(`${pkg.name}: are-the-types-wrong: ${problemKindInfo[problem.kind].title} (${where})`)
  }
  const entries = Object.entries(analysis.entrypoints ?? {}).map(([name, { resolutions }]) => {
    const ways = Object.values(resolutions).filter(({ resolutionKind }) => !OTHER_AGES.includes(resolutionKind))
    return `${name} (${ways.map(({ resolutionKind, resolution }) => `${resolutionKind} ${resolution?.fileName ?? 'nothing'}`).join(', ')})`
  })
  console.log(`${pkg.name} ${pkg.version}: ${entries.join('; ')}`)
}
for (const line of found) console.error(line)
process.exit(found.length ? 1 : 0)
