import { type Command, InvalidArgumentError, Option } from 'commander'
import { OBSERVERS, type Observer } from '../calibrate/observers.ts'
import { DynedgeError } from '../errors.ts'
import { parseCount } from './options.ts'

/** What `dynedge pack --precision int8` can be told. */
export interface Int8Options {
  calibrate?: string
  images?: number
  observer: Observer
  equalize: boolean
  biasCorrection: boolean
  keep?: string[]
  activationBits: 7 | 8
  force?: boolean
}

export const DEFAULT_IMAGES = 256

/** Options, as flags and as commander calls them, that need --calibrate; and those that need only int8. */
const HOW = {
  images: '--images',
  observer: '--observer',
  equalize: '--no-equalize',
  biasCorrection: '--no-bias-correction',
  force: '--force',
}
const INT8 = { calibrate: '--calibrate', ...HOW, keep: '--keep', activationBits: '--activation-bits' }

export function addInt8Options(command: Command): Command {
  return command
    .option('--calibrate <folder>', 'int8: pictures to find the range of every layer with')
    .option('--images <n>', `int8: how many of them, spread evenly (default: ${DEFAULT_IMAGES})`, parseCount)
    .addOption(new Option('--observer <name>', 'int8: how to choose ranges').choices(OBSERVERS).default('mse'))
    .option('--no-equalize', 'int8: leave the scale of channels between layers as it is')
    .option('--no-bias-correction', 'int8: leave biases as they are')
    .option('--keep <layers>', 'int8: layers that stay f32, separated by commas: names, or head', parseNames)
    .addOption(new Option('--activation-bits <n>', 'int8: 8 takes slower kernels').default(7).argParser(parseBits))
    .option('--force', 'int8: write the bundle even if its answers differ much from those of f32')
}

/** Throws `usage` for options that say nothing here, or that lack another. */
export function checkInt8Usage(command: Command, precision: string, hasRanges: boolean): void {
  const given = (options: Record<string, string>) =>
    Object.keys(options)
      .filter((name) => command.getOptionValueSource(name) === 'cli')
      .map((name) => options[name])
  const usage = (message: string) => new DynedgeError('usage', message)
  const [first] = given(INT8)
  if (precision !== 'int8') {
    if (first) throw usage(`${first} is for --precision int8, got ${precision}; leave one out.`)
    return
  }
  if (given({ calibrate: INT8.calibrate }).length) return
  const [how] = given(HOW)
  if (how) throw usage(`${how} says how to calibrate; give --calibrate FOLDER too.`)
  if (!hasRanges)
    throw usage(
      'int8 needs the range of every layer: give --calibrate FOLDER with some hundred pictures like those that the network will see ' +
        '(or weights from quantization-aware training, which bring their ranges).',
    )
}

function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.some((name) => !name))
    throw new InvalidArgumentError('Expected names separated by commas, such as head,stem.')
  return names
}

function parseBits(text: string): 7 | 8 {
  if (text !== '7' && text !== '8') throw new InvalidArgumentError('Expected 7 or 8.')
  return Number(text) as 7 | 8
}
