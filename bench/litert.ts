import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import type { CompiledModel } from '@litertjs/core'
import { relaxedSimd } from 'wasm-feature-detect'
import type { TensorInput } from '../src/network.ts'
import type { Variant } from '../src/runtime/module.ts'
import type { PeerSession } from './ort.ts'
import { turned } from './tflite/write.ts'

type LiteRt = typeof import('@litertjs/core')

/** The peer's own version, from what is installed. */
export const litertVersion: string = JSON.parse(
  readFileSync(new URL('./node_modules/@litertjs/core/package.json', import.meta.url), 'utf8'),
).version

/** Its binaries for one thread; it chooses the second where there is no relaxed SIMD. */
const BUILDS: Record<Variant, string> = { relaxed: 'litert_wasm_internal.js', simd: 'litert_wasm_compat_internal.js' }

const loaded = new Map<Variant, Promise<LiteRt>>()

/** A session of LiteRT.js's CPU accelerator (XNNPACK) on one thread, with its input in place; every run returns the logits. */
export async function openLiteRt(model: Uint8Array, input: TensorInput, variant?: Variant): Promise<PeerSession> {
  const litert = await libraryOf(variant ?? ((await relaxedSimd()) ? 'relaxed' : 'simd'))
  const compiled: CompiledModel = await litert.loadAndCompile(model, { accelerator: 'wasm' })
  const place = (picture: TensorInput) => new litert.Tensor(turned(picture.data), [1, picture.height, picture.width, 3])
  let image = place(input)
  return {
    run: async () => {
      const outputs = await compiled.run(image)
      const logits = outputs[0].toTypedArray() as Float32Array
      for (const output of outputs) output.delete()
      return logits
    },
    show: (picture) => {
      image.delete()
      image = place(picture)
    },
    release: async () => {
      image.delete()
      compiled.delete()
    },
  }
}

/** One library for each binary: it keeps what it loaded in a variable of its module. */
function libraryOf(variant: Variant): Promise<LiteRt> {
  const known = loaded.get(variant) ?? start(variant)
  loaded.set(variant, known)
  return known
}

async function start(variant: Variant): Promise<LiteRt> {
  const require = createRequire(import.meta.url)
  const entry = require.resolve('@litertjs/core')
  const page = globalThis as Record<string, unknown>
  page.self = globalThis
  // It loads its script as a page or a worker does; the script itself knows Node.
  page.importScripts = (path: string) => {
    const script = `${readFileSync(path, 'utf8')}\nreturn ModuleFactory`
    const names = ['require', '__filename', '__dirname']
    page.ModuleFactory = compileFunction(script, names, { filename: path })(require, path, dirname(path))
  }
  const { warn, log, error } = console
  const silent = () => {}
  try {
    // It tells of the GPU that Node has not, and of what it registers.
    Object.assign(console, { warn: silent, log: silent, error: silent })
    const litert: LiteRt = await import(`${pathToFileURL(entry).href}?${variant}`)
    await litert.loadLiteRt(join(dirname(entry), '..', 'wasm', BUILDS[variant]))
    return litert
  } finally {
    Object.assign(console, { warn, log, error })
    delete page.importScripts
  }
}
