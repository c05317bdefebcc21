import { Command, CommanderError, Option } from 'commander'
import { relaxedSimd } from 'wasm-feature-detect'
import { minAndMedian, parseSizes, race } from '../src/bench/latency.ts'
import { DynedgeError } from '../src/errors.ts'
import type { TensorInput } from '../src/network.ts'
import { buildNetwork, NETWORKS } from '../src/networks/index.ts'
import type { Precision } from '../src/plan/weights.ts'
import type { Variant } from '../src/runtime/module.ts'
import { compare } from './agreement.ts'
import { type BenchRow, type Contender, contenderOf } from './contenders.ts'
import { load } from './kernels.ts'
import { litertVersion } from './litert.ts'
import { type LoadTime, measureLoad } from './load.ts'
import { commit, type Machine, machine } from './machine.ts'
import { type Asked, FASTEST_FORM, type Given, modelsOf, type Subject, subjectOf } from './models.ts'
import { INTEGER_FORMS } from './onnx/integer.ts'
import { FORMS } from './onnx/write.ts'
import { ortVersion } from './ort.ts'
import { measurePeaks, type Peaks } from './peaks.ts'
import { readPictures, readTrained } from './pictures.ts'
import { LITERT, ORT, PEERS } from './runtimes.ts'
import { type Breakdown, breakDown } from './steps.ts'
import { table } from './table.ts'

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
  engine: { node: string; v8: string; flags: string[]; peers: Record<string, string> }
  commit: string
  date: string
  rows: BenchRow[]
  ratios: Ratio[]
  peaks: Peaks[]
  steps: Breakdown[]
  load?: LoadTime[]
}

interface Options extends Asked {
  weights?: string
  images?: string
  calibrate?: string
  limit: number
  pictures: number
  seconds: number
  rates: boolean
  latency: boolean
  load: boolean
  json: boolean
}

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
    .description('Times networks, of random weights or trained, beside other runtimes in the same process.')
    .option('--networks <names>', `of ${NETWORKS.join(', ')}`, networks, ['dy-mobile', 'mobilenetv2'])
    .option('--sizes <pixels>', '224 or 128,224 or 96..448', sizes, [224])
    .option('--precisions <names>', 'f32, w8, int8', words(['f32', 'w8', 'int8']), ['f32', 'w8', 'int8'])
    .option('--variants <names>', 'simd, relaxed', words(['simd', 'relaxed']), [best])
    .option('--threads <count>', 'only 1 in this version', words(['1']), ['1'])
    .option('--peers <names>', `${PEERS.join(', ')}, or none`, words([...PEERS, 'none']), [...PEERS])
    .addOption(
      new Option('--form <name>', 'how dynamic networks are written for peers')
        .choices([...Object.keys(FORMS), ...INTEGER_FORMS, 'all'])
        .default(FASTEST_FORM),
    )
    .option(
      '--weights <file>',
      'a trained state dict (its network and input size); wants --images and, with int8, --calibrate',
    )
    .option('--images <folder>', 'pictures by class: accuracy of everyone')
    .option('--calibrate <folder>', 'pictures by class, others than those of --images: ranges of int8')
    .option('--limit <count>', 'of --images, spread over the classes', Number, 500)
    .option('--pictures <count>', 'of --calibrate, spread over the classes', Number, 200)
    .option('--no-vnni', "make V8 do without x86's dot products, as on older machines")
    .option('--seconds <count>', 'for each contender', Number, 3)
    .option('--no-rates', 'leave out best rates and the time by step')
    .option('--load', 'time of loading and memory, too')
    .option('--no-latency', 'with --load: nothing else')
    .option('--json', 'one JSON object on standard output')
    .exitOverride()
    .configureOutput({ writeOut: (text) => process.stderr.write(text) })
    .parse(argv, { from: 'user' })
  const { load = false, json = false, ...rest } = command.opts()
  for (const name of ['seconds', 'limit', 'pictures'])
    if (!(rest[name] > 0)) throw new DynedgeError('usage', `--${name} wants a positive number.`)
  if (Boolean(rest.weights) !== Boolean(rest.images))
    throw new DynedgeError(
      'usage',
      '--weights and --images go together: trained weights, and pictures to judge them by.',
    )
  if (rest.weights && rest.precisions.includes('int8') && !rest.calibrate)
    throw new DynedgeError(
      'usage',
      'int8 of trained weights wants --calibrate, a folder of pictures such as the training set.',
    )
  return { ...rest, load, json } as Options
}

