import { copyFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

await build({ entryPoints: ['main.js'], bundle: true, minify: true, format: 'esm', outdir: 'dist' })
copyFileSync('index.html', 'dist/index.html')

// esbuild leaves `new URL(..., import.meta.url)` alone: the files go beside its output.
const folderOf = (name) => dirname(fileURLToPath(import.meta.resolve(name)))
const engine = folderOf('dynedge')
for (const file of readdirSync(engine))
  if (/\.wasm$|^browser\.(worker|more|cache)\.js$/.test(file)) copyFileSync(join(engine, file), join('dist', file))
const bundle = 'dy-mobile-cifar10.int8.safetensors'
copyFileSync(join(folderOf('dynedge-models/dy-mobile-cifar10/int8'), bundle), join('dist', bundle))
