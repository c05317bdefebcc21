import { Command } from 'commander'
import { relaxedSimd } from 'wasm-feature-detect'
import { parseSizes } from '../src/bench/latency.ts'
import { DynedgeError } from '../src/errors.ts'
import { buildNetwork, NETWORKS } from '../src/networks/index.ts'
import type { Asked } from './models.ts'
import { PARTS } from './parts.ts'
import { PEERS } from './peers.ts'

export interface Options extends Asked {
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
  html?: string
  figure7: boolean
  all: boolean
  part: string[]
  fresh: boolean
  write: boolean
  browser: boolean
  /** Port of the bench page. */
  page?: number
}

const FIGURE_7 = {
  networks: ['dy-mobile', 'mobilenetv2', 'dy-shuffle', 'shufflenetv2'],
  sizes: parseSizes('96..448'),
  precisions: ['f32', 'int8'],
  peers: [] as string[],
  rates: false,
}

/** `argv` without node and script. */
export async function parse(argv: string[]): Promise<Options> {
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
    .option('--threads <counts>', '1 or 1,2', counts, [1])
    .option('--peers <names>', `${PEERS.join(', ')}, or none`, words([...PEERS, 'none']), [...PEERS])
    .option('--forms', 'every way in which dynamic networks are written for peers, not just the fastest', false)
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
    .option('--load', 'time of loading and memory, too', false)
    .option('--no-latency', 'with --load: nothing else')
    .option('--figure-7', 'latency reduced ratio from 96 to 448 pixels, as in the DyNet paper, and its Table 2', false)
    .option('--json', 'one JSON object on standard output', false)
    .option('--html <file>', 'a page with charts, too')
    .option('--all', `everything that bench/RESULTS.md has, part by part; what was measured before is kept`, false)
    .option('--part <names>', `parts of it: ${Object.keys(PARTS).join(', ')}`, words(Object.keys(PARTS)), [])
    .option('--fresh', 'with --all or --part: measure again what was measured before', false)
    .option(
      '--write',
      'with --all or --part: bench/RESULTS.md, results.json and report.html from what was measured',
      false,
    )
    .option('--browser', 'in a headless Chromium instead of Node, without rates and loading', false)
    .option('--page [port]', 'serve the bench page to browsers of this machine', port)
    .exitOverride()
    .configureOutput({ writeOut: (text) => process.stderr.write(text) })
    .parse(argv, { from: 'user' })
  const options: Options = command.opts()
  if (options.figure7)
    for (const [name, value] of Object.entries(FIGURE_7))
      if (command.getOptionValueSource(name) === 'default') Object.assign(options, { [name]: value })
  // Given without a port, it is `true`.
  if ((options.page as unknown) === true) options.page = ANY_PORT
  check(options)
  return options
}

const ANY_PORT = 0
const LAST_PORT = 65535

function port(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0 || number > LAST_PORT)
    throw new DynedgeError('usage', `--page is ${text}, expected a port from 0 to ${LAST_PORT}.`)
  return number
}

function counts(text: string): number[] {
  const list = text.split(',').map(Number)
  if (!list.every((count) => Number.isInteger(count) && count > 0))
    throw new DynedgeError('usage', `--threads is ${text}, expected 1 or 1,2.`)
  return list
}

function check(options: Options): void {
  for (const name of ['seconds', 'limit', 'pictures'] as const)
    if (!(options[name] > 0)) throw new DynedgeError('usage', `--${name} wants a positive number.`)
  if (Boolean(options.weights) !== Boolean(options.images))
    throw new DynedgeError(
      'usage',
      '--weights and --images go together: trained weights, and pictures to judge them by.',
    )
  if (options.weights && options.precisions.includes('int8') && !options.calibrate)
    throw new DynedgeError(
      'usage',
      'int8 of trained weights wants --calibrate, a folder of pictures such as the training set.',
    )
}
