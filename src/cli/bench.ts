import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { reductionsOf } from '../bench/figure7.ts'
import { benchLatency, parseSizes } from '../bench/latency.ts'
import { reportPage } from '../bench/page/page.ts'
import type { Report, Row } from '../bench/report.ts'
import { DynedgeError } from '../errors.ts'
import { buildNetwork } from '../networks/index.ts'
import { load } from '../node.ts'
import type { Precision } from '../plan/weights.ts'
import { chooseVariant, type Variant } from '../runtime/module.ts'
import { Exit, exitWith } from './exit.ts'
import { parsePositive } from './options.ts'
import { columns, print, printJson } from './output.ts'
import { packageRoot, packageVersion } from './package.ts'

interface Options {
  networks: string[]
  sizes: number[]
  precisions: Precision[]
  variants?: Variant[]
  threads: number[]
  seconds: number
  json?: boolean
  html?: string
}

export function benchCommand(program: Command, args: readonly string[]): void {
  program
    .command('bench')
    .description('time networks of random weights')
    .option('--networks <names>', 'separated by commas', networkNames, ['dy-mobile', 'mobilenetv2'])
    .option('--sizes <sizes>', '224 or 128,224 or 96..448', sizes, [224])
    .option('--precisions <labels>', 'f32,w8,int8', oneOf<Precision>(['f32', 'w8', 'int8']), ['f32'])
    .option(
      '--variants <names>',
      'simd,relaxed (default: the fastest that runs here)',
      oneOf<Variant>(['simd', 'relaxed']),
    )
    .option('--threads <counts>', '1 or 1,2', counts, [1])
    .option('--seconds <n>', 'time for each network', parsePositive, 3)
    .option('--json', 'print one JSON object')
    .option('--html <file>', 'write a page with charts, too')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText(
      'after',
      '\nIn a checkout this is `npm run bench`, which also races other runtimes and knows more options.',
    )
    .action((options: Options, command: Command) => bench(options, command, args))
}

async function bench(options: Options, command: Command, args: readonly string[]): Promise<void> {
  const root = packageRoot()
  if (existsSync(join(root, 'bench', 'run.ts'))) return checkoutBench(root, args)
  if (command.args.length)
    throw new DynedgeError('usage', `bench does not know ${command.args[0]} outside of a checkout.`)
  const { networks, sizes, precisions, threads, seconds, json, html } = options
  const variants = options.variants ?? [await chooseVariant()]
  const onProgress = (text: string) => process.stderr.write(`${text}\n`)
  const rows = await benchLatency(load, { networks, sizes, precisions, variants, threads }, { seconds, onProgress })
  const report: Report = {
    machine: { cpu: cpus()[0].model.trim(), cores: cpus().length, os: process.platform, arch: process.arch },
    engine: { node: process.version, v8: process.versions.v8, flags: [], peers: {} },
    commit: packageVersion(),
    date: new Date().toISOString(),
    rows,
    ratios: [],
    reductions: reductionsOf(rows),
    peaks: [],
    steps: [],
    load: [],
  }
  if (html) await writePage(html, report)
  if (json) printJson(report)
  else showRows(rows)
}

async function writePage(path: string, report: Report): Promise<void> {
  const built = (name: string) => readFile(new URL(`./${name}`, import.meta.url), 'utf8')
  const [style, script] = await Promise.all([built('bench-page.css'), built('bench-page.js')])
  const page = reportPage('dynedge bench', [{ title: 'Latency', report }], { style, script })
  try {
    await writeFile(path, page)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new DynedgeError('usage', `${path} cannot be written (${code}); name a file in a folder that exists.`, {
      cause: error,
    })
  }
}

/** The whole command line goes to the checkout's bench, which has its own parser. */
async function checkoutBench(root: string, args: readonly string[]): Promise<never> {
  const given = args.slice(args.indexOf('bench') + 1)
  const child = spawn('npm', ['run', '-s', 'bench', '--', ...given], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  try {
    return await exitWith(child)
  } catch (cause) {
    if (cause instanceof Exit) throw cause
    throw new DynedgeError('usage', `npm run bench cannot be started: ${(cause as Error).message}`, { cause })
  }
}

function showRows(rows: Row[]): void {
  const cells = rows.map(({ network, precision, variant, threads, size, ms }) => [
    network,
    precision,
    variant ?? '',
    `${threads}`,
    `${size}`,
    ms.min.toFixed(2),
    ms.median.toFixed(2),
  ])
  for (const line of columns(
    [['network', 'precision', 'variant', 'threads', 'size', 'min ms', 'median ms'], ...cells],
    new Set([3, 4, 5, 6]),
  ))
    print(line)
}

function networkNames(text: string): string[] {
  const names = text.split(',')
  for (const name of names) buildNetwork(name)
  return names
}

function sizes(text: string): number[] {
  const list = parseSizes(text)
  if (!list) throw new InvalidArgumentError('Expected 224 or 128,224 or 96..448.')
  return list
}

function counts(text: string): number[] {
  const list = text.split(',').map(Number)
  if (!list.every((count) => Number.isInteger(count) && count > 0)) throw new InvalidArgumentError('Expected 1 or 1,2.')
  return list
}

function oneOf<T extends string>(allowed: readonly T[]) {
  return (text: string): T[] => {
    const words = text.split(',') as T[]
    if (!words.every((word) => allowed.includes(word)))
      throw new InvalidArgumentError(`Expected ${allowed.join(' or ')}.`)
    return words
  }
}
