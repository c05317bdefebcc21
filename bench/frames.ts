// npm run bench -- frames ...: what keeping kernels from frame to frame gives in time and costs in accuracy. docs/frames.md
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { parseSizes } from '../src/bench/latency.ts'
import { timesOf } from '../src/bench/race.ts'
import { decode } from '../src/cli/decode.ts'
import { matchClasses } from '../src/cli/eval/classes.ts'
import { listFolder } from '../src/cli/eval/folder.ts'
import { limited } from '../src/cli/eval/select.ts'
import { DynedgeError } from '../src/errors.ts'
import type { PixelSource } from '../src/image/pixels.ts'
import type { Network, Variant } from '../src/interface.ts'
import { load } from './kernels.ts'
import { commit, machine } from './machine.ts'

/** Frames in order; of a labelled picture, with its class. */
interface Clip {
  name: string
  frames: PixelSource[]
  label?: number
}

/** One tolerance on one stream at one size, over all frames. */
interface FramesRow {
  bundle: string
  size: number
  stream: string
  /** Null: the network that keeps none, which the others are compared with. */
  tolerance: number | null
  frames: number
  /** Mean share of the kernels that a frame kept. */
  kept: number
  /** Frames whose best class is that of the plain network. */
  same: number
  /** Where labels are known: frames whose best class is right. */
  top1?: number
  /** Largest difference of a logit, and the same over the largest logit. */
  difference: number
  relative: number
  /** Least correlation of a frame's logits with the plain network's, and the mean. */
  correlation: { least: number; mean: number }
  /** Per frame: mean over the frames of each one's least time over the rounds, and of its median. */
  ms?: { min: number; median: number }
  arenaBytes: number
}

interface Options {
  clips?: string[]
  together?: boolean
  images?: string
  limit: number
  moves: number
  sizes: number[]
  tolerances: number[]
  rounds: number
  variant?: Variant
  json?: boolean
}

function parse(argv: string[]): { bundles: string[]; options: Options } {
  const numbers = (text: string) => {
    const list = text.split(',').map(Number)
    if (list.some((each) => !(each >= 0))) throw new DynedgeError('usage', `${text} is no list of tolerances.`)
    return list
  }
  const sizes = (text: string) => {
    const list = parseSizes(text)
    if (!list) throw new DynedgeError('usage', `--sizes is ${text}, expected 64 or 64,224.`)
    return list
  }
  const command = new Command('bench frames')
    .description(
      'Time, agreement and accuracy of networks that keep kernels from frame to frame, beside ones that do not.',
    )
    .argument('<bundles...>', 'dynamic networks, trained')
    .option('--clips <folders...>', 'one folder of pictures a clip, frames in the order of their names')
    .option('--together', 'all clips as one stream, with cuts')
    .option('--images <folder>', 'pictures by class: each becomes a clip of moving crops, for top-1')
    .option('--limit <count>', 'of --images, spread over the classes', Number, 200)
    .option('--moves <count>', 'frames made of each of --images', Number, 12)
    .option('--sizes <pixels>', '64 or 64,224', sizes, [64, 224])
    .option('--tolerances <list>', 'of keepKernels', numbers, [0, 0.005, 0.01, 0.02, 0.05, 0.1])
    .option(
      '--rounds <count>',
      'each network in turn runs the whole stream so often for its times; 0: no times',
      Number,
      3,
    )
    .option('--variant <name>', 'simd or relaxed')
    .option('--json', 'one JSON object on standard output')
    .exitOverride()
    .configureOutput({ writeOut: (text) => process.stderr.write(text) })
    .parse(argv, { from: 'user' })
  const options = command.opts<Options>()
  if (!options.clips && !options.images) throw new DynedgeError('usage', 'Give --clips or --images.')
  return { bundles: command.args, options }
}

async function readClip(folder: string): Promise<Clip> {
  const files = readdirSync(folder).sort()
  if (!files.length) throw new DynedgeError('not-found', `${folder} has no frames.`)
  const frames: PixelSource[] = []
  for (const file of files) frames.push(await decode(join(folder, file)))
  return { name: basename(folder), frames }
}

/** Every picture as a slow pan and zoom: crops that grow from 85 % to the whole, from the lower left on. */
async function readMoves({ images, limit, moves }: Options, labels: readonly string[]): Promise<Clip[]> {
  const { folders, entries } = await listFolder(images!)
  const { indices } = await matchClasses(images!, folders, labels)
  const good = entries.filter(({ reason }) => reason === undefined)
  const clips: Clip[] = []
  for (const { path, folder } of limited(good, limit)) {
    const { data, width, height, channels } = await decode(path)
    const bytes = channels ?? 3
    const frames = Array.from({ length: moves }, (_, move): PixelSource => {
      const done = moves > 1 ? move / (moves - 1) : 1
      const [w, h] = [width, height].map((side) => Math.round(side * (0.85 + 0.15 * done)))
      const [x, y] = [Math.round((width - w) * done), Math.round((height - h) * (1 - done))]
      return {
        data: data.subarray((y * width + x) * bytes),
        width: w,
        height: h,
        channels: bytes as 3,
        rowBytes: width * bytes,
      }
    })
    clips.push({ name: path, frames, label: indices[folder] })
  }
  return clips
}

/** What a network said of every frame of a stream, first round. */
interface Told {
  logits: Float32Array[]
  kept: number[]
  /** Milliseconds by frame and round, without preprocessing. */
  times: number[][]
}

