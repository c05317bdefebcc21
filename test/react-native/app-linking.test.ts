import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROOT, temporary } from '../native/support.ts'
import { EXAMPLE, installExample, MODULES, runTool } from './example.ts'
import { type AndroidPart, autolinkingFiles } from './gradle.ts'
import { builtHost } from './host.ts'

// What React Native's tools make of dynedge in the example app, up to the compiler of a phone.

interface Dependency {
  root: string
  platforms: { ios: { podspecPath: string } | null; android: (AndroidPart & { sourceDir: string }) | null }
}

const folder = temporary()
let dynedge: Dependency

beforeAll(() => {
  installExample()
  builtHost()
  const config = JSON.parse(runTool('@react-native-community/cli/build/bin.js', ['config']))
  dynedge = config.dependencies.dynedge
}, 300_000)

afterAll(() => folder.clean())

test('autolinking finds the podspec, and the module for Android as one in C++ alone', () => {
  expect(dynedge.platforms.ios?.podspecPath).toBe(join(dynedge.root, 'dynedge.podspec'))
  const { android } = dynedge.platforms
  expect(android).toMatchObject({
    sourceDir: join(dynedge.root, 'native/react-native'),
    libraryName: 'DynedgeAutolinking',
    cxxModuleCMakeListsModuleName: 'dynedge-react-native',
    cxxModuleHeaderName: 'DynedgeModule',
    isPureCxxDependency: true,
  })
  for (const path of [android!.cmakeListsPath, android!.cxxModuleCMakeListsPath]) expect(existsSync(path!)).toBe(true)
})

/** The build of an app with what Gradle generates for `part`: compiles that, and gives a program that asks it for the module. */
function linked(part: AndroidPart): string {
  const host = builtHost()
  const app = folder.at('app')
  const generated = join(app, 'build/generated/autolinking/src/main/jni')
  cpSync(join(ROOT, 'test/react-native/autolinking'), app, { recursive: true })
  mkdirSync(generated, { recursive: true })
  for (const [name, text] of Object.entries(autolinkingFiles(part))) writeFileSync(join(generated, name), text)
  const settings = {
    REACT_ANDROID_DIR: join(MODULES, 'react-native/ReactAndroid'),
    PROJECT_BUILD_DIR: join(app, 'build'),
    ReactAndroid_DIR: app,
    fbjni_DIR: app,
    ANDROID: 'ON',
    CMAKE_EXPORT_COMPILE_COMMANDS: 'ON',
  }
  const made = join(app, 'made')
  const flags = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)
  execFileSync('cmake', ['-S', app, '-B', made, ...flags], { stdio: 'pipe' })

  const commands: { directory: string; command: string; file: string }[] = JSON.parse(
    readFileSync(join(made, 'compile_commands.json'), 'utf8'),
  )
  // The module itself was compiled for the host.
  const objects = commands
    .filter(({ file }) => /(?:utolinking|OnLoad)\.cpp$/.test(file))
    .map(({ directory, command }) => {
      execFileSync('sh', ['-c', command], { cwd: directory, stdio: 'pipe' })
      return join(directory, / -o (\S+)/.exec(command)![1])
    })
  const built = join(host, '..')
  const ours = readdirSync(built, { recursive: true, encoding: 'utf8' })
  const theirs = ours.filter((path) => /(?:jsi|TurboModule|LongLivedObject)\.cpp\.o$/.test(path) || path.endsWith('.a'))
  const program = join(app, 'asks')
  execFileSync('g++', ['-o', program, ...objects, ...theirs.map((path) => join(built, path)), '-lpthread'], {
    stdio: 'pipe',
  })
  return program
}

test("an Android app's build registers the module by what Gradle generates", () => {
  expect(spawnSync(linked(dynedge.platforms.android!)).status).toBe(0)
}, 120_000)

test('which it does not without the name that the configuration gives', () => {
  const { libraryName, cmakeListsPath, ...nameless } = dynedge.platforms.android!
  expect(libraryName && cmakeListsPath).toBeTruthy()
  expect(autolinkingFiles(nameless)['autolinking.cpp']).not.toContain('DynedgeModule')
})

test.each(['android', 'ios'])(
  'code generation for %s passes, and has nothing to do for dynedge',
  (platform) => {
    const made = folder.at(`codegen-${platform}`)
    const said = runTool('react-native/scripts/generate-codegen-artifacts.js', [
      '-p',
      EXAMPLE,
      '-t',
      platform,
      '-o',
      made,
    ])
    expect(said).toContain('Done.')
    const files = readdirSync(made, { recursive: true, encoding: 'utf8' })
    expect(files.some((file) => file.includes('rnworklets'))).toBe(true)
    expect(files.filter((file) => /dynedge/i.test(file))).toEqual([])
  },
  120_000,
)
