import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { temporary } from '../native/support.ts'
import { installExample, runTool } from './example.ts'

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
