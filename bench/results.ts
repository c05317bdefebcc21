import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Section } from '../src/bench/page/page.ts'
import type { Report } from '../src/bench/report.ts'
import {
  breakdown,
  latencies,
  loads,
  machineLine,
  peaks,
  ratios,
  reductions,
  shares,
  type Table,
} from '../src/bench/tables.ts'
import { writePage } from './page.ts'
import { merged, PARTS } from './parts.ts'
import { tableText } from './table.ts'

const PAGE_LIMIT = 1 << 20

/** Text of bench/RESULTS.md under a heading: what is to be known, the commands that measure it, and tables. */
interface Chapter {
  /** With its number signs. */
  heading: string
  text: string
  /** Parts that it needs; those that follow a `-` too. */
  parts: string
  tables(report: Report): Table[]
}

const CHAPTERS: Chapter[] = [
  {
    heading: '## f32, w8, int8',
    text: `Files are ONNX, .tflite, weights for TensorFlow.js, or our bundles. With w8 onnxruntime-web computes f32 on the int8 weights multiplied
out; the others, which would do the same, are left out. int8 of peers: calibrated on the same pictures with the same observer, 8 bits
(onnxruntime-web: QDQ, uint8 activations; int8 ones were 3 % faster), ours 7 bits. Dynamic kernels exist only when the image is there: peers
keep these convolutions in float32 between conversions. A .tflite file holds the scales of an int8 kernel as constants, so LiteRT.js could
not take kernels with scales of the moment. TensorFlow.js has no integers.`,
    parts: 'relaxed',
    tables: (report) => [latencies(report), ratios(report)],
  },
  {
    heading: '### Baseline build against baseline builds',
    text: "`simd` is LiteRT.js's compat build; onnxruntime-web and TensorFlow.js have no other than what they ran above.",
    parts: 'simd',
    tables: (report) => [latencies(report), ratios(report)],
  },
  {
    heading: '### x86 without dot products',
    text: "`--no-vnni` (V8's `--no-enable-avx-vnni`): as on x86 processors without AVX-VNNI.",
    parts: 'no-vnni',
    tables: (report) => [ratios(report)],
  },
  {
    heading: '### Baseline where there is no relaxed SIMD',
    text: `An older Node, which runs the \`simd\` build because it has no other; no peers. Newer V8s make better code of the float32 kernels, so that
the ratios of \`simd\` above are lower: on this processor multiplications and additions have ports of their own, and float32 without fused
multiply-add is as fast as with it.`,
    parts: 'baseline',
    tables: (report) => [latencies(report), ratios(report)],
  },
  {
    heading: '### Where the time goes',
    text: `"Part of the best" counts logical multiply-adds, padded lanes not: all pointwise steps together, and the whole network by the counts of
\`dynedge networks\`; int8 may exceed the best rate of float32. The page bench/report.html and \`--json\` have every step.`,
    parts: 'relaxed simd',
    tables: (report) => [
      peaks(report),
      shares(report),
      ...report.steps.filter(({ variant, precision }) => variant === 'relaxed' && precision !== 'w8').map(breakdown),
    ],
  },
  {
    heading: '## Forms of a dynamic convolution',
    text: `How the fused kernel is computed + what applies it to a 1x1 layer's picture, and what a grouped 3x3 layer becomes where that is a choice:
bench/onnx/write.ts, bench/tfjs/write.ts and bench/tflite/write.ts say what each word means. The first of each peer is its default.`,
    parts: 'forms',
    tables: (report) => [latencies(report), ratios(report)],
  },
  {
    heading: '## Input sizes, and Figure 7 of the DyNet paper',
    text: `Latency reduced ratio: 1 - latency of the dynamic network / latency of the fixed one, on the same runtime. Of the paper's Figure 7 the text
says that the ratio grows with the input; in numbers it gives the times of its Table 2, at 224x224 with Caffe on an Intel Core i7-7700.`,
    parts: 'sizes-',
    tables: (report) => [...reductions(report), minima(report)],
  },
  {
    heading: '## Threads',
    text: 'The same process, one and two threads by turns. LiteRT.js has threads in its relaxed build only.',
    parts: 'threads',
    tables: (report) => [latencies(report), ratios(report)],
  },
  {
    heading: '## Loading',
    text: `Five fresh processes each, then ten loads more in each. Cold load: from bytes in memory to a network ready to run, checksums included; of
peers their runtime's own start is part of it. To the first result: with the first run, in code that nobody has optimised yet. Heap:
WebAssembly memory after it.`,
    parts: 'loading-',
    tables: (report) => [loads(report)],
  },
]

/** A report of all parts of a chapter; undefined where one was not measured. */
function reportOf({ parts }: Chapter, reports: ReadonlyMap<string, Report>): Report | undefined {
  const wanted = parts
    .split(' ')
    .flatMap((part) => (part.endsWith('-') ? Object.keys(PARTS).filter((name) => name.startsWith(part)) : [part]))
  const found = wanted.map((name) => reports.get(name))
  return found.every((report) => report !== undefined) ? merged(found) : undefined
}

