import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type TypeScript from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { install } from '../../tools/engines.mjs'
import { type Packed, pack, ROOT, TOOLS, unpack } from './support.ts'

// What an app's compiler sees of the packages as npm lays them out: no sources, no settings of ours, no skipLibCheck.
const SHARED = `import { DynedgeError, load, type FrameSource, type ImageInput, type Network, type Outputs, type PixelSource, type Prediction, type Variant } from 'dynedge'
import { networks } from 'dynedge-models'
import url, { info } from 'dynedge-models/dy-mobile-200/int8'
const net: Network = await load(url, { integrity: info.integrity, onProgress: ({ loaded, total }) => void (loaded / total) })
const top: Prediction[] = await net.classify({ data: new Uint8Array(48), width: 4, height: 4 }, { topK: 3 })
const outputs: Outputs = await net.run({ data: new Float32Array(48), height: 4, width: 4 })
const variant: Variant = net.describe().variant
const words = [top[0].label.length, outputs.logits.length, new DynedgeError('usage', '').code, variant, networks.length]
type Plain = [ImageInput] extends [PixelSource | FrameSource | Blob] ? 'pixels and Blobs' : 'also what pages have'
export { words, type Plain }
`
const NODE = `${SHARED}import { runCli } from 'dynedge/cli'
const status: number = await runCli(['networks', '--json'])
const bytes = await load(Buffer.alloc(8).buffer, { signal: AbortSignal.timeout(9) })
const plain: Plain = 'pixels and Blobs'
export { bytes, plain, status }
`
const PAGE = `${SHARED}const page = await load(new Blob([]), { worker: true })
const video = document.querySelector('video')!
for await (const { top, mediaTime } of page.stream(video, { topK: 1 })) console.log(top[0].label.length, mediaTime.toFixed())
for (const image of [video, new OffscreenCanvas(1, 1), new ImageData(1, 1), document.images[0], new Blob([])])
  await page.classify(image)
const plain: Plain = 'also what pages have'
export { plain }
`
const APP = `${SHARED}const own = await load(require('./model.safetensors'), { signal: new AbortController().signal })
const asset: number = 5
await load(asset)
const plain: Plain = 'also what pages have'
declare function require(path: string): number
export { own, plain }
`
/** What each must refuse, so that nothing is taken for any type. */
const WRONG =
  "import { load } from 'dynedge'\nexport const [{ label }] = await (await load('')).classify('photo.jpg')\n"

interface Consumer {
  source: string
  module: string
  moduleResolution: string
  lib: string[]
  types: string[]
  customConditions?: string[]
}
const CONSUMERS: Record<string, Consumer> = {
  'Node, node16': { source: NODE, module: 'node16', moduleResolution: 'node16', lib: ['es2022'], types: ['node'] },
  'Node, nodenext': {
    source: NODE,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    lib: ['es2022'],
    types: ['node'],
  },
  'Node, bundler': {
    source: NODE,
    module: 'esnext',
    moduleResolution: 'bundler',
    customConditions: ['node'],
    lib: ['es2022'],
    types: ['node'],
  },
  'a page, bundler': {
    source: PAGE,
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2022', 'dom', 'dom.iterable'],
    types: [],
  },
  'a page, bundler that says so': {
    source: PAGE,
    module: 'esnext',
    moduleResolution: 'bundler',
    customConditions: ['browser'],
    lib: ['es2022', 'dom', 'dom.iterable'],
    types: [],
  },
  // Its own types declare what of a page it has.
  'React Native, bundler': {
    source: APP,
    module: 'esnext',
    moduleResolution: 'bundler',
    customConditions: ['react-native'],
    lib: ['es2022', 'dom'],
    types: [],
  },
}

let packed: Packed
beforeAll(() => {
  packed = pack('dynedge')
  unpack(packed.archives.dynedge, 'dynedge', packed.folder)
  symlinkSync(join(ROOT, 'models', 'dynedge-models'), join(packed.folder, 'node_modules', 'dynedge-models'), 'junction')
  writeFileSync(join(packed.folder, 'package.json'), '{"type":"module"}')
  install(TOOLS)
}, 240_000)
afterAll(() => packed?.clean())

/** A project of its own folder: an app, and beside it what must be refused. */
function project(name: string, { source, ...consumer }: Consumer): string {
  const folder = join(packed.folder, name.replace(/\W+/g, '-'))
  mkdirSync(folder, { recursive: true })
  const typeRoots = [join(ROOT, 'node_modules', '@types')]
  const strict = { noEmit: true, strict: true, skipDefaultLibCheck: true, target: 'es2022' }
  const compilerOptions = { ...strict, typeRoots, ...consumer }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts', 'wrong.ts'] }))
  writeFileSync(join(folder, 'app.ts'), source)
  writeFileSync(join(folder, 'wrong.ts'), WRONG)
  return join(folder, 'tsconfig.json')
}

/** What a compiler written in JavaScript says of the app and of our declarations; what others wrote is parsed once. */
function compilerOf(name: string): Compiler {
  const ts: typeof TypeScript = createRequire(join(TOOLS, 'package.json'))(name)
  const parsed = new Map<string, TypeScript.SourceFile | undefined>()
  return (config) => {
    const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(config, {}, {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(`${messageText}`)
      },
    } as TypeScript.ParseConfigFileHost)!
    const host = ts.createCompilerHost(options)
    const { getSourceFile } = host
    host.getSourceFile = (path, version, ...more) => {
      if (path.startsWith(packed.folder)) return getSourceFile(path, version, ...more)
      const key = `${path} ${JSON.stringify(version)}`
      if (!parsed.has(key)) parsed.set(key, getSourceFile(path, version, ...more))
      return parsed.get(key)
    }
    const program = ts.createProgram(fileNames, options, host)
    const ours = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(packed.folder))
    const found = [
      ...program.getConfigFileParsingDiagnostics(),
      ...program.getOptionsDiagnostics(),
      ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
    ]
    return ts
      .formatDiagnostics(found, { ...host, getNewLine: () => '\n' })
      .split('\n')
      .filter((line) => /^\S/.test(line))
  }
}

function nativeCompiler(config: string): string[] {
  const tsc = join(TOOLS, 'node_modules', 'typescript-7', 'bin', 'tsc')
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', config], { encoding: 'utf8' })
  return `${stdout}${stderr}`.split('\n').filter((line) => /^\S/.test(line))
}

/** Lines of complaint about a project. */
type Compiler = (config: string) => string[]
const COMPILERS: Record<string, () => Compiler> = {
  '5.0': () => compilerOf('typescript-5.0'),
  '5.9': () => compilerOf('typescript'),
  '7.0': () => nativeCompiler,
}

describe.each(Object.keys(COMPILERS))('TypeScript %s', (version) => {
  let complaints: Compiler
  beforeAll(() => {
    complaints = COMPILERS[version]()
  })

  test.each(Object.entries(CONSUMERS))('compiles an app for %s', (name, consumer) => {
    expect(complaints(project(`${version} ${name}`, consumer))).toEqual([
      expect.stringMatching(/wrong\.ts.*'string' is not assignable to parameter of type 'ImageInput'/),
    ])
  })
})
