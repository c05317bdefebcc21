// The demo site as static files: site/build/. Whatever server has them, under whatever path, serves the site.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import sharp from 'sharp'
import { install } from '../tools/engines.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..')
/** Sides of the pictures of samples on buttons, in pixels of a dense screen. */
const SMALL = 112
const DYNEDGE = /^(browser\..*\.?js|dynedge\.[\w-]+\.wasm)$/
const ORT = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']
const ORT_FOLDER = join(root, 'bench', 'node_modules', 'onnxruntime-web')

/** Builds the site into `out`; returns its files, relative to it. Wants dist/. */
export async function buildSite(out = join(here, 'build')) {
  const dist = join(root, 'dist')
  if (!existsSync(join(dist, 'browser.js'))) throw new Error('There is no dist/ yet: run `npm run build` first.')
  install(join(root, 'bench'))
  install(here)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(join(out, 'samples', 'small'), { recursive: true })
  const copy = (from, to) => cpSync(from, join(out, to))

  for (const file of readdirSync(dist).filter((name) => DYNEDGE.test(name))) copy(join(dist, file), `dynedge/${file}`)
  for (const file of ORT) copy(join(ORT_FOLDER, 'dist', file), `ort/${file}`)
  const networks = listNetworks()
  for (const { files } of networks) for (const { file, from } of Object.values(files)) copy(from, `networks/${file}`)
  const samples = listSamples()
  copy(join(root, 'samples', 'LICENSES.md'), 'samples/LICENSES.md')
  for (const { file } of samples) {
    const from = join(root, 'samples', file)
    copy(from, `samples/${file}`)
    await sharp(from)
      .resize(SMALL, SMALL, { fit: 'cover' })
      .jpeg({ quality: 72, mozjpeg: true })
      .toFile(join(out, 'samples', 'small', file))
  }
  for (const file of readdirSync(join(here, 'pages')).filter((name) => !name.endsWith('.css')))
    copy(join(here, 'pages', file), file)

  const { commit, version, ort } = versions()
  const shown = networks.map(({ files, ...network }) => ({
    ...network,
    files: Object.fromEntries(Object.entries(files).map(([precision, { from, ...file }]) => [precision, file])),
  }))
  const common = {
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    outdir: out,
    plugins: [published],
  }
  await build({
    ...common,
    entryPoints: {
      demo: join(here, 'demo/main.ts'),
      bench: join(here, 'bench/page.ts'),
      'bench-worker': join(here, 'bench/worker.ts'),
    },
    splitting: true,
    chunkNames: 'script.[hash]',
    define: { SITE: JSON.stringify({ networks: shown, samples }), ABOUT: JSON.stringify({ commit, version, ort }) },
  })
  await build({
    ...common,
    plugins: [],
    entryPoints: { demo: join(here, 'pages/demo.css'), bench: join(here, 'pages/bench.css') },
  })
  const kept = filesIn(out).filter((file) => !/^(networks|ort)\/|^samples\/[^/]+$|^dynedge\/.*\.wasm$/.test(file))
  const digest = createHash('sha256')
  for (const file of filesIn(out)) digest.update(file).update(readFileSync(join(out, file)))
  await build({
    ...common,
    format: 'iife',
    entryPoints: { offline: join(here, 'demo/offline-worker.ts') },
    define: {
      KEPT: JSON.stringify(['./', ...kept.filter((file) => file !== 'index.html')]),
      VERSION: JSON.stringify(digest.digest('hex').slice(0, 12)),
    },
  })
  return filesIn(out)
}

/** Every page loads dynedge as users have it: the built files beside it, none of its sources. */
const published = {
  name: 'published',
  setup({ onResolve }) {
    onResolve({ filter: /\/src\/browser\.ts$/ }, () => ({ path: './dynedge/browser.js', external: true }))
    onResolve({ filter: /^node:crypto$/ }, () => ({ path: join(here, 'bench/hash.ts') }))
  },
}

/** Networks of dynedge-models, the dynamic ones first: what a page must know before it loads one. */
function listNetworks() {
  const folder = join(root, 'models', 'dynedge-models')
  const networks = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'model.json')))
    .map((name) => {
      const { evaluated } = JSON.parse(readFileSync(join(folder, name, 'model.json'), 'utf8'))
      const files = {}
      let known
      for (const precision of ['int8', 'w8', 'f32']) {
        const file = `${name}.${precision}.safetensors`
        const from = join(folder, name, file)
        if (!existsSync(from)) continue
        known = bundleHeader(from)
        const integrity = `sha256-${Buffer.from(known.sha256, 'hex').toString('base64')}`
        files[precision] = { file, bytes: statSync(from).size, integrity, from }
      }
      const { graph, input } = known
      return {
        name,
        title: titleOf(name, graph),
        dynamic: graph.kernels > 0,
        classes: graph.classes,
        input: input.size,
        top1: evaluated.top1.w8 / evaluated.images,
        data: evaluated.data.replace(', validation', ''),
        files,
      }
    })
  const rank = ({ name, dynamic }) => (name === 'dy-mobile-200' ? 0 : dynamic ? 1 : 2)
  return networks.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
}

const FAMILIES = {
  'dy-mobile': 'Dy-mobile',
  'dy-shuffle': 'Dy-shuffle',
  'fix-mobile': 'Fix-mobile',
  'fix-shuffle': 'Fix-shuffle',
  mobilenetv2: 'MobileNetV2',
  shufflenetv2: 'ShuffleNetV2',
}

/** Family, width, what it knows. */
function titleOf(name, { network, width, classes }) {
  const family = Object.keys(FAMILIES).find((each) => network.startsWith(each))
  return `${FAMILIES[family]}${width === 1 ? '' : ` ${width}`}, ${classes} things${name.includes('cifar10') ? ' (CIFAR-10)' : ''}`
}

function bundleHeader(file) {
  const bytes = readFileSync(file)
  const length = Number(bytes.readBigUInt64LE())
  const { __metadata__ } = JSON.parse(bytes.subarray(8, 8 + length).toString())
  return JSON.parse(__metadata__.dynedge)
}

/** File and class of every sample, as its list of licences says. */
function listSamples() {
  const text = readFileSync(join(root, 'samples', 'LICENSES.md'), 'utf8')
  return [...text.matchAll(/^\| `(.+?)` \| (.+?) \(n\d{8}\) \|/gm)].map(([, file, label]) => ({ file, label }))
}

function versions() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const ort = JSON.parse(readFileSync(join(ORT_FOLDER, 'package.json'), 'utf8')).version
  return { version, ort, commit: commitOf() ?? version }
}

/** As bench/machine.ts has it; none where the site is built from a package. */
function commitOf() {
  const head = join(root, '.git')
  if (!existsSync(head)) return undefined
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
}

/** All files below a folder, sorted. */
export function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)).replaceAll('\\', '/'))
    .sort()
}
