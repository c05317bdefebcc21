import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { temporary } from '../native/support.ts'
import { EXAMPLE } from './example.ts'

const folder = temporary()

afterAll(() => folder.clean())

test('android/ and ios/ are made of the template, with the name of the app and its wish for a camera', () => {
  const app = folder.at('native')
  mkdirSync(app)
  for (const name of ['native-folders.mjs', 'app.json']) cpSync(join(EXAMPLE, name), join(app, name))
  execFileSync(process.execPath, [join(app, 'native-folders.mjs')], { stdio: 'pipe' })
  const files = readdirSync(app, { recursive: true, encoding: 'utf8' })
  const text = (file: string) => readFileSync(join(app, file), 'latin1')
  expect(text('android/app/src/main/AndroidManifest.xml')).toContain('android.permission.CAMERA')
  expect(text('ios/DynedgeExample/Info.plist')).toMatch(/NSCameraUsageDescription<\/key>\s*<string>\w/)
  expect(text('android/app/src/main/java/com/dynedgeexample/MainActivity.kt')).toContain('"DynedgeExample"')
  expect(files).toEqual(expect.arrayContaining(['Gemfile', 'android/gradlew', 'ios/.xcode.env', 'ios/Podfile']))
  expect(files.filter((file) => /helloworld/i.test(file))).toEqual([])
  const plain = files.filter((file) => /^(android|ios).*\.\w+$/.test(file) && statSync(join(app, file)).isFile())
  expect(plain.filter((file) => /HelloWorld|Hello App/i.test(text(file)))).toEqual([])
  // What a person has changed there stays.
  expect(() => execFileSync(process.execPath, [join(app, 'native-folders.mjs')], { stdio: 'pipe' })).toThrow(/already/)
}, 120_000)