async function tell(network: Network, clips: Clip[], size: number, told: Told): Promise<void> {
  let frame = 0
  for (const clip of clips)
    for (const picture of clip.frames) {
      const { outputs, ms } = await network.classifyFully(picture, { size: [size, size], topK: 1 })
      if (told.logits.length <= frame) {
        told.logits.push(outputs.logits)
        told.kept.push(network.kept)
        told.times.push([])
      } else told.times[frame].push(ms)
      ++frame
    }
}

const argmax = (values: Float32Array) => values.reduce((best, value, index) => (value > values[best] ? index : best), 0)
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

function correlation(a: Float32Array, b: Float32Array): number {
  const [meanA, meanB] = [mean([...a]), mean([...b])]
  let [ab, aa, bb] = [0, 0, 0]
  a.forEach((value, i) => {
    const [x, y] = [value - meanA, b[i] - meanB]
    ab += x * y
    aa += x * x
    bb += y * y
  })
  return ab / Math.sqrt(aa * bb)
}

function compare(
  told: Told,
  plain: Told,
  clips: Clip[],
): Omit<FramesRow, 'bundle' | 'size' | 'stream' | 'tolerance' | 'arenaBytes'> {
  const classes = told.logits.map(argmax)
  const labels = clips.flatMap(({ frames, label }) => frames.map(() => label))
  const correlations = told.logits.map((logits, frame) => correlation(logits, plain.logits[frame]))
  let [difference, largest] = [0, 0]
  told.logits.forEach((logits, frame) => {
    logits.forEach((value, i) => {
      difference = Math.max(difference, Math.abs(value - plain.logits[frame][i]))
      largest = Math.max(largest, Math.abs(plain.logits[frame][i]))
    })
  })
  const times = told.times.map(timesOf)
  return {
    frames: told.logits.length,
    kept: mean(told.kept),
    same: mean(classes.map((best, frame) => Number(best === argmax(plain.logits[frame])))),
    ...(labels[0] !== undefined && { top1: mean(classes.map((best, frame) => Number(best === labels[frame]))) }),
    difference,
    relative: difference / largest,
    correlation: { least: Math.min(...correlations), mean: mean(correlations) },
    ...(told.times[0].length && {
      ms: { min: mean(times.map(({ min }) => min)), median: mean(times.map(({ median }) => median)) },
    }),
  }
}

async function benchStream(
  bundle: string,
  size: number,
  stream: string,
  clips: Clip[],
  options: Options,
): Promise<FramesRow[]> {
  const { variant, rounds } = options
  const contenders: { tolerance: number | null; network: Network; told: Told }[] = []
  for (const tolerance of [null, ...options.tolerances]) {
    const network = await load(bundle, {
      variant,
      maxInput: [size, size],
      ...(tolerance !== null && { keepKernels: tolerance }),
    })
    contenders.push({ tolerance, network, told: { logits: [], kept: [], times: [] } })
  }
  // Whole streams by turns: a stream finds its caches full of its own numbers, as it would alone.
  for (let round = 0; round <= rounds; ++round)
    for (const { network, told } of contenders) await tell(network, clips, size, told)
  return contenders.map(({ tolerance, network, told }) => {
    const { name, precision } = network
    const { arenaBytes } = network.describe()
    network.dispose()
    return {
      bundle: `${name} ${precision}`,
      size,
      stream,
      tolerance,
      ...compare(told, contenders[0].told, clips),
      arenaBytes,
    }
  })
}

function table(rows: FramesRow[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const lines = rows.map((row) => {
    const plain = rows.find(
      (other) =>
        other.tolerance === null &&
        other.bundle === row.bundle &&
        other.size === row.size &&
        other.stream === row.stream,
    )!
    return [
      row.bundle,
      row.size,
      row.stream,
      row.tolerance ?? 'none kept',
      row.frames,
      percent(row.kept),
      ...(row.ms
        ? [
            row.ms.min.toFixed(3),
            percent(row.ms.min / plain.ms!.min - 1),
            percent(row.ms.median / plain.ms!.median - 1),
          ]
        : ['', '', '']),
      percent(row.same),
      row.top1 === undefined ? '' : percent(row.top1),
      percent(row.relative),
      row.correlation.least.toFixed(4),
      (row.arenaBytes / 1e6).toFixed(2),
    ]
  })
  const head = [
    'network',
    'size',
    'stream',
    'tolerance',
    'frames',
    'kept',
    'ms',
    'by min',
    'by median',
    'same class',
    'top-1',
    'largest error',
    'least correlation',
    'arena MB',
  ]
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

async function main(argv: string[]): Promise<number> {
  try {
    const { bundles, options } = parse(argv)
    const rows: FramesRow[] = []
    for (const bundle of bundles) {
      const streams: [string, Clip[]][] = []
      const clips: Clip[] = []
      for (const folder of options.clips ?? []) clips.push(await readClip(folder))
      if (options.together) streams.push([`${clips.length} clips`, clips])
      else for (const clip of clips) streams.push([clip.name, [clip]])
      if (options.images) {
        const network = await load(bundle)
        streams.push(['moving crops', await readMoves(options, network.labels)])
        network.dispose()
      }
      for (const size of options.sizes)
        for (const [name, clips] of streams) {
          process.stderr.write(`${basename(bundle)} ${size} ${name}\n`)
          rows.push(...(await benchStream(bundle, size, name, clips, options)))
        }
    }
    const report = { machine: machine(), node: process.version, commit: commit(), date: new Date().toISOString(), rows }
    process.stdout.write(
      options.json
        ? `${JSON.stringify(report)}\n`
        : `${report.machine.cpu}, Node ${report.node}, dynedge ${report.commit}\n\n${table(rows)}\n`,
    )
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (!(error instanceof DynedgeError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
