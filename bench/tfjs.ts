import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as Wasm from '@tensorflow/tfjs-backend-wasm'
import type * as Tfjs from '@tensorflow/tfjs-core'
import type { TensorInput } from '../src/interface.ts'
import { type PeerSession, tfjsSession } from './sessions.ts'

/** The peer's own version, from what is installed. */
export const tfjsVersion: string = JSON.parse(
  readFileSync(new URL('./node_modules/@tensorflow/tfjs-backend-wasm/package.json', import.meta.url), 'utf8'),
).version

/** A library of its own for each number of threads, which it keeps in a variable of its module. */
interface Library {
  tf: typeof Tfjs
  /** Makes it the one whose tensors are made and read: libraries keep that in a variable of the process. */
  activate(): void
}

const started = new Map<number, Promise<Library>>()
const GLOBALS = ['_tfengine', '_tfGlobals'] as const
const shared = globalThis as unknown as Record<(typeof GLOBALS)[number], unknown>

export async function openTfjs(file: Uint8Array, input: TensorInput, threads: number): Promise<PeerSession> {
  const starting = started.get(threads) ?? start(threads)
  started.set(threads, starting)
  const { tf, activate } = await starting
  return tfjsSession(tf, activate, file, input)
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const

async function start(threads: number): Promise<Library> {
  const require = createRequire(import.meta.url)
  for (const name of Object.keys(require.cache)) if (name.includes('@tensorflow')) delete require.cache[name]
  for (const name of GLOBALS) delete shared[name]
  const tf: typeof Tfjs = require('@tensorflow/tfjs-core')
  const wasm: typeof Wasm = require('@tensorflow/tfjs-backend-wasm')
  wasm.setThreadsCount(threads)
  // It says itself that Node cannot do it, because of what `withScriptFiles` sees to.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threads > 1)
  const begin = async () => {
    await tf.setBackend('wasm')
    await tf.ready()
  }
  const listeners = EVENTS.map((event) => process.listeners(event as 'uncaughtException'))
  if (threads === 1) await begin()
  else await withScriptFiles(begin)
  // Its runtime hangs itself into the whole process.
  EVENTS.forEach((event, index) => {
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!listeners[index].includes(listener)) process.removeListener(event, listener)
  })
  if (wasm.getThreadsCount() !== threads)
    throw new Error(`TensorFlow.js runs on ${wasm.getThreadsCount()} threads, expected ${threads}.`)
  const own = GLOBALS.map((name) => shared[name])
  const activate = () =>
    GLOBALS.forEach((name, index) => {
      shared[name] = own[index]
    })
  return { tf, activate }
}

/** Its workers get their scripts as blobs, from which Node starts none: while `begin` runs, a blob is a file. */
async function withScriptFiles(begin: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dynedge-tfjs-'))
  let files = 0
  const write = (text: string) => {
    const path = join(folder, `${files++}.cjs`)
    writeFileSync(path, text)
    return path
  }
  // It takes no more threads than half of the logical cores.
  const os = createRequire(import.meta.url)('node:os')
  const { cpus } = os
  os.cpus = () => [...cpus(), ...cpus()]
  const { Blob } = globalThis
  const { createObjectURL } = URL
  class BlobFile {
    readonly path: string
    constructor(parts: string[]) {
      this.path = write(parts.join(''))
    }
  }
  // The second line: names that its bundle for Node gives to modules, and the script that workers get from it takes for granted.
  const inWorker = `URL.createObjectURL = ({ path }) => path; URL.revokeObjectURL = () => {};
    Object.assign(globalThis, { require$$0: require('fs'), require$$1: require('path'), require$$3: require('perf_hooks'), require$$4: require('os'), commonjsGlobal: globalThis });`
  Object.assign(globalThis, { Blob: BlobFile })
  URL.createObjectURL = (blob: unknown) => write(`${inWorker}\n${readFileSync((blob as BlobFile).path, 'utf8')}`)
  try {
    await begin()
  } finally {
    os.cpus = cpus
    Object.assign(globalThis, { Blob })
    URL.createObjectURL = createObjectURL
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  }
}
