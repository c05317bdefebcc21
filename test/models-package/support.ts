import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue } from '../../models/dynedge-models/catalogue.ts'
import { ROOT, writeBundleFile } from '../cli/support.ts'

/** The workspace: the package as the repository has it. */
export const PACKAGE = join(ROOT, 'models', 'dynedge-models')

export const FACTS = {
  npm: true,
  evaluated: { data: 'nothing', images: 400, top1: { w8: 100, f32: 101 }, top5: { w8: 400 } },
}

/** A folder of a network as training leaves it: random weights, four classes, 32x48 pixels. */
export function writeModel(root: string, name: string, network: string, facts: object = FACTS): void {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  for (const file of ['README.md', 'config.toml', 'log.csv', 'curve.png'])
    writeFileSync(join(folder, file), `${file} of ${name}\n`)
  writeFileSync(join(folder, 'model.json'), JSON.stringify(facts))
  for (const precision of ['w8', 'f32'] as const)
    writeBundleFile(join(folder, `${name}.${precision}.safetensors`), network, precision)
}

/** What stays beside the networks when there are none: the package's own texts. */
export function writeEmptyPackage(root: string): void {
  mkdirSync(root, { recursive: true })
  for (const file of ['package.json', 'README.md', 'types.d.ts', 'LICENSE'])
    copyFileSync(join(PACKAGE, file), join(root, file))
}

export function writeCatalogue(root: string): void {
  for (const [path, text] of catalogue(root)) writeFileSync(join(root, path), text)
}

/** A dynedge-models of random weights; `networks` maps names in the package to architectures. */
export function writeModelsPackage(root: string, networks: Record<string, string>): void {
  writeEmptyPackage(root)
  for (const [name, network] of Object.entries(networks)) writeModel(root, name, network)
  writeCatalogue(root)
}
