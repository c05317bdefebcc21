import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { ROOT, temporary } from '../native/support.ts'
import { EXAMPLE, installExample, runTool } from './example.ts'

interface Results {
  success: boolean
  testResults: { message: string; assertionResults: { fullName: string; status: string }[] }[]
}

beforeAll(installExample, 300_000)

test("the example app's own tests pass, under React Native's jest preset", () => {
  const folder = temporary()
  try {
    const output = folder.at('results.json')
    runTool('jest/bin/jest.js', ['--json', '--outputFile', output, '--silent'])
    const { success, testResults } = JSON.parse(readFileSync(output, 'utf8')) as Results
    expect(success, testResults.map(({ message }) => message).join('\n')).toBe(true)
    const passed = testResults.flatMap(({ assertionResults }) => assertionResults)
    expect(passed.filter(({ status }) => status !== 'passed')).toEqual([])
    expect(passed.length).toBeGreaterThan(25)
  } finally {
    folder.clean()
  }
}, 240_000)

/** What the compiler says to a project, by its tsconfig.json. */
function complaints(project: string): string {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  return spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' }).stdout
}

test('and its types fit those of the packages', () => {
  expect(complaints(EXAMPLE)).toBe('')
}, 120_000)

test('so do those of the camera in docs/react-native.md', () => {
  const folder = join(EXAMPLE, 'build', 'docs')
  const docs = readFileSync(join(ROOT, 'docs', 'react-native.md'), 'utf8')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'camera.tsx'), /```tsx\n([\s\S]*?)```/.exec(docs)![1])
  writeFileSync(join(folder, 'tsconfig.json'), '{ "extends": "../../tsconfig.json", "include": ["camera.tsx"] }')
  try {
    expect(complaints(folder)).toBe('')
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 120_000)