async function bench(options: Options): Promise<Report> {
  const report: Report = {
    machine: machine(),
    engine: {
      node: process.version,
      v8: process.versions.v8,
      flags: process.execArgv.filter((flag) => flag.includes('vnni')),
      peers: Object.fromEntries(
        Object.entries({ [ORT]: ortVersion, [LITERT]: litertVersion }).filter(([name]) => options.peers.includes(name)),
      ),
    },
    commit: commit(),
    date: new Date().toISOString(),
    rows: [],
    ratios: [],
    peaks: [],
    steps: [],
  }
  const given = options.weights ? await readGiven(options) : undefined
  if (given) {
    options.networks = [given.trained.graph.network]
    options.sizes = [given.trained.input.size[0]]
  }
  if (options.latency) for (const size of options.sizes) await benchSize(size, options, report, given)
  report.ratios = ratiosOf(report.rows)
  if (options.load) {
    report.load = []
    for (const name of options.networks)
      for (const size of options.sizes) {
        const subject = await subjectOf(name, size, options, given)
        for (const model of modelsOf(subject, options)) {
          say(
            `loading ${[name, size, model.precision, model.runtime, model.variant, model.form].filter(Boolean).join(' ')}`,
          )
          report.load.push(await measureLoad(model, pictureOf(subject)))
        }
      }
  }
  return report
}

async function readGiven({ weights, images, calibrate, limit, pictures }: Options): Promise<Given> {
  say('reading pictures')
  const trained = await readTrained(weights!)
  const size = trained.input.size[0]
  const judged = await readPictures(images!, trained, size, limit)
  const calibration = calibrate ? await readPictures(calibrate, trained, size, pictures) : { pictures: [], classes: [] }
  return { trained, images: judged, calibration }
}

const pictureOf = ({ pictures, size }: Subject): TensorInput => ({ data: pictures[0], height: size, width: size })

/** All networks of one size race together, so that they can be compared with each other as well. */
async function benchSize(size: number, options: Options, report: Report, given?: Given): Promise<void> {
  const contenders: Contender[] = []
  for (const name of options.networks) {
    say(`preparing ${name} ${size}`)
    const subject = await subjectOf(name, size, options, given)
    const picture = pictureOf(subject)
    const made: Contender[] = []
    for (const model of modelsOf(subject, options)) made.push(await contenderOf(model, picture))
    say(`comparing ${made.length} of ${name} on ${subject.pictures.length} pictures`)
    await compare(made, subject)
    for (const contender of made) await contender.logits(picture)
    contenders.push(...made)
  }
  say(`timing ${contenders.length} contenders at ${size}x${size}, ${options.seconds} s each`)
  const times = await race(
    contenders.map(({ run }) => run),
    options,
  )
  const rows = contenders.map(
    ({ row }, index): BenchRow => ({ ...row, ms: minAndMedian(times[index]), runs: times[index].length }),
  )
  report.rows.push(...rows)
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
  for (const contender of contenders) await contender.release()
}

/** Against each peer's fastest form of the same network, against our own f32, and against our own MobileNetV2. */
function ratiosOf(rows: BenchRow[]): Ratio[] {
  const ratios: Ratio[] = []
  for (const row of rows) {
    const { network, precision, variant, size } = row
    if (row.runtime !== 'dynedge' || !variant) continue
    const add = (other: BenchRow | undefined, name: string) => {
      if (!other) return
      const factors = { min: other.ms.min / row.ms.min, median: other.ms.median / row.ms.median }
      ratios.push({ network, precision, variant, size, other: name, ...factors })
    }
    const ours = rows.filter((other) => other.runtime === 'dynedge' && other.variant === variant && other.size === size)
    if (precision !== 'f32')
      add(
        ours.find((other) => other.network === network && other.precision === 'f32'),
        'our f32',
      )
    for (const runtime of PEERS) {
      const theirs = rows.filter(
        (other) =>
          other.runtime === runtime &&
          other.network === network &&
          other.precision === precision &&
          other.size === size &&
          (other.variant ?? variant) === variant,
      )
      add(theirs.sort((a, b) => a.ms.min - b.ms.min)[0], runtime)
    }
    if (network !== 'mobilenetv2')
      add(
        ours.find((other) => other.network === 'mobilenetv2' && other.precision === precision),
        'our mobilenetv2',
      )
  }
  return ratios
}

if (process.argv[1]?.endsWith('run.ts')) process.exitCode = await main(process.argv.slice(2))
