import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { dataStartOf, LENGTH_BYTES } from '../bundle/container.ts'
import { type Json, type JsonObject, parseHeader } from '../bundle/header.ts'
import { readStateDict } from '../bundle/safetensors.ts'
import { writeBundle } from '../bundle/write.ts'
import { DynedgeError } from '../errors.ts'
import { count } from '../graph/counts.ts'
import type { Graph } from '../graph/graph.ts'
import { addPrograms } from '../host/programs.ts'
import { checkInputSpec, type InputSpec } from '../image/spec.ts'
import { buildNetwork, NETWORKS } from '../networks/index.ts'
import { packWeights } from '../pack/pack.ts'
import type { Precision } from '../plan/weights.ts'
import { quantizeNetwork } from './calibrate.ts'
import { addInt8Options, checkInt8Usage, type Int8Options } from './calibrate-options.ts'
import { showSummary } from './calibrate-table.ts'
import { readWhole, writeWhole } from './files.ts'
import { parseChannels, parseCount, parsePositive, parseSize, parseSizes } from './options.ts'
import { byteSize, columns, counted, print, printJson } from './output.ts'
import { packageVersion } from './package.ts'
import { RANGES_KEY } from './ranges.ts'
import { unpackedFile } from './unpack.ts'
import { type Facts, factsOf, parseLabels, readWeights, sha256Of } from './weights.ts'

interface Options extends Int8Options {
  network?: string
  width?: number
  classes?: number
  kernels?: number
  precision: Precision
  output?: string
  labels?: string
  mean?: number[]
  std?: number[]
  inputSize?: [height: number, width: number]
  shorterSide?: number
  licence?: string
  name?: string
  plan?: [height: number, width: number][]
  planThreads?: boolean
  json?: boolean
}

export function packCommand(program: Command): void {
  const command = program
    .command('pack')
    .description('make a bundle from a safetensors state dict in PyTorch naming')
    .argument(
      '<weights>',
      'safetensors file, or an f32 or w8 bundle; facts in its metadata are defaults for the options',
    )
    .option('-n, --network <name>', `one of ${NETWORKS.join(', ')}`)
    .option('--width <factor>', 'width multiplier', parsePositive)
    .option('--classes <n>', 'number of classes (default: rows of the classifier)', parseCount)
    .option('--kernels <n>', 'g_t, fixed kernels per output channel (default: 6)', parseCount)
    .addOption(
      new Option('-p, --precision <label>', 'how weights are stored; int8 also computes in integers')
        .choices(['f32', 'w8', 'int8'])
        .default('f32'),
    )
    .option('-o, --output <file>', 'bundle to write (default: <weights>.<precision>.safetensors here)')
    .option('--labels <file>', 'class names: one per line, or a JSON list')
    .option('--mean <values>', 'per channel, of values in 0..1 (default: 0.485,0.456,0.406)', parseChannels)
    .option('--std <values>', 'per channel (default: 0.229,0.224,0.225)', parseChannels)
    .option('--input-size <size>', 'N or HEIGHTxWIDTH (default: 224)', parseSize)
    .option(
      '--shorter-side <n>',
      'resize the shorter side to n before cropping (default: 8/7 of the input size)',
      parseCount,
    )
    .option('--licence <text>', 'licence of the weights, for example CC-BY-4.0')
    .option('--name <text>', "name in the bundle (default: the network's)")
    .option('--plan <sizes>', 'programs for these input sizes, as 224x224,192: a C host needs them', parseSizes)
    .option('--plan-threads', 'plan for several threads: some arena more, dynamic networks sooner by a twentieth')
  addInt8Options(command).option('--json', 'print one JSON object').action(pack)
}

