import { type Command, Option } from 'commander'
import type { Variant } from '../node.ts'
import { type Comparison, compareBundles, type Judged, type Start } from './compare/compare.ts'
import type { LogitError } from './compare/logits.ts'
import type { Bar } from './eval/progress.ts'
import { exact } from './eval/show.ts'
import { parseCount, parsePositive } from './options.ts'
import { byteSize, columns, complain, milliseconds, print, printJson } from './output.ts'

interface Options {
  images: string
  variant?: Variant
  limit?: number
  seconds: number
  json?: boolean
}

const HELP = `
Ratios are those of the second bundle to the first. Where the folder holds a folder for each class, as \`dynedge eval\` wants it, both get
their accuracy too.

Exit code 0 also where some pictures were skipped (they are counted and listed).`

export function compareCommand(program: Command): void {
  program
    .command('compare')
    .description('two bundles side by side on the same pictures: answers, logits, size, time')
    .argument('<a>', 'path or URL, or name of a network of dynedge-models')
    .argument('<b>', 'another bundle of the same classes')
    .requiredOption('--images <folder>', 'folder of pictures, at any depth')
    .addOption(
      new Option('--variant <name>', 'force a binary (default: the fastest that runs here)').choices([
        'simd',
        'relaxed',
      ]),
    )
    .option('-l, --limit <n>', 'only so many files, spread evenly over the folder', parseCount)
    .option('--seconds <n>', 'time each network for so long', parsePositive, 2)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(run)
}

async function run(a: string, b: string, { json, ...options }: Options): Promise<void> {
  // Only here, so that other commands start without it.
  const { countingBar } = await import('./eval/progress.ts')
  let bar: Bar | undefined
  const comparison = await compareBundles(a, b, {
    ...options,
    onStart: (about) => {
      if (!json) showStart(about, options.images)
      bar = countingBar(about.files, 'same answer')
    },
    onProgress: (...done) => bar?.update(...done),
  }).finally(() => bar?.stop())
  const { skipped } = comparison
  if (skipped.length) complain(`${skipped.length} ${skipped.length === 1 ? 'file' : 'files'} skipped:`)
  for (const { file, reason } of skipped.slice(0, LISTED)) complain(`  ${file}: ${reason}`)
  if (skipped.length > LISTED) complain(`  … and ${skipped.length - LISTED} more; --json lists all`)
  if (json) printJson(comparison)
  else showComparison(comparison)
}

const LISTED = 10

function showStart({ a, b, files, matching }: Start, folder: string): void {
  const rows = [a, b].map(({ file, network, precision, variant, input }, index) => [
    'ab'[index],
    file,
    `${network} ${precision}`,
    `variant ${variant}`,
    `input ${input.join('x')}`,
  ])
  for (const line of columns(rows)) print(line)
  const classes = matching === null ? 'no classes known' : `classes ${matching}`
  print(`${files} ${files === 1 ? 'file' : 'files'} of ${folder}, ${classes}`)
}

function showComparison({ a, b, images, same, logits }: Comparison): void {
  const ratio = (first: number, second: number) => `${(second / first).toFixed(2)}x`
  const row = (name: string, value: (side: Judged) => number, shown: (value: number) => string) => [
    name,
    shown(value(a)),
    shown(value(b)),
    ratio(value(a), value(b)),
  ]
  const rows = [
    ['', 'a', 'b', 'b / a'],
    row('bundle', ({ bytes }) => bytes, byteSize),
    row('activations', ({ arena_bytes }) => arena_bytes, byteSize),
    row('loading', ({ load_ms }) => load_ms, milliseconds),
    row('latency, least', ({ ms }) => ms.min, milliseconds),
    row('latency, median', ({ ms }) => ms.median, milliseconds),
  ]
  if (a.top1 && b.top1) {
    const points = (b.top1.share - a.top1.share) * 100
    const change = `${points < 0 ? '' : '+'}${points.toFixed(2)} points`
    rows.push(['top-1', exact(a.top1.share), exact(b.top1.share), change])
  }
  print()
  for (const line of columns(rows, new Set([1, 2, 3]))) print(line)
  print(`\nsame answer  ${exact(same.share)}, ${same.count} of ${images} pictures`)
  print(`logits       ${described(logits)}`)
}

function described({ max, mean_relative, correlation, sqnr_db }: LogitError): string {
  if (sqnr_db === null) return 'the same'
  const parts = [
    `largest difference ${max.toPrecision(3)}`,
    `mean ${exact(mean_relative)} of their size`,
    ...(correlation === null ? [] : [`correlation ${correlation.toFixed(5)}`]),
    `signal to noise ${sqnr_db.toFixed(1)} dB`,
  ]
  return parts.join(', ')
}
