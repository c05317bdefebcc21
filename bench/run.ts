import { Command, CommanderError, Option } from 'commander'
import { relaxedSimd } from 'wasm-feature-detect'
import {
  type BenchSpec,
  minAndMedian,
  parseSizes,
  type Row,
  race,
  seededBundle,
  seededPicture,
  seededWeights,
} from '../src/bench/latency.ts'
import { DynedgeError } from '../src/errors.ts'
import type { Network } from '../src/network.ts'
import { buildNetwork, NETWORKS } from '../src/networks/index.ts'
import type { Precision } from '../src/plan/weights.ts'
import type { Variant } from '../src/runtime/module.ts'
import { load } from './kernels.ts'
import { type LoadTime, measureLoad } from './load.ts'
import { commit, type Machine, machine } from './machine.ts'
import { FORMS, writeOnnx } from './onnx/write.ts'
import { openOrt, ortVersion, type PeerSession } from './ort.ts'
import { measurePeaks, type Peaks } from './peaks.ts'
import { type Breakdown, breakDown } from './steps.ts'
import { table } from './table.ts'

export interface BenchRow extends Row {
  /** How a dynamic network was written for a peer. */
  form?: string
  /** Largest difference of a logit between dynedge and the peer, as part of the largest logit. */
  difference?: number
}

/** How many times as fast as `other` the dynedge row is: by minimum and by median. */
export interface Ratio {
  network: string
  precision: Precision
  variant: Variant
  size: number
  other: string
  min: number
  median: number
}

export interface Report {
  machine: Machine
  engine: { node: string; v8: string; peers: Record<string, string> }
  commit: string
  date: string
  rows: BenchRow[]
  ratios: Ratio[]
  peaks: Peaks[]
  steps: Breakdown[]
  load?: LoadTime[]
}

interface Options extends BenchSpec {
  peers: string[]
  form: string
  seconds: number
  rates: boolean
  latency: boolean
  load: boolean
  json: boolean
}

const PEER = 'onnxruntime-web'
/** Of the largest logit. */
const TOLERANCE = 1e-3
/** The form that was fastest where it was measured: bench/RESULTS.md. */
const FASTEST_FORM = 'matmul+conv'

const say = (text: string) => process.stderr.write(`${text}\n`)

/** Runs the bench; `argv` without node and script. Returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  try {
    const options = await parse(argv)
    const report = await bench(options)
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : table(report))
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof DynedgeError) {
      say(error.message)
      return 1
    }
    throw error
  }
}

async function parse(argv: string[]): Promise<Options> {
  const best = (await relaxedSimd()) ? 'relaxed' : 'simd'
  const words = (allowed: readonly string[]) => (text: string) => {
    const list = text.split(',').filter(Boolean)
    const unknown = list.find((word) => !allowed.includes(word))
    if (unknown !== undefined) throw new DynedgeError('usage', `${unknown} is none of ${allowed.join(', ')}.`)
    return list
  }
  const sizes = (text: string) => {
    const list = parseSizes(text)
    if (!list) throw new DynedgeError('usage', `--sizes is ${text}, expected 224 or 128,224 or 96..448.`)
    return list
  }
  const networks = (text: string) => text.split(',').filter((name) => buildNetwork(name))
  const command = new Command('bench')
    .description('Times networks of random weights, beside onnxruntime-web in the same process.')
    .option('--networks <names>', `of ${NETWORKS.join(', ')}`, networks, ['dy-mobile', 'mobilenetv2'])
    .option('--sizes <pixels>', '224 or 128,224 or 96..448', sizes, [224])
    .option('--precisions <names>', 'f32, w8', words(['f32', 'w8']), ['f32'])
    .option('--variants <names>', 'simd, relaxed', words(['simd', 'relaxed']), [best])
    .option('--threads <count>', 'only 1 in this version', words(['1']), ['1'])
    .option('--peers <names>', `${PEER}, or none`, words([PEER, 'none']), [PEER])
    .addOption(
      new Option('--form <name>', 'how dynamic networks are written for peers')
        .choices([...Object.keys(FORMS), 'all'])
        .default(FASTEST_FORM),
    )
    .option('--seconds <count>', 'for each contender', Number, 3)
    .option('--no-rates', 'leave out best rates and the time by step')
    .option('--load', 'time of loading and memory, too')
    .option('--no-latency', 'with --load: nothing else')
    .option('--json', 'one JSON object on standard output')
    .exitOverride()
    .configureOutput({ writeOut: (text) => process.stderr.write(text) })
    .parse(argv, { from: 'user' })
  const { load = false, json = false, ...rest } = command.opts()
  if (!(rest.seconds > 0)) throw new DynedgeError('usage', '--seconds wants a positive number.')
  return { ...rest, load, json } as Options
}

async function bench(options: Options): Promise<Report> {
  const report: Report = {
    machine: machine(),
    engine: {
      node: process.version,
      v8: process.versions.v8,
      peers: options.peers.includes(PEER) ? { [PEER]: ortVersion } : {},
    },
    commit: commit(),
    date: new Date().toISOString(),
    rows: [],
    ratios: [],
    peaks: [],
    steps: [],
  }
  if (options.latency) for (const size of options.sizes) await benchSize(size, options, report)
  report.ratios = ratiosOf(report.rows)
  if (options.load) {
    report.load = []
    for (const name of options.networks)
      for (const precision of options.precisions)
        for (const variant of options.variants)
          for (const size of options.sizes) {
            say(`loading ${name} ${precision} ${variant} ${size}`)
            report.load.push(await measureLoad(name, precision, variant, size))
          }
  }
  return report
}

interface Contender {
  row: Omit<BenchRow, 'ms' | 'runs'>
  run: () => unknown
  network?: Network
  session?: PeerSession
}

/** All networks of one size race together, so that they can be compared with each other as well. */
async function benchSize(size: number, options: Options, report: Report): Promise<void> {
  const contenders: Contender[] = []
  for (const name of options.networks) contenders.push(...(await prepare(name, size, options)))
  say(`timing ${contenders.length} contenders at ${size}x${size}, ${options.seconds} s each`)
  const times = await race(
    contenders.map(({ run }) => run),
    options,
  )
  const rows = contenders.map(
    ({ row }, index): BenchRow => ({ ...row, ms: minAndMedian(times[index]), runs: times[index].length }),
  )
  report.rows.push(...rows)
  for (const { session } of contenders) await session?.release()
  if (options.rates) {
    for (const variant of options.variants) {
      if (report.peaks.some((peaks) => peaks.variant === variant)) continue
      say(`best rates of ${variant}`)
      report.peaks.push(await measurePeaks(load, variant))
    }
    for (const [index, { network }] of contenders.entries()) {
      if (!network) continue
      const peaks = report.peaks.find(({ variant }) => variant === network.variant)!
      report.steps.push(await breakDown(network, size, rows[index].ms.min, peaks))
    }
  }
  for (const { network } of contenders) network?.dispose()
}

