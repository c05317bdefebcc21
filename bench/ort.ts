import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Ort from 'onnxruntime-web'
import type { TensorInput } from '../src/interface.ts'
import { ortSession, type PeerSession } from './sessions.ts'

/** The peer's own version, from what is installed. */
export const ortVersion: string = JSON.parse(
  readFileSync(new URL('./node_modules/onnxruntime-web/package.json', import.meta.url), 'utf8'),
).version

export async function openOrt(model: Uint8Array, input: TensorInput, threads: number): Promise<PeerSession> {
  return ortSession(await libraryOf(threads), model, input, threads)
}

/** A library of its own for each number of threads, which it keeps in variables of its modules: so they are made one module. */
async function libraryOf(threads: number): Promise<typeof Ort> {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'build', `onnxruntime-web-${ortVersion}`)
  const script = join(folder, 'ort.mjs')
  if (!existsSync(script)) {
    mkdirSync(folder, { recursive: true })
    const entry = fileURLToPath(import.meta.resolve('onnxruntime-web'))
    for (const end of ['mjs', 'wasm']) {
      const name = `ort-wasm-simd-threaded.${end}`
      copyFileSync(join(dirname(entry), name), join(folder, name))
    }
    const { build } = await import('esbuild')
    const options = { bundle: true, format: 'esm', platform: 'node', legalComments: 'none' } as const
    await build({ ...options, entryPoints: [entry], outfile: script })
  }
  return import(`${pathToFileURL(script)}?threads=${threads}`)
}
