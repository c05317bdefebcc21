import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT, temporary } from '../native/support.ts'
import { installExample, MODULES, runTool } from './example.ts'

// What Metro makes of the example app, as a release has it, before Hermes.

const folder = temporary()
const NETWORK = /dymobile200int8\.safetensors$|dy-mobile-200\.int8\.safetensors$/

beforeAll(installExample, 300_000)
afterAll(() => folder.clean())

describe.each(['android', 'ios'])('%s', (platform) => {
  const made = folder.at(platform)
  const bundle = join(made, 'app.js')
  const map = join(made, 'app.map')
  let sources: string[]
  let script: string

  beforeAll(() => {
    mkdirSync(made)
    const files = ['--bundle-output', bundle, '--sourcemap-output', map, '--assets-dest', made]
    const flags = ['--platform', platform, '--dev', 'false', '--minify', 'false', '--entry-file', 'index.js', ...files]
    runTool('@react-native-community/cli/build/bin.js', ['bundle', ...flags])
    script = readFileSync(bundle, 'utf8')
    const { sections } = JSON.parse(readFileSync(map, 'utf8')) as { sections: { map: { sources: string[] } }[] }
    sources = sections.flatMap((section) => section.map.sources)
  }, 240_000)

  test('of dynedge there is its build for React Native alone', () => {
    const ours = sources.filter((source) => source.startsWith(join(ROOT, 'dist')) || /\/dynedge\/dist\//.test(source))
    expect(ours.map((source) => source.replace(/.*\/dist\//, ''))).toContain('native.js')
    expect(ours.filter((source) => /(browser|node|cli|inline)[^/]*$/.test(source))).toEqual([])
  })

  test.each([/["'`]node:/, /\.wasm["'`]/, /import\.meta/])('and nothing that an app does not have: %s', (absent) => {
    expect(absent.exec(script)?.[0]).toBeUndefined()
  })

  test('networks are assets, byte for byte', () => {
    const assets = readdirSync(made, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.safetensors'),
    )
    expect(assets).toHaveLength(3)
    const [copy] = assets.filter((file) => NETWORK.test(file.replaceAll('_', '')))
    const original = join(ROOT, 'models/dynedge-models/dy-mobile-200/dy-mobile-200.int8.safetensors')
    expect(readFileSync(join(made, copy)).equals(readFileSync(original))).toBe(true)
    // Its name in the app's resources, or its path beside the script.
    expect(script).toContain('dy-mobile-200.int8')
  })

  test.runIf(process.platform === 'linux' && process.arch === 'x64' && platform === 'android')(
    'the compiler of Hermes takes it',
    () => {
      const compiler = join(MODULES, 'hermes-compiler/hermesc/linux64-bin/hermesc')
      const bytecode = join(made, 'app.hbc')
      execFileSync(compiler, ['-O0', '-w', '-emit-binary', '-out', bytecode, bundle], { stdio: 'pipe' })
      expect(statSync(bytecode).size).toBeGreaterThan(1e6)
    },
    120_000,
  )
})
