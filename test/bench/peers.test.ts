import { expect, test } from 'vitest'
import { ratiosOf } from '../../bench/ratios.ts'
import type { Row } from '../../src/bench/report.ts'

const row = (runtime: string, network: string, min: number, more: Partial<Row> = {}): Row => ({
  runtime,
  network,
  precision: 'f32',
  variant: null,
  threads: 1,
  size: 224,
  ms: { min, median: 2 * min, spread: 0 },
  runs: 1,
  ...more,
})

test("Ratios: each peer's fastest form, like build against like build, the same threads, and MobileNetV2", () => {
  const relaxed = { variant: 'relaxed' } as const
  const rows = [
    row('dynedge', 'dy-mobile', 2, relaxed),
    row('dynedge', 'mobilenetv2', 6, relaxed),
    row('onnxruntime-web', 'dy-mobile', 8, { form: 'slow' }),
    row('onnxruntime-web', 'dy-mobile', 7, { form: 'fast' }),
    row('litert.js', 'dy-mobile', 10, relaxed),
    row('litert.js', 'dy-mobile', 1, { variant: 'simd' }),
    row('litert.js', 'mobilenetv2', 5, relaxed),
    row('tensorflow.js', 'dy-mobile', 1, { threads: 2 }),
  ]
  const found = ratiosOf(rows).filter(({ network }) => network === 'dy-mobile')
  expect(Object.fromEntries(found.map(({ other, min }) => [other, min]))).toEqual({
    'onnxruntime-web': 3.5,
    'litert.js': 5,
    'our mobilenetv2': 3,
    "litert.js's mobilenetv2": 2.5,
  })
})

test('Two threads stand beside one, int8 beside f32', () => {
  const relaxed = { variant: 'relaxed' } as const
  const rows = [
    row('dynedge', 'mobilenetv2', 6, relaxed),
    row('dynedge', 'mobilenetv2', 4, { ...relaxed, threads: 2 }),
    row('dynedge', 'mobilenetv2', 3, { ...relaxed, precision: 'int8' }),
  ]
  expect(ratiosOf(rows).map(({ precision, threads, other, min }) => [precision, threads, other, min])).toEqual([
    ['f32', 2, 'our 1 thread', 1.5],
    ['int8', 1, 'our f32', 2],
  ])
})
