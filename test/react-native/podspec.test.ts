import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { buildNative } from '../../tools/native/build.mjs'
import { ROOT } from '../native/support.ts'
import { reactNative } from './host.ts'

interface Podspec {
  name: string
  version: string
  summary: string
  homepage: string
  license: string
  files: string[]
  private: string[]
  compiler_flags: string
  pod_target_xcconfig: Record<string, string>
  modules: boolean
}

let pod: Podspec

beforeAll(() => {
  if (spawnSync('which', ['ruby']).status !== 0) throw new Error('This test needs ruby: apt-get install ruby')
  buildNative()
  const said = execFileSync('ruby', [join(ROOT, 'test/react-native/podspec.rb'), join(ROOT, 'dynedge.podspec')])
  pod = JSON.parse(said.toString())
}, 120_000)

test('dynedge.podspec says what package.json says, and what CocoaPods asks for', () => {
  const { version, description, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(pod).toMatchObject({ name: 'dynedge', version, summary: description, license, modules: true })
  expect(pod.homepage).toMatch(/\S/)
  expect(pod.homepage).not.toContain('example')
})

test('it compiles all of the module, the kernels, and nothing of Android', () => {
  const module = readdirSync(join(ROOT, 'native/react-native')).filter((name) => /\.(h|cpp|mm)$/.test(name))
  expect(pod.files).toEqual(expect.arrayContaining(module.map((name) => `native/react-native/${name}`)))
  expect(pod.files).toContain('native/generated/module.c')
  expect(pod.files.filter((file) => /autolinking|JavaTurboModule/i.test(file))).toEqual([])
  // Of two files of one name CocoaPods finds one.
  expect(new Set(pod.files.map((file) => basename(file))).size).toBe(pod.files.length)
  const headers = pod.files.filter((file) => file.endsWith('.h') && !file.startsWith('native/react-native/'))
  expect(pod.private).toEqual(expect.arrayContaining(headers))
})

test('every source compiles with the folders and flags that it gives', () => {
  const folders = [...pod.pod_target_xcconfig.HEADER_SEARCH_PATHS.matchAll(/\$\(PODS_TARGET_SRCROOT\)\/([^"]+)/g)]
  expect(pod.compiler_flags).toContain('-ffp-contract=off')
  const common = join(reactNative(), 'ReactCommon')
  const theirs = ['', 'jsi', 'callinvoker', 'react/nativemodule/core'].map((name) => join(common, name))
  const includes = [...folders.map(([, folder]) => join(ROOT, folder)), ...theirs].map((folder) => `-I${folder}`)
  const standard = pod.pod_target_xcconfig.CLANG_CXX_LANGUAGE_STANDARD
  for (const file of pod.files.filter((name) => /\.(c|cpp)$/.test(name))) {
    const compiler = file.endsWith('.c') ? ['gcc', '-std=c11', '-D_GNU_SOURCE'] : ['g++', `-std=${standard}`]
    const [command, ...flags] = [
      ...compiler,
      '-fsyntax-only',
      '-msse4.1',
      ...pod.compiler_flags.split(' '),
      ...includes,
    ]
    const { status, stderr } = spawnSync(command, [...flags, join(ROOT, file)], { encoding: 'utf8' })
    expect(status, `${file}: ${stderr}`).toBe(0)
  }
}, 300_000)

test('what the sources include lies in the package', () => {
  for (const file of pod.files) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    for (const [, included] of text.matchAll(/^#\s*(?:include|import) "([^"]+)"/gm)) {
      const at = ['native/src', 'native/generated', dirname(file)].map((folder) => join(folder, included))
      expect(pod.files, `${file} includes ${included}`).toEqual(
        expect.arrayContaining([at.find((path) => pod.files.includes(path)) ?? included]),
      )
    }
  }
})
