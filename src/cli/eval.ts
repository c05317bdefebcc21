import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { DynedgeError } from '../errors.ts'
import type { Variant } from '../interface.ts'
import { type EvaluateOptions, evaluate } from './eval/evaluate.ts'
import { mergeFiles } from './eval/merge.ts'
import { pageOf } from './eval/page/page.ts'
import { Predictions } from './eval/predictions.ts'
import type { Bar } from './eval/progress.ts'
import type { Evaluation } from './eval/result.ts'
import { parseShard, type Shard } from './eval/select.ts'
import { complainOf, showEvaluation, showStart } from './eval/show.ts'
import { withThumbnails } from './eval/thumbnails.ts'
import { exitWith } from './exit.ts'
import { writeWhole } from './files.ts'
import { parseCount, parseSize } from './options.ts'
import { complain, print, printJson } from './output.ts'
import { packageRoot } from './package.ts'

interface Options {
  variant?: Variant
  size?: [height: number, width: number]
  limit?: number
  workers?: number
  shard?: Shard
  merge?: string[]
  json?: string | boolean
  html?: string
  predictions?: string
}

const HELP = `
The folder holds one folder of pictures for each class, called as the class; docs/evaluate.md tells of other names, of sharding over
many machines and of what the numbers mean.

Exit code 0 when the evaluation was done, also where some pictures were skipped (they are counted and listed); 1 when there is no result.`

export function evalCommand(program: Command, args: readonly string[]): void {
  program
    .command('eval')
    .description('accuracy, confusion and calibration on a folder of images by class')
    .argument('[bundle]', 'path or URL, or name of a network of dynedge-models')
    .argument('[folder]', 'folder with a folder of pictures for each class')
    .option('-s, --size <size>', "input size, N or HEIGHTxWIDTH (default: the bundle's)", parseSize)
    .addOption(
      new Option('--variant <name>', 'force a binary (default: the fastest that runs here)').choices([
        'simd',
        'relaxed',
      ]),
    )
    .option('-w, --workers <n>', 'threads (default: one for each core)', parseCount)
    .option('-l, --limit <n>', 'evaluate only so many files, spread evenly over the folder', parseCount)
    .option(
      '--shard <i/n>',
      'evaluate part i of n; writes eval-I-of-N.json unless --json names another file',
      parseShard,
    )
    .option('--merge <files...>', 'put the files of all parts together, instead of evaluating')
    .option('--json [file]', 'print one JSON object, or write it to a file')
    .option('--html <file>', 'write a page: confusion matrix, classes, calibration, worst mistakes')
    .option('--predictions <file>', 'write a row for each picture: CSV, or JSON lines for .jsonl')
    .addHelpText('after', HELP)
    .action((bundle: string | undefined, folder: string | undefined, options: Options) =>
      run(bundle, folder, options, args),
    )
}

async function run(
  bundle: string | undefined,
  folder: string | undefined,
  options: Options,
  args: readonly string[],
): Promise<void> {
  checkUsage(bundle, folder, options)
  if (!options.merge && needsMoreThreads(workersOf(options))) await againWithThreads(workersOf(options), args)
  const evaluation = options.merge ? await mergeFiles(options.merge) : await evaluateFolder(bundle!, folder!, options)
  const isPrinted = options.json === true && !options.shard
  const file = typeof options.json === 'string' ? options.json : options.shard && shardFile(options.shard)
  if (file) await writeWhole(file, utf8(`${JSON.stringify(evaluation)}\n`))
  if (options.html) await writeWhole(options.html, utf8(await pageOf(evaluation)))
  const written = [file, options.html, options.predictions].filter((path) => path !== undefined)
  complainOf(evaluation, file ? `, all in ${file}` : isPrinted ? ', all in the JSON' : '; --json lists all')
  if (isPrinted || options.json === true)
    printJson({ ...evaluation, worst: evaluation.worst.map(({ thumbnail: _, ...mistake }) => mistake) })
  else {
    showEvaluation(evaluation)
    if (written.length) print(`\nWritten: ${written.join(', ')}`)
  }
}

const workersOf = ({ workers = availableParallelism() }: Options): number => workers

async function evaluateFolder(bundle: string, folder: string, options: Options): Promise<Evaluation> {
  const workers = workersOf(options)
  // Where worker threads use a native module, Node wants it loaded here first and kept.
  await import('sharp')
  // Only here, so that other commands start without it.
  const { progressBar } = await import('./eval/progress.ts')
  let bar: Bar | undefined
  let predictions: Predictions | undefined
  const settings: EvaluateOptions = {
    ...options,
    workers,
    onStart: (about) => {
      if (options.predictions) predictions = new Predictions(options.predictions, about.labels)
      if (options.json !== true) showStart(about, folder)
      if (about.byOrder)
        complain(
          `no folder of ${folder} is called as a class of the bundle; there are as many, so they are matched by sorted order, ${about.labels[0]} first. Check that, or add a labels.json.`,
        )
      bar = progressBar(about.files)
    },
    onProgress: (...done) => bar?.update(...done),
    onAnswer: (...answer) => predictions?.add(...answer),
  }
  const { evaluation, paths } = await evaluate(bundle, folder, settings).finally(() => bar?.stop())
  if (predictions) await writeWhole(options.predictions!, utf8(predictions.text()))
  const isFiled = options.html || options.shard || typeof options.json === 'string'
  return isFiled ? { ...evaluation, worst: await withThumbnails(evaluation.worst, paths) } : evaluation
}

function checkUsage(bundle: string | undefined, folder: string | undefined, options: Options): void {
  const usage = (message: string) => new DynedgeError('usage', message)
  if (!options.merge) {
    if (bundle === undefined)
      throw usage("missing required arguments 'bundle' and 'folder': dynedge eval BUNDLE FOLDER")
    if (folder === undefined)
      throw usage(
        `missing required argument 'folder': dynedge eval ${bundle} FOLDER (after --json comes a file's name)`,
      )
    return
  }
  if (bundle !== undefined)
    throw usage(`--merge takes files of results and nothing else, got ${bundle}; name the files after --merge.`)
  for (const name of ['shard', 'size', 'variant', 'limit', 'workers', 'predictions'] as const)
    if (options[name] !== undefined)
      throw usage(`--${name} says how to evaluate, --merge only adds results up; leave one out.`)
}

const shardFile = ({ index, of }: Shard) => `eval-${index}-of-${of}.json`
const utf8 = (text: string) => new TextEncoder().encode(text)

/** libuv decodes on four threads, however many workers wait, unless it is told before the process starts. */
const LIBUV_THREADS = 4

function needsMoreThreads(workers: number): boolean {
  return workers > LIBUV_THREADS && !process.env.UV_THREADPOOL_SIZE
}

async function againWithThreads(workers: number, args: readonly string[]): Promise<never> {
  const cli = join(packageRoot(), 'dist', 'cli.js')
  const child = spawn(process.execPath, [...process.execArgv, cli, ...args], {
    stdio: 'inherit',
    env: { ...process.env, UV_THREADPOOL_SIZE: `${Math.min(1024, workers)}` },
  })
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  process.on('SIGTERM', forward).on('SIGINT', forward)
  try {
    return await exitWith(child)
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', forward)
  }
}