async function pack(path: string, options: Options, command: Command): Promise<void> {
  const { precision } = options
  if (options.planThreads && !options.plan)
    throw new DynedgeError('usage', '--plan-threads is for the programs of --plan, and there is no --plan.')
  const read = await readWhole(path, 'a safetensors file', 'bad-model')
  const isBundle = readStateDict(read).metadata.has('dynedge')
  if (options.plan && isBundle && headerOf(read).metadata.precision === 'int8')
    return addPlans(path, read, options, command)
  const file = isBundle ? await stateOf(path) : read
  const said = readStateDict(file).metadata
  checkInt8Usage(command, precision, said.has(RANGES_KEY))
  const facts = factsOf(file)
  const network = options.network ?? facts.network
  if (!network)
    throw new DynedgeError(
      'usage',
      `${path} does not say which network it is; give --network, one of ${NETWORKS.join(', ')}.`,
    )
  const { take, classes } = readWeights(file)
  const graph = buildNetwork(network, {
    // A width in the name is the user's last word.
    width: options.width ?? (/-\d/.test(network) ? undefined : facts.width),
    classes: options.classes ?? facts.classes ?? classes,
    kernels: options.kernels ?? (facts.kernels || undefined),
  })
  const state = take(graph, path)
  const labels = options.labels
    ? parseLabels(await readWhole(options.labels, 'a file of labels'), options.labels)
    : (facts.labels ?? null)
  if (labels && labels.length !== graph.classes)
    throw new DynedgeError(
      'usage',
      `There are ${labels.length} labels for ${graph.classes} classes${options.labels ? ` in ${options.labels}` : ''}; expected one per class.`,
    )
  const input = inputSpec(options, facts)
  const name = options.name ?? options.network ?? facts.name ?? network
  const quantized = precision === 'int8' ? await quantizeNetwork(graph, state, input, said, options) : undefined
  const tensors = packWeights(quantized?.graph ?? graph, quantized?.state ?? state, precision)
  const metadata = {
    network: name,
    precision,
    graph: (quantized?.graph ?? graph) as unknown as Json,
    input: input as unknown as JsonObject,
    labels,
    quantization: quantized?.summary ?? (precision === 'w8' ? W8 : null),
    provenance: {
      network,
      source: basename(path),
      source_sha256: sha256Of(read),
      packed_by: `dynedge ${packageVersion()}`,
    },
    licence: options.licence ?? facts.licence ?? null,
  }
  const plain = writeBundle({ tensors, metadata })
  const bundle = options.plan ? addPrograms(plain, options.plan, { threads: options.planThreads }) : plain
  const output = options.output ?? `${basename(path).replace(/\.safetensors$/, '')}.${precision}.safetensors`
  await writeWhole(output, bundle)
  if (quantized && !options.json) showSummary(quantized.graph, quantized.summary)
  const parameters = count(graph).parameters
  report(
    output,
    bundle,
    { network: name, precision, parameters, source: read.length },
    quantized?.summary,
    options.json,
  )
}

const W8 = { weights: 'int8, symmetric, one float32 scale per output row', arithmetic: 'float32' }

/** An int8 bundle cannot be packed anew; programs it can be given. */
async function addPlans(path: string, bundle: Uint8Array, options: Options, command: Command): Promise<void> {
  const more = Object.keys(options).filter(
    (name) =>
      !['plan', 'planThreads', 'precision', 'output', 'json'].includes(name) &&
      command.getOptionValueSource(name) === 'cli',
  )
  if (more.length)
    throw new DynedgeError(
      'usage',
      `${path} is packed already; with --plan it takes only --plan-threads and --output, got ${more.join(', ')}.`,
    )
  const { metadata } = headerOf(bundle)
  const planned = addPrograms(bundle, options.plan!, { threads: options.planThreads })
  const output = options.output ?? `${basename(path).replace(/\.safetensors$/, '')}.planned.safetensors`
  await writeWhole(output, planned)
  const { parameters } = count(metadata.graph as unknown as Graph)
  const { network, precision } = metadata
  report(output, planned, { network, precision, parameters, source: bundle.length }, undefined, options.json)
}

function headerOf(bundle: Uint8Array) {
  return parseHeader(bundle.subarray(0, dataStartOf(bundle, 'bad-bundle')), bundle.length)
}

/** Calibration wants weights as they were trained. */
async function stateOf(bundle: string): Promise<Uint8Array> {
  const { bytes, precision } = await unpackedFile(bundle)
  if (precision === 'int8')
    throw new DynedgeError('usage', `${bundle} is an int8 bundle already; give the state dict, or the f32 bundle.`)
  return bytes
}

function inputSpec(options: Options, facts: Facts): InputSpec {
  const size = options.inputSize ?? facts.size ?? [224, 224]
  // The convention of ImageNet: 256 for 224.
  const shorterSide =
    options.shorterSide ??
    (options.inputSize ? undefined : facts.shorterSide) ??
    Math.round((Math.min(...size) * 8) / 7)
  const input: InputSpec = {
    channels: 3,
    mean: options.mean ?? facts.mean ?? [0.485, 0.456, 0.406],
    std: options.std ?? facts.std ?? [0.229, 0.224, 0.225],
    size,
    shorterSide,
    resampling: 'bilinear',
  }
  checkInputSpec(input)
  return input
}

function report(
  output: string,
  bundle: Uint8Array,
  about: { network: string; precision: string; parameters: number; source: number },
  quantization?: JsonObject,
  json = false,
): void {
  const header = LENGTH_BYTES + new DataView(bundle.buffer, bundle.byteOffset).getUint32(0, true)
  const data = bundle.subarray(header)
  const { network, precision, parameters, source } = about
  const integrity = `sha256-${sha256Of(data, 'base64')}`
  if (json) {
    printJson({
      output,
      network,
      precision,
      parameters,
      bytes: { file: bundle.length, header, data: data.length, source },
      integrity,
      ...(quantization && { quantization }),
    })
    return
  }
  const lines = [
    ['written', `${output}: ${network} ${precision}`],
    [
      'size',
      `${byteSize(bundle.length)} (header ${byteSize(header)}, weights ${byteSize(data.length)}) from ${byteSize(source)}`,
    ],
    ['parameters', counted(parameters)],
    ['integrity', integrity],
  ]
  for (const line of columns(lines)) print(line)
}
