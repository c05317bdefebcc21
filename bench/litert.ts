import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import type { TensorInput, Variant } from '../src/interface.ts'
import { litertSession, type PeerSession } from './sessions.ts'

type LiteRt = typeof import('@litertjs/core')

/** The peer's own version, from what is installed. */
export const litertVersion: string = JSON.parse(
  readFileSync(new URL('./node_modules/@litertjs/core/package.json', import.meta.url), 'utf8'),
).version

/** Its binaries for one thread; it chooses the second where there is no relaxed SIMD. */
const BUILDS: Record<Variant, string> = { relaxed: 'litert_wasm_internal', simd: 'litert_wasm_compat_internal' }
/** For several; there is none without relaxed SIMD. */
const THREADED = 'litert_wasm_threaded_internal'

const loaded = new Map<string, Promise<LiteRt>>()

export async function openLiteRt(
  model: Uint8Array,
  input: TensorInput,
  variant: Variant,
  threads: number,
): Promise<PeerSession> {
  return litertSession(await libraryOf(threads === 1 ? BUILDS[variant] : THREADED), model, input, threads)
}

/** One library for each binary: it keeps what it loaded in a variable of its module. */
function libraryOf(build: string): Promise<LiteRt> {
  const known = loaded.get(build) ?? start(build)
  loaded.set(build, known)
  return known
}

async function start(build: string): Promise<LiteRt> {
  const require = createRequire(import.meta.url)
  const entry = require.resolve('@litertjs/core')
  const scripts = join(dirname(entry), '..', 'wasm')
  const folder = build === THREADED ? copied(scripts) : scripts
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
    const litert: LiteRt = await import(`${pathToFileURL(entry).href}?${build}`)
    await litert.loadLiteRt(join(folder, `${build}.js`))
    return litert
  } finally {
    Object.assign(console, { warn, log, error })
    delete page.importScripts
  }
}

/** Its workers run the same script, which Node takes for a CommonJS module only where no package.json says otherwise. */
function copied(scripts: string): string {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'build', `litert-${litertVersion}`)
  if (!statSync(join(folder, 'package.json'), { throwIfNoEntry: false })) {
    mkdirSync(folder, { recursive: true })
    for (const end of ['js', 'wasm']) cpSync(join(scripts, `${THREADED}.${end}`), join(folder, `${THREADED}.${end}`))
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  }
  return folder
}