/** Loads a network in every form asked for, and refuses to time what does not compute the same. */
async function prepare(name: string, size: number, options: Options): Promise<Contender[]> {
  const contenders: Contender[] = []
  const graph = buildNetwork(name)
  const state = seededWeights(graph)
  const picture = seededPicture(size)
  for (const precision of options.precisions) {
    say(`preparing ${name} ${precision} ${size}`)
    const bundle = seededBundle(graph, state, precision, size)
    const own: Contender[] = []
    for (const variant of options.variants) {
      const network = await load(bundle, { variant })
      own.push({
        network,
        run: () => network.runSync(picture),
        row: { runtime: 'dynedge', network: name, precision, variant, threads: 1, size },
      })
    }
    contenders.push(...own)
    if (!options.peers.includes(PEER)) continue
    const forms = !graph.kernels ? [FASTEST_FORM] : options.form === 'all' ? Object.keys(FORMS) : [options.form]
    for (const form of forms) {
      const session = await openOrt(writeOnnx(graph, state, precision, FORMS[form], size), picture)
      const expected = await session.run()
      const differences = own.map(({ row, network }) => {
        const difference = differenceOf(network!.runSync(picture).logits, expected)
        const what = `${name} ${precision} ${row.variant} at ${size}: a logit differs from ${PEER} (${form}) by ${difference.toExponential(1)} of the largest`
        if (!(difference <= TOLERANCE))
          throw new DynedgeError('bad-program', `${what}, allowed are ${TOLERANCE}. Nothing is timed.`)
        return difference
      })
      const shape = graph.kernels ? { form } : {}
      const row = {
        runtime: PEER,
        network: name,
        precision,
        variant: null,
        threads: 1,
        size,
        ...shape,
        difference: Math.max(...differences),
      }
      contenders.push({ session, run: session.run, row })
    }
  }
  return contenders
}

function differenceOf(found: Float32Array, expected: Float32Array): number {
  let largest = 0
  let difference = found.length === expected.length ? 0 : Number.POSITIVE_INFINITY
  expected.forEach((value, index) => {
    largest = Math.max(largest, Math.abs(value))
    // Math.max hands a NaN of either side on, and NaN passes no comparison.
    difference = Math.max(difference, Math.abs(value - found[index]))
  })
  return difference / largest
}

/** Against the peer's fastest form of the same network, and against our own MobileNetV2. */
function ratiosOf(rows: BenchRow[]): Ratio[] {
  const ratios: Ratio[] = []
  for (const row of rows) {
    const { network, precision, variant, size } = row
    if (row.runtime !== 'dynedge' || !variant) continue
    const add = (other: BenchRow | undefined, name: string) => {
      if (other)
        ratios.push({
          network,
          precision,
          variant,
          size,
          other: name,
          min: other.ms.min / row.ms.min,
          median: other.ms.median / row.ms.median,
        })
    }
    const alike = rows.filter((other) => other.precision === precision && other.size === size)
    const peers = alike.filter((other) => other.runtime === PEER && other.network === network)
    add(peers.sort((a, b) => a.ms.min - b.ms.min)[0], PEER)
    if (network !== 'mobilenetv2')
      add(
        alike.find((other) => other.variant === variant && other.network === 'mobilenetv2'),
        'our mobilenetv2',
      )
  }
  return ratios
}

if (process.argv[1]?.endsWith('run.ts')) process.exitCode = await main(process.argv.slice(2))
