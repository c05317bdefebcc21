import { createHash } from 'node:crypto'
import { type Command, Option } from 'commander'
import { load, type Network, type Variant } from '../node.ts'
import { decode } from './decode.ts'
import { Exit } from './exit.ts'
import { DEFAULT_MODELS, modelAddress } from './models.ts'
import { parseCount, parseSize, parseThreads } from './options.ts'
import { complain, oneLine, print, printJson } from './output.ts'
import { profileOf } from './profile.ts'
import { showPicture, showProfile } from './show.ts'

interface Options {
  model?: string
  size?: [height: number, width: number]
  top: number
  variant?: Variant
  threads: number | 'auto'
  repeat: number
  profile?: boolean
  json?: boolean
}

export interface Classified {
  file: string
  /** Preprocessing and network, milliseconds; minimum over the repetitions. */
  ms: number
  top: { index: number; label: string; probability: number }[]
  /** Over the little-endian float32 bytes. */
  logits_sha256: string
}

export interface Failed {
  file: string
  error: string
}

export function runCommand(program: Command): void {
  program
    .command('run')
    .description('classify pictures (JPEG, PNG, WebP, AVIF, GIF, TIFF, SVG)')
    .argument('<pictures...>', 'picture files')
    .option(
      '-m, --model <bundle>',
      `network of dynedge-models, or path or URL of a bundle (default: ${DEFAULT_MODELS.join(', else ')})`,
    )
    .option('-s, --size <size>', "input size, N or HEIGHTxWIDTH (default: the bundle's)", parseSize)
    .option('-t, --top <n>', 'how many classes to print', parseCount, 5)
    .addOption(
      new Option('--variant <name>', 'force a binary (default: the fastest that runs here)').choices([
        'simd',
        'relaxed',
      ]),
    )
    .option('-T, --threads <n>', 'threads of one picture, or auto', parseThreads, 1)
    .option('-r, --repeat <n>', 'time every picture n times and give the minimum', parseCount, 1)
    .option('-p, --profile', 'also the share of each kind of step')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit code 1 when a picture could not be read; the others are classified all the same.')
    .action(run)
}

async function run(files: string[], options: Options): Promise<void> {
  const { size, variant, threads, top } = options
  const net = await load(await modelAddress(options.model), {
    variant,
    threads,
    ...(size && { maxInput: size }),
  })
  const input = size ?? net.input.size
  if (!options.json)
    print(
      `${net.name} ${net.precision}, variant ${net.describe().variant}, ${net.threads} ${net.threads > 1 ? 'threads' : 'thread'}, input ${input[0]}x${input[1]}`,
    )
  if (net.threadsNote) complain(net.threadsNote)
  // The first pass plans and lets the engine compile; it is not timed.
  await net.classify({ data: new Uint8Array(3), width: 1, height: 1 }, { size: input })
  const results: (Classified | Failed)[] = []
  for (const file of files) {
    const result = await classify(net, file, input, top, options.repeat)
    results.push(result)
    if ('error' in result) complain(`${file}: ${result.error}`)
    else if (!options.json) showPicture(result)
  }
  const profile = options.profile ? profileOf(await net.profile({ size: input })) : undefined
  if (options.json) {
    const { name: network, precision, threads } = net
    printJson({
      network,
      precision,
      variant: net.describe().variant,
      threads,
      input,
      results,
      ...(profile && { profile }),
    })
  } else if (profile) showProfile(profile)
  net.dispose()
  if (results.some((result) => 'error' in result)) throw new Exit(1)
}

async function classify(
  net: Network,
  file: string,
  size: [number, number],
  topK: number,
  repeat: number,
): Promise<Classified | Failed> {
  try {
    const picture = await decode(file)
    let ms = Number.POSITIVE_INFINITY
    for (let pass = 1; ; ++pass) {
      const start = performance.now()
      const { top, outputs } = await net.classifyFully(picture, { size, topK })
      ms = Math.min(ms, performance.now() - start)
      if (pass === repeat) return { file, ms, top, logits_sha256: sha256(outputs.logits) }
    }
  } catch (error) {
    if (process.env.DYNEDGE_DEBUG) console.error(error)
    const message = oneLine((error as Error).message)
    return { file, error: message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message }
  }
}

function sha256(values: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(values.length * 4))
  values.forEach((value, index) => {
    bytes.setFloat32(index * 4, value, true)
  })
  return createHash('sha256').update(bytes).digest('hex')
}