/** Least times over sizes, a column for each. */
function minima({ rows }: Report): Table {
  const sizes = [...new Set(rows.map(({ size }) => size))].sort((a, b) => a - b)
  const lines = new Map<string, string[]>()
  for (const { network, precision, runtime, variant, size, ms } of rows) {
    const key = [network, precision, runtime].join(' ')
    const line = lines.get(key) ?? [network, precision, runtime, variant ?? '', ...sizes.map(() => '')]
    lines.set(key, line)
    line[4 + sizes.indexOf(size)] = ms.min.toFixed(2)
  }
  return {
    title: 'Minimum ms',
    head: ['network', 'precision', 'runtime', 'variant', ...sizes.map(String)],
    lines: [...lines.values()],
  }
}

/** bench/RESULTS.md, results.json and report.html; chapters of RESULTS.md that were not measured stay as they are, at its end. */
export async function writeResults(root: string, reports: ReadonlyMap<string, Report>): Promise<void> {
  const at = (name: string) => join(root, 'bench', name)
  const made = CHAPTERS.flatMap((chapter) => {
    const report = reportOf(chapter, reports)
    return report ? [{ chapter, report }] : []
  })
  const old = existsSync(at('RESULTS.md')) ? readFileSync(at('RESULTS.md'), 'utf8') : ''
  writeFileSync(at('RESULTS.md'), text(made, old))
  writeFileSync(at('results.json'), `${JSON.stringify(Object.fromEntries(reports), short)}\n`)
  const plain = (words: string) => words.replaceAll('\n', ' ').replaceAll('`', '')
  const sections: Section[] = made.map(({ chapter, report }) => ({
    title: chapter.heading.replace(/^#+ /, ''),
    text: plain(chapter.text),
    report:
      chapter.heading === '### Where the time goes'
        ? { ...report, rows: [], ratios: [] }
        : { ...report, steps: [], peaks: [] },
  }))
  await writePage(at('report.html'), sections)
  const { size } = statSync(at('report.html'))
  process.stderr.write(
    `bench/RESULTS.md, results.json and report.html (${size} bytes${size > PAGE_LIMIT ? ': too much to commit' : ''})\n`,
  )
}

/** Numbers as far as they mean something; single steps are the page's. */
function short(this: unknown, key: string, value: unknown): unknown {
  if (key === 'steps' && Array.isArray(value) && value[0]?.step) return undefined
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value
}

function text(made: { chapter: Chapter; report: Report }[], old: string): string {
  const [newest] = made.map(({ report }) => report).sort((a, b) => (a.date < b.date ? 1 : -1))
  const head = `# Measured

${newest ? machineLine(newest) : ''}

One thread and 224x224 unless it says otherwise, random weights, the same graphs and weights for everyone. dynedge, onnxruntime-web (wasm
provider, all graph optimisations), TensorFlow.js (wasm backend, its fused operations) and LiteRT.js (its CPU accelerator, XNNPACK) ran in one
process in bursts by turns: ratios mean more than milliseconds. Spread: between the first and the third quarter. Before timing all logits
were compared with those of our f32 on four pictures: "logits differ" is the largest difference as part of the largest logit (f32 and w8:
from our own of that precision), "correlation" the mean of the pictures'. Random networks answer almost alike everywhere, so their best
class says little.

    npm run bench -- --all --write          measures what was not measured at this commit and writes this page, results.json and report.html
    npm run bench -- --part relaxed,threads --fresh

A part takes a minute or two, so that it fits into a quiet spell of a machine; parts measured before are kept in bench/build/parts. Each part is
a command of its own as well; \`--json\` gives the same to programs, \`--html page.html\` a page with charts.

${Object.entries(PARTS)
  .filter(([name]) => !name.startsWith('sizes-') || name === 'sizes-224..256')
  .flatMap(([, lines]) => lines.map((line) => `    npm run bench -- ${line}`))
  .join('\n')}

Accuracy is measured where there are trained weights and pictures:

    npm run bench -- --weights net.safetensors --images val/ --calibrate train/ --limit 500 --pictures 128
`
  const chapters = made.map(({ chapter: { heading, text, tables }, report }) => {
    const shown = tables(report).filter(({ lines }) => lines.length > 0)
    const when = report.engine.flags.length || heading.includes('no relaxed') ? `${machineLine(report)}\n\n` : ''
    return `${heading}\n\n${text}\n\n${when}${shown.map(tableText).join('\n\n')}\n`
  })
  const newly = new Set(made.map(({ chapter }) => chapter.heading))
  const kept = old
    .split(/^(?=## )/m)
    .slice(1)
    .filter((chapter) => !newly.has(chapter.split('\n')[0]))
  return [head, ...chapters, ...kept.map((chapter) => `${chapter.trimEnd()}\n`)].join('\n')
}
