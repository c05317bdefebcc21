import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { calibrationKernels } from '../kernels.ts'
import { litertVersion } from '../litert.ts'
import { commit, machine } from '../machine.ts'
import { type Asked, modelsOf, subjectOf } from '../models.ts'
import { ortVersion } from '../ort.ts'
import { LITERT, ORT, TFJS } from '../peers.ts'
import { tfjsVersion } from '../tfjs.ts'
import { WRITERS } from '../writers.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** Folders that a page may read, by the first part of the address. */
const FOLDERS: Record<string, string> = {
  dist: join(root, 'dist'),
  ort: join(root, 'bench/node_modules/onnxruntime-web/dist'),
  tfjs: join(root, 'bench/node_modules/@tensorflow/tfjs-backend-wasm/dist'),
  litert: join(root, 'bench/node_modules/@litertjs/core/wasm'),
}
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
}
/** Threads want a page that is isolated from other origins. */
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cache-control': 'no-store',
}

interface Answer {
  type: string
  body: Uint8Array | string
}

/** Serves the bench page on this machine alone; `port` 0 takes any that is free. */
export async function serveBench(port = 0): Promise<{ server: Server; origin: string }> {
  const script = await pageScript()
  const files = new Map<string, Uint8Array>()
  const answer = async (url: URL): Promise<Answer | undefined> => {
    const { pathname, searchParams } = url
    if (pathname === '/') return { type: TYPES['.html'], body: await readFile(join(root, 'bench/browser/page.html')) }
    if (pathname === '/page.js') return { type: TYPES['.js'], body: script }
    if (pathname === '/about') return { type: TYPES['.json'], body: JSON.stringify(about()) }
    if (pathname === '/models') return { type: TYPES['.json'], body: JSON.stringify(await models(searchParams, files)) }
    const file = files.get(pathname)
    if (file) return { type: 'application/octet-stream', body: file }
    const [, folder, ...rest] = normalize(pathname).split(sep)
    if (!Object.hasOwn(FOLDERS, folder) || rest.includes('..')) return undefined
    const body = await readFile(join(FOLDERS[folder], ...rest)).catch(() => undefined)
    return body && { type: TYPES[extname(pathname)] ?? 'application/octet-stream', body }
  }
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const found = await answer(new URL(request.url!, 'http://localhost'))
      response.writeHead(found ? 200 : 404, { ...HEADERS, 'content-type': found?.type ?? 'text/plain' })
      response.end(found?.body ?? 'There is no such file.')
    } catch (error) {
      response.writeHead(500, { ...HEADERS, 'content-type': 'text/plain' })
      response.end(error instanceof Error ? error.message : String(error))
    }
  }
  const server = createServer(reply)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return { server, origin: `http://localhost:${(server.address() as AddressInfo).port}` }
}

/** The page's script with what it needs of the peers, but their wasm; our own comes from dist/, as users have it. */
async function pageScript(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'bench/browser/client.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    external: ['/dist/browser.js', '/ort/ort.wasm.min.mjs'],
    logLevel: 'error',
  })
  return outputFiles[0].contents
}

function about() {
  const { cpu, cores, memoryGiB, os, arch, load } = machine()
  const peers = { [ORT]: ortVersion, [TFJS]: tfjsVersion, [LITERT]: litertVersion }
  return { machine: { cpu, cores, memoryGiB, os, arch, load }, commit: commit(), peers }
}

/** Models of one network and the pictures to compare them on; `files` gets their bytes by address. */
async function models(query: URLSearchParams, files: Map<string, Uint8Array>) {
  const list = (name: string) => (query.get(name) ?? '').split(',').filter(Boolean)
  const size = Number(query.get('size'))
  const asked = {
    networks: list('networks'),
    sizes: [size],
    precisions: list('precisions'),
    variants: list('variants'),
    threads: [Number(query.get('threads') ?? 1)],
    peers: list('peers'),
    forms: false,
  } as Asked
  const subject = await subjectOf(asked.networks[0], size, asked, calibrationKernels)
  files.clear()
  const given = modelsOf(subject, asked, WRITERS).map(({ file, ...model }, index) => {
    const path = `/files/${model.network}-${size}-${index}`
    files.set(path, file)
    return { ...model, path }
  })
  const pictures = subject.pictures.map((picture, index) => {
    const path = `/files/picture-${size}-${index}`
    files.set(path, new Uint8Array(picture.buffer, picture.byteOffset, picture.byteLength))
    return path
  })
  return { models: given, pictures }
}
