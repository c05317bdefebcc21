import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DynedgeError } from '../../src/errors.ts'
import { type Bundle, type Model, readModel } from './model.ts'

const NOTICE = '// Written by build.ts from the files beside; npm run catalogue writes it again.'
/** An f32 bundle beyond this stays out of the npm package: it is four times its w8, for the last tenths of a point. */
const LARGEST_F32_BYTES = 10e6
const [TABLE_START, TABLE_END] = ['<!-- catalogue -->', '<!-- end of catalogue -->']

/** Every network below `root`, by name. */
export function readModels(root: string): Model[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map(({ name }) => readModel(root, name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Text of every file that follows from the networks below `root`, by path relative to it. */
export function catalogue(root: string): Map<string, string> {
  const models = readModels(root)
  const published = models.filter(({ npm }) => npm)
  const files = new Map<string, string>()
  for (const model of published)
    for (const bundle of inNpm(model)) {
      const entry = `${model.name}/${bundle.info.precision === 'w8' ? 'index' : bundle.info.precision}`
      files.set(`${entry}.js`, entryScript(model, bundle))
      files.set(`${entry}.d.ts`, entryTypes(entry.replace(/\/index$/, '')))
    }
  files.set('index.js', indexScript(published))
  files.set('index.d.ts', INDEX_TYPES)
  files.set('package.json', packageJson(readFileSync(join(root, 'package.json'), 'utf8'), published))
  files.set('README.md', readme(readFileSync(join(root, 'README.md'), 'utf8'), models))
  return files
}

const inNpm = ({ bundles }: Model) =>
  bundles.filter(({ info }) => info.precision !== 'f32' || info.bytes <= LARGEST_F32_BYTES)

/** `new URL` with a literal and `import.meta.url` is what bundlers look for, and what Node and an unbundled page run as it is. */
function entryScript({ labels }: Model, { file, info }: Bundle): string {
  return `${NOTICE}
export default new URL('./${file}', import.meta.url).href

export const info = ${JSON.stringify(info, null, 2)}

export const labels = ${JSON.stringify(labels)}
`
}

const entryTypes = (path: string) => `${NOTICE}
/**
 * A trained network: where it lies, what it is, and what it tells apart.
 * @module dynedge-models/${path}
 */
import type { NetworkInfo } from '../types.js'

/** Address of the bundle, for \`load\`. */
declare const url: string
export default url
/** What this bundle is: its input, its size, how well it does. */
export declare const info: NetworkInfo
/** Names of the classes, by index. */
export declare const labels: readonly string[]
`

function indexScript(published: readonly Model[]): string {
  return `${NOTICE}
export const networks = ${JSON.stringify(
    published.map(({ bundles }) => bundles[0].info),
    null,
    2,
  )}
`
}

const INDEX_TYPES = `${NOTICE}
/**
 * The trained networks, before any is loaded.
 * @module dynedge-models
 */
import type { NetworkInfo } from './types.js'

export type { Accuracy, NetworkInfo } from './types.js'
/** The w8 bundle of every network, by name; \`dynedge-models/<name>\` has its address. */
export declare const networks: readonly NetworkInfo[]
`

function packageJson(text: string, published: readonly Model[]): string {
  const entry = (path: string) => ({ types: `./${path}.d.ts`, default: `./${path}.js` })
  const exports: Record<string, unknown> = { '.': entry('index') }
  const files = ['index.js', 'index.d.ts', 'types.d.ts', 'README.md', 'LICENSE']
  for (const model of published) {
    const { name } = model
    files.push(`${name}/README.md`, `${name}/*.png`)
    for (const { file, info } of inNpm(model)) {
      const script = info.precision === 'w8' ? 'index' : info.precision
      exports[script === 'index' ? `./${name}` : `./${name}/${script}`] = entry(`${name}/${script}`)
      exports[`./${name}/${file}`] = `./${name}/${file}`
      files.push(`${name}/${script}.js`, `${name}/${script}.d.ts`, `${name}/${file}`)
    }
  }
  exports['./package.json'] = './package.json'
  return `${JSON.stringify({ ...JSON.parse(text), exports, files }, null, 2)}\n`
}

/** The table between the two marks, written again; the rest stays. */
function readme(text: string, models: readonly Model[]): string {
  const [start, end] = [text.indexOf(TABLE_START), text.indexOf(TABLE_END)]
  if (start < 0 || end < start)
    throw new DynedgeError('bad-input', `README.md has no line ${TABLE_START} before a line ${TABLE_END}`)
  return `${text.slice(0, start + TABLE_START.length)}\n${table(models)}\n${text.slice(end)}`
}

function table(models: readonly Model[]): string {
  const percent = (share: number) => (share * 100).toFixed(2)
  const rows = models.map((model) => {
    const { name, npm, bundles } = model
    const { classes, input, multiplyAdds, bytes, accuracy } = bundles[0].info
    const { top1, interval, data } = accuracy
    const also = npm ? inNpm(model).slice(1) : []
    return [
      `[${name}](${name}/README.md)`,
      `${classes}`,
      input.join('x'),
      (multiplyAdds / 1e6).toFixed(1),
      `${(bytes / 1e6).toFixed(1)} MB`,
      `${percent(top1)} (${interval.map(percent).join(' to ')})`,
      data,
      npm ? ['w8', ...also.map(({ info }) => info.precision)].join(', ') : 'no, a control',
    ]
  })
  const head = [
    'network',
    'classes',
    'input',
    'million multiply-adds',
    'w8',
    'top-1, % (95 %)',
    'measured on',
    'in npm',
  ]
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
