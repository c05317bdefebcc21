import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { install, takeTurn } from '../../tools/engines.mjs'
import { buildNative } from '../../tools/native/build.mjs'
import { type Folder, ROOT, require } from '../native/support.ts'

const HERE = join(ROOT, 'test', 'react-native')
/** Of which version the sources are that the host is made of, and what npm must send. */
const REACT_NATIVE = JSON.parse(readFileSync(join(HERE, 'react-native.json'), 'utf8')) as Record<
  'version' | 'integrity',
  string
>

const PLAIN = { folder: 'jsc-host', cmake: [] as string[] }
const sanitized = (name: string, flags: string, cxx = flags) => ({
  folder: `jsc-host-${name}`,
  cmake: [
    '-DCMAKE_BUILD_TYPE=None',
    `-DCMAKE_C_FLAGS=-O1 -g1 -DNDEBUG ${flags}`,
    `-DCMAKE_CXX_FLAGS=-O1 -g1 -DNDEBUG ${cxx}`,
    '-DDYNEDGE_MODULE_OPTIMIZATION=-O1',
  ],
})
const ADDRESS = '-fsanitize=address,undefined -fno-sanitize-recover=all'
/** JavaScriptCore itself is as Debian built it: without the types that the check of virtual calls looks for. */
export const SANITIZED = {
  address: sanitized('address', ADDRESS, `${ADDRESS} -fno-sanitize=vptr`),
  thread: sanitized('thread', '-fsanitize=thread'),
}

/** A program that runs JavaScript in JavaScriptCore, with dynedge's module behind React Native's interfaces; built where something changed. */
export const builtHost = (): string => join(builtPrograms(), 'dynedge-jsc-host')

/** Folder of `dynedge-jsc-host`, and of `dynedge-stress`, which has the module's threads without JavaScript. */
export function builtPrograms(kind = PLAIN): string {
  require({
    name: 'host',
    folder: kind.folder,
    needs: { cmake: 'cmake', make: 'make', gcc: 'gcc', 'g++': 'g++', 'pkg-config': 'pkg-config' },
    cmake: [],
    compiler: [],
    emulator: [],
  })
  if (spawnSync('pkg-config', ['--exists', 'javascriptcoregtk-4.1']).status !== 0)
    throw new Error('This test needs JavaScriptCore: apt-get install libjavascriptcoregtk-4.1-dev')
  const folder = join(ROOT, 'build', kind.folder)
  mkdirSync(folder, { recursive: true })
  const release = takeTurn(join(folder, '.building'))
  try {
    const sources = unpacked()
    buildNative()
    const options = [`-DREACT_NATIVE=${sources}`, ...kind.cmake]
    execFileSync('cmake', ['-S', join(HERE, 'host'), '-B', folder, ...options], { stdio: 'pipe' })
    execFileSync('cmake', ['--build', folder, '-j2'], { stdio: 'pipe', encoding: 'utf8' })
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string }
    throw new Error(`The host does not build: ${message}\n${stdout}${stderr}`, { cause: error })
  } finally {
    release()
  }
  return folder
}

/** Folder of React Native's own C++. */
export function reactNative(): string {
  const folder = join(ROOT, 'build', 'jsc-host')
  mkdirSync(folder, { recursive: true })
  const release = takeTurn(join(folder, '.building'))
  try {
    return unpacked()
  } finally {
    release()
  }
}

/** React Native's package without what it depends on: a few of its C++ files and scripts are all that is needed. */
function unpacked(): string {
  const folder = join(ROOT, 'build', `react-native-${REACT_NATIVE.version}`)
  if (existsSync(join(folder, 'Libraries'))) return folder
  rmSync(folder, { recursive: true, force: true })
  const taken = `${folder}.taken`
  rmSync(taken, { recursive: true, force: true })
  mkdirSync(taken, { recursive: true })
  const name = `react-native-${REACT_NATIVE.version}.tgz`
  execFileSync('npm', ['pack', `react-native@${REACT_NATIVE.version}`, '--pack-destination', taken, '--silent'], {
    stdio: 'pipe',
  })
  const found = `sha512-${createHash('sha512')
    .update(readFileSync(join(taken, name)))
    .digest('base64')}`
  if (found !== REACT_NATIVE.integrity)
    throw new Error(`npm sent a ${name} of ${found}, expected ${REACT_NATIVE.integrity}`)
  const parts = ['ReactCommon', 'Libraries', 'src'].map((part) => `package/${part}`)
  execFileSync('tar', ['xzf', name, ...parts], { cwd: taken })
  renameSync(join(taken, 'package'), folder)
  rmSync(taken, { recursive: true })
  return folder
}

/** Whose half of React Native's own scripts. */
export type System = 'android' | 'ios'

/** React Native's own scripts as `rn/...`, without their types. */
function ownScripts(): Plugin {
  const sources = unpacked()
  install(HERE)
  const strip: (code: string, options: { all: boolean }) => { toString(): string } = createRequire(
    join(HERE, 'package.json'),
  )('flow-remove-types')
  return {
    name: 'react-native',
    setup(scripts) {
      scripts.onResolve({ filter: /^rn\// }, async ({ path, ...from }) => ({
        ...(await scripts.resolve(join(sources, path.slice(3)), { ...from, kind: from.kind })),
        // They lie in this package, which says of itself that it has none.
        sideEffects: true,
      }))
      scripts.onLoad({ filter: /\.js$/ }, ({ path }) =>
        path.startsWith(sources)
          ? { contents: strip(readFileSync(path, 'utf8'), { all: true }).toString(), loader: 'js' }
          : undefined,
      )
    },
  }
}

/** The package's script instead of its sources. */
export const BUILT: Plugin = {
  name: 'built',
  setup(scripts) {
    scripts.onResolve({ filter: /\/src\/(native|index)\.ts$/ }, () => ({ path: join(ROOT, 'dist', 'native.js') }))
  },
}

/**
 * A script of this folder, with all that it imports, as an engine without modules and newer syntax than ES2020 takes it. `react-native` is
 * a stand-in, or, for a system, made of its own scripts.
 */
export async function bundled(script: string, folder: Folder, system?: System, ...plugins: Plugin[]): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, script)],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'neutral',
    target: 'es2020',
    legalComments: 'none',
    alias: {
      'react-native': join(HERE, 'app', system ? 'react-native-own.ts' : 'react-native.ts'),
      'wasm-feature-detect': join(ROOT, 'src', 'native', 'features.ts'),
    },
    inject: ['text-decoder.ts', 'base64.ts'].map((name) => join(ROOT, 'src', 'native', name)),
    ...(system && {
      plugins: [...plugins, ownScripts()],
      resolveExtensions: [`.${system}.js`, '.ts', '.js'],
      nodePaths: [join(HERE, 'node_modules')],
      mainFields: ['module', 'main'],
      define: { __DEV__: 'false', global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    }),
    // Where there is no WebAssembly, naming it would be an error at once.
    logLevel: 'silent',
  })
  return folder.write(`${basename(script, '.ts')}${system ?? ''}.js`, outputFiles[0].contents)
}

/** Lines that it prints. Throws when it ends with an error or by a signal. */
export function ran(program: string, args: string[], { timeout = 100_000, env = {} } = {}): string[] {
  const { status, signal, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout,
    maxBuffer: 2 ** 26,
    env: { ...process.env, ...env },
  })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status ?? signal}:\n${stdout}${stderr}`)
  return stdout.split('\n').filter(Boolean)
}
