import { expect, test } from 'vitest'
import { chartsOf } from '../../src/bench/charts.ts'
import { PAPER, reductionsOf } from '../../src/bench/figure7.ts'
import { parseSizes } from '../../src/bench/latency.ts'
import { reportPage } from '../../src/bench/page/page.ts'
import { timesOf } from '../../src/bench/race.ts'
import type { Report, Row } from '../../src/bench/report.ts'
import { latencies, reductions, tablesOf } from '../../src/bench/tables.ts'

const row = (network: string, size: number, min: number, more: Partial<Row> = {}): Row => ({
  runtime: 'dynedge',
  network,
  precision: 'f32',
  variant: 'relaxed',
  threads: 1,
  size,
  ms: { min, median: min * 1.1, spread: 0.1 },
  runs: 10,
  ...more,
})

const report = (rows: Row[]): Report => ({
  machine: { cpu: 'A <processor>', cores: 2, os: 'linux', arch: 'x64' },
  engine: { node: 'v20', flags: [], peers: {} },
  commit: 'abc',
  date: '2020-01-01',
  rows,
  ratios: [],
  reductions: reductionsOf(rows),
  peaks: [],
  steps: [],
  load: [],
})

test('Minimum, median and the distance of the quartiles', () => {
  expect(timesOf([4, 1, 3, 2, 5])).toEqual({ min: 1, median: 3, spread: 2 })
  expect(timesOf([2, 1])).toEqual({ min: 1, median: 1.5, spread: 0.5 })
  expect(timesOf([7])).toEqual({ min: 7, median: 7, spread: 0 })
})

test('96..448 are the twelve sizes of the bench', () => {
  expect(parseSizes('96..448')).toEqual([96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448])
})

test('Reduced latency: per pair, runtime and precision, sizes in order, only where both were measured', () => {
  const rows = [
    row('dy-mobile', 224, 4),
    row('dy-mobile', 96, 3),
    row('mobilenetv2', 224, 10),
    row('mobilenetv2', 96, 4),
    row('dy-mobile', 224, 8, { runtime: 'peer', form: 'slow' }),
    row('dy-mobile', 224, 5, { runtime: 'peer', form: 'fast' }),
    row('mobilenetv2', 224, 4, { runtime: 'peer' }),
    row('dy-mobile', 224, 1, { precision: 'int8' }),
    row('mobilenetv2', 224, 1, { threads: 2 }),
    row('dy-shuffle', 224, 1),
  ]
  const found = reductionsOf(rows)
  expect(found).toMatchObject([
    { dynamic: 'dy-mobile', fixed: 'mobilenetv2', runtime: 'dynedge', precision: 'f32' },
    { dynamic: 'dy-mobile', fixed: 'mobilenetv2', runtime: 'peer', precision: 'f32' },
  ])
  expect(found[0].points).toEqual([
    { size: 96, dynamicMs: 3, fixedMs: 4, reduced: 0.25 },
    { size: 224, dynamicMs: 4, fixedMs: 10, reduced: 0.6 },
  ])
  // Of several forms the fastest, and slower than the fixed network is below zero.
  expect(found[1].points).toEqual([{ size: 224, dynamicMs: 5, fixedMs: 4, reduced: -0.25 }])
})

test("Figure 7 and Table 2 stand beside the paper's numbers", () => {
  const [figure, table] = reductions(report([row('dy-mobile', 224, 4), row('mobilenetv2', 224, 10)]))
  expect(figure.lines.map((line) => line.slice(2))).toEqual([
    ['dynedge relaxed', '60.0 %'],
    ['the paper', '46.6 %'],
  ])
  expect(table.lines).toEqual([
    ['mobilenetv2', '28.00 %', '109.1', '10.00'],
    ['dy-mobile', '28.27 %', '58.3', '4.00'],
    ['reduced by', '', '46.6 %', '60.0 %'],
  ])
  expect(PAPER.reduced).toBeCloseTo(0.466, 3)
})

test('Tables leave out columns that nobody filled, and tables without lines', () => {
  expect(latencies(report([row('dy-mobile', 96, 1)])).head).not.toContain('threads')
  expect(latencies(report([row('dy-mobile', 96, 1, { threads: 2 })])).head).toContain('threads')
  expect(tablesOf(report([row('dy-mobile', 96, 1)]))).toHaveLength(1)
})

test('Charts: bars at one size, lines over several; a runtime keeps its colour', () => {
  const peer = { runtime: 'litert.js' }
  const [bars] = chartsOf(report([row('dy-mobile', 224, 4), row('dy-mobile', 224, 8, peer)]))
  expect(bars).toMatchObject({ kind: 'bars', labels: ['dy-mobile'], series: [{ values: [4] }, { values: [8] }] })
  const rows = [96, 224].flatMap((size) => [
    row('dy-mobile', size, size / 100),
    row('mobilenetv2', size, size / 50),
    row('dy-mobile', size, size, peer),
  ])
  const [lines, figure7] = chartsOf(report(rows))
  expect(lines).toMatchObject({ kind: 'lines', labels: [96, 224] })
  expect(lines.series.map(({ values }) => values)).toEqual([
    [0.96, 2.24],
    [1.92, 4.48],
    [96, 224],
  ])
  expect(lines.series[2].colour).toBe(bars.series[1].colour)
  expect(figure7.series).toMatchObject([{ values: [50, 50] }, { values: [null, 46.56], dots: true }])
})

test('A page holds its charts and tables, and escapes what it shows', () => {
  const page = reportPage('Bench', [{ title: '<b>', report: report([row('dy-mobile', 224, 4)]) }], {
    style: 'a{}',
    script: 'const end = "</script>"',
  })
  expect(page).toContain('<h2>&lt;b&gt;</h2>')
  expect(page).toContain('A &lt;processor&gt;')
  expect(page).toContain('<td class="number">4.00</td>')
  expect(page).toContain('const end = "<\\/script>"')
  expect(JSON.parse(/id="charts">(.*?)<\/script>/.exec(page)![1])).toHaveLength(1)
})
