// node build.mjs BUNDLER APP OUT: builds APP/main.js into OUT, as its author would, and without a setting that dynedge would not need.
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from '../../tools/engines.mjs'

const [bundler, app, out] = process.argv.slice(2)
const main = join(app, 'main.js')

const builds = {
  async vite() {
    const { build } = await import('vite')
    await build({ root: app, build: { outDir: out, emptyOutDir: true, minify: false }, logLevel: 'warn' })
  },

  async webpack() {
    const { default: webpack } = await import('webpack')
    const output = { path: out, filename: 'main.js', module: true, chunkFormat: 'module' }
    const config = { mode: 'production', context: app, entry: main, output, experiments: { outputModule: true } }
    const stats = await new Promise((resolve, reject) =>
      webpack(config, (error, stats) => (error ? reject(error) : resolve(stats))),
    )
    if (stats.hasErrors()) throw new Error(stats.toString())
    copyFileSync(join(app, 'index.html'), join(out, 'index.html'))
  },

  async rollup() {
    const { rollup } = await import('rollup')
    const { nodeResolve } = await import('@rollup/plugin-node-resolve')
    const { importMetaAssets } = await import('@web/rollup-plugin-import-meta-assets')
    const build = await rollup({ input: main, plugins: [nodeResolve({ browser: true }), importMetaAssets()] })
    await build.write({ dir: out, format: 'es' })
    await build.close()
    copyFileSync(join(app, 'index.html'), join(out, 'index.html'))
  },

  async esbuild() {
    const { build } = await import('esbuild')
    await build({ entryPoints: [main], bundle: true, format: 'esm', outdir: out, logLevel: 'warning' })
    // esbuild leaves `new URL(..., import.meta.url)` alone: the files go beside its output.
    const models = join(app, 'node_modules', 'dynedge-models')
    const code = readFileSync(join(out, 'main.js'), 'utf8')
    const names = readdirSync(models, { recursive: true }).filter((name) => name.endsWith('.safetensors'))
    for (const name of names)
      if (code.includes(basename(name))) copyFileSync(join(models, name), join(out, basename(name)))
    for (const name of readdirSync(join(app, 'node_modules', 'dynedge', 'dist')).filter((name) =>
      /\.wasm$|^browser\.(worker|more)\.js$/.test(name),
    ))
      copyFileSync(join(app, 'node_modules', 'dynedge', 'dist', name), join(out, name))
    copyFileSync(join(app, 'index.html'), join(out, 'index.html'))
  },
}

install(dirname(fileURLToPath(import.meta.url)))
mkdirSync(out, { recursive: true })
await builds[bundler]()
