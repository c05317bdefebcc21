import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { KERNELS } from '../../src/kernels.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { instantiate, variants } from '../helpers/wasm.ts'
import { CASES } from './cases.ts'
import { compare, used } from './compare.ts'

const ASSEMBLY = new URL('../../assembly/', import.meta.url)
const PRECISIONS: Precision[] = ['f32', 'w8']

describe.each(variants())('$name', ({ bytes }) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await instantiate(bytes)
  })

  describe.each(PRECISIONS)('%s', (precision) => {
    test.each(Object.entries(CASES))('%s', (_, cases) => {
      for (const { graph, height, width, what } of cases()) compare(backend, graph, precision, height, width, what)
    })
  })
})

describe('the kernel table', () => {
  test('has one row per op code, each with its source', () => {
    const format = readFileSync(new URL('../../assembly/program/format.ts', import.meta.url), 'utf8')
    const names = [.../enum Op \{(.*?)\}/s.exec(format)![1].matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name)
    expect(KERNELS.map(({ name }) => name).sort()).toEqual([...names].sort())
    for (const { name, op } of KERNELS) expect(op, name).toBe(names.indexOf(name) + 1)
    const sources = readdirSync(ASSEMBLY, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(new URL(file, ASSEMBLY), 'utf8'))
    for (const { name } of KERNELS)
      expect(sources.filter((text) => text.includes(`export function ${name}(`)).length, name).toBe(1)
  })

  const floats = KERNELS.filter(({ dtype }) => dtype !== 'i8')
  afterAll(() => {
    expect([...used].sort()).toEqual(floats.map(({ name }) => name).sort())
  })
})
