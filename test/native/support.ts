import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { takeTurn } from '../../tools/engines.mjs'
import { buildNative } from '../../tools/native/build.mjs'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const NATIVE = join(ROOT, 'native')
const CROSS = 'aarch64-linux-gnu'
/** CC=clang tests with another compiler. */
const CC = process.env.CC ?? 'gcc'

/** One way to build the library and what runs it. */
export interface Target {
  name: string
  /** In build/, behind `native-`. */
  folder: string
  /** Programs that it takes, and the packages of Debian that bring them. */
  needs: Record<string, string>
  cmake: string[]
  compiler: string[]
  emulator: string[]
}

const BASE = { cmake: 'cmake', make: 'make' }
export const TARGETS = {
  'x86-64': {
    name: 'x86-64',
    folder: `x86-64-${basename(CC)}`,
    needs: { ...BASE, [CC]: CC },
    cmake: [`-DCMAKE_C_COMPILER=${CC}`],
    compiler: [CC, '-march=x86-64-v2'],
    emulator: [],
  },
  arm64: {
    name: 'arm64',
    folder: 'arm64',
    needs: {
      ...BASE,
      [`${CROSS}-gcc`]: `gcc-${CROSS} libc6-dev-arm64-cross`,
      'qemu-aarch64-static': 'qemu-user-static',
    },
    cmake: [`-DCMAKE_TOOLCHAIN_FILE=${join(NATIVE, 'cmake', `${CROSS}.cmake`)}`],
    compiler: [`${CROSS}-gcc`],
    emulator: ['qemu-aarch64-static', '-L', `/usr/${CROSS}`],
  },
  sanitized: {
    name: 'sanitized',
    folder: 'sanitized',
    needs: { ...BASE, gcc: 'gcc' },
    cmake: [
      '-DCMAKE_C_COMPILER=gcc',
      '-DCMAKE_BUILD_TYPE=None',
      '-DCMAKE_C_FLAGS=-O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all',
      '-DDYNEDGE_MODULE_OPTIMIZATION=-O1',
    ],
    compiler: [],
    emulator: [],
  },
  racing: {
    name: 'racing',
    folder: 'racing',
    needs: { ...BASE, gcc: 'gcc' },
    cmake: [
      '-DCMAKE_C_COMPILER=gcc',
      '-DCMAKE_BUILD_TYPE=None',
      '-DCMAKE_C_FLAGS=-O1 -g1 -fsanitize=thread',
      '-DDYNEDGE_MODULE_OPTIMIZATION=-O1',
    ],
    compiler: [],
    emulator: [],
  },
} satisfies Record<string, Target>

/** Throws what to install, where something is missing. */
export function require({ needs }: Target): void {
  const missing = Object.entries(needs).filter(([program]) => spawnSync('which', [program]).status !== 0)
  if (missing.length)
    throw new Error(
      `This test needs ${missing.map(([program]) => program).join(', ')}: apt-get install ${missing.map(([, from]) => from).join(' ')}`,
    )
}

/** Folder of the library and its test programs, built where something changed. */
export function built(target: Target): string {
  require(target)
  const folder = join(ROOT, 'build', `native-${target.folder}`)
  mkdirSync(folder, { recursive: true })
  // Test files run side by side, and some share a target.
  const release = takeTurn(join(folder, '.building'))
  try {
    buildNative()
    execFileSync('cmake', ['-S', NATIVE, '-B', folder, '-DDYNEDGE_TESTS=ON', ...target.cmake], { stdio: 'pipe' })
    execFileSync('cmake', ['--build', folder, '-j2'], { stdio: 'pipe', encoding: 'utf8' })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`The native library does not build for ${target.name}:\n${stdout}${stderr}`, { cause: error })
  } finally {
    release()
  }
  return folder
}

/** Runs one of the test programs; its lines. Throws when it ends by a signal or with another code than 0. */
export function started(target: Target, program: string, args: string[], timeout = 120_000): string[] {
  const [command, ...first] = [...target.emulator, program]
  const { status, signal, stdout, stderr, error } = spawnSync(command, [...first, ...args], {
    encoding: 'utf8',
    timeout,
  })
  if (error || status !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${status ?? signal}:\n${stdout}${stderr}`, {
      cause: error,
    })
  return stdout.split('\n').filter(Boolean)
}

export interface Folder {
  at: (name: string) => string
  write: (name: string, data: NodeJS.ArrayBufferView | string) => string
  floats: (name: string) => Float32Array
  clean: () => void
}

export function temporary(): Folder {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dynedge-native-')))
  const at = (name: string) => join(folder, name)
  return {
    at,
    write: (name, data) => {
      writeFileSync(at(name), data)
      return at(name)
    },
    floats: (name) => new Float32Array(Uint8Array.from(readFileSync(at(name))).buffer),
    clean: () => rmSync(folder, { recursive: true, force: true }),
  }
}
