import type { Command } from 'commander'
import type { BundleHeader, JsonObject } from '../bundle/header.ts'
import type { Graph } from '../graph/graph.ts'
import { checkHeader } from '../load.ts'
import { inBands } from '../plan/bands.ts'
import { type Plan, planNetwork } from '../plan/plan.ts'
import type { Precision } from '../plan/weights.ts'
import { openBundle } from './bundle.ts'
import { showSummary } from './calibrate-table.ts'
import { layerKinds, tensorRanges } from './contents.ts'
import { Exit } from './exit.ts'
import { parseSize } from './options.ts'
import { byteSize, columns, complain, percent, print, printJson } from './output.ts'

interface Options {
  plan?: [height: number, width: number]
  json?: boolean
}

export function inspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('show what is in a bundle and verify its checksums')
    .argument('<bundle>', 'path or URL, or name of a network of dynedge-models')
    .option('--plan <size>', 'also the steps of the program for this input size, N or HEIGHTxWIDTH', parseSize)
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit code 1 when a checksum differs.')
    .action(inspect)
}

async function inspect(path: string, options: Options): Promise<void> {
  const { header, damaged, sha256 } = await openBundle(path)
  const graph = checkHeader(header)
  const { precision } = header.metadata
  const plan =
    options.plan &&
    planNetwork(graph, precision as Precision, header.tensors, header.dataBytes, ...options.plan, {
      bands: graph.kernels ? undefined : inBands,
    })
  const steps = plan && describeSteps(plan)
  if (options.json) {
    const planned = plan && {
      size: options.plan,
      arena_bytes: plan.arenaBytes,
      program_bytes: plan.program.length,
      steps,
    }
    printJson({
      file: path,
      ...describe(header, graph),
      checksums: { crc32c: damaged.length === 0, sha256, damaged },
      ...(planned && { plan: planned }),
    })
  } else {
    showHeader(path, header, graph)
    print(
      `\nchecksums   CRC32C of ${header.tensors.size} tensors ${damaged.length ? `wrong in ${damaged.length}` : 'right'}, SHA-256 ${sha256 ? 'right' : 'wrong'}`,
    )
    if (plan) showPlan(plan, steps!)
  }
  if (damaged.length === 0 && sha256) return
  complain(
    `${path} is damaged: ${damaged.length ? damaged.slice(0, 3).join(', ') : 'SHA-256 of the data'}${damaged.length > 3 ? ', …' : ''}; fetch it again`,
  )
  throw new Exit(1)
}

function describe(header: BundleHeader, graph: Graph) {
  const { metadata, tensors, dataStart, dataBytes } = header
  const { format, layout, network, precision, input, labels, quantization, provenance, licence, sha256, weightBytes } =
    metadata
  return {
    format,
    layout,
    network,
    precision,
    width: graph.width,
    classes: graph.classes,
    kernels: graph.kernels,
    input,
    labels,
    quantization,
    ...(graph.quantization && { ranges: tensorRanges(graph) }),
    provenance,
    licence,
    sha256,
    bytes: { file: dataStart + dataBytes, header: dataStart, data: dataBytes, weights: weightBytes },
    kinds: layerKinds(graph, header),
    tensors: [...tensors.values()].map(({ name, dtype, shape, offset, bytes }) => ({
      name,
      dtype,
      elements: shape[0],
      offset,
      bytes,
    })),
  }
}

function showHeader(path: string, header: BundleHeader, graph: Graph): void {
  const { metadata, tensors, dataStart, dataBytes } = header
  const { network, precision, input, labels, quantization, provenance, licence, format, layout } = metadata
  const lines = [
    [
      'file',
      `${path}, ${byteSize(dataStart + dataBytes)}: header ${byteSize(dataStart)}, weights ${byteSize(dataBytes)}`,
    ],
    [
      'network',
      `${network} ${precision}, width ${graph.width}, ${graph.classes} classes${graph.kernels ? `, g_t ${graph.kernels}` : ''}`,
    ],
    ['quantization', quantization ? facts(quantization) : 'none'],
    ['format', `${format}, weight layout ${layout}`],
    ['input', JSON.stringify(input)],
    ['labels', labels ? `${labels.slice(0, 10).join(', ')}${labels.length > 10 ? ', …' : ''}` : 'none'],
    ['provenance', JSON.stringify(provenance)],
    ['licence', licence ?? 'not stated'],
    ['sha256', metadata.sha256],
  ]
  for (const line of columns(lines)) print(line)
  showKinds(header, graph)
  if (graph.quantization) showRanges(graph, quantization ?? {})
  print()
  const rows = [...tensors.values()].map(({ name, dtype, shape, offset, bytes }) => [
    name,
    dtype,
    `${shape[0]}`,
    `${offset}`,
    `${bytes}`,
  ])
  for (const line of columns([['tensor', 'dtype', 'values', 'offset', 'bytes'], ...rows], new Set([2, 3, 4])))
    print(line)
}

/** What of the quantization is said in a word. */
function facts(quantization: JsonObject): string {
  const said = Object.entries(quantization).filter(([key]) => key !== 'noise')
  const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  return said.map(([key, value]) => `${key.replaceAll('_', ' ')}: ${shown(value)}`).join('; ')
}

function showKinds(header: BundleHeader, graph: Graph): void {
  const rows = layerKinds(graph, header).map(({ kind, layers, dtype, bytes }) => [
    kind,
    `${layers}`,
    dtype,
    byteSize(bytes.weights),
    byteSize(bytes.others),
    percent((bytes.weights + bytes.others) / header.dataBytes),
  ])
  print()
  const head = ['kind of layer', 'layers', 'dtype', 'weights', 'biases, scales', 'share']
  for (const line of columns([head, ...rows], new Set([1, 3, 4, 5]))) print(line)
}

function showRanges(graph: Graph, quantization: JsonObject): void {
  const bits = [...new Set(tensorRanges(graph).map((range) => range.bits))].join(' and ')
  print(`\nTensors of integers, ${bits} bits`)
  showSummary(graph, quantization)
}

function describeSteps({ steps, tensors, pictures }: Plan) {
  const arena = new Map(tensors.filter(({ base }) => base === 'arena').map((tensor) => [tensor.name, tensor]))
  const place = (name?: string) => {
    if (!name) return null
    const shape = pictures.get(name)?.shape
    return {
      tensor: name,
      shape: shape ? [shape.height, shape.width, shape.channels] : null,
      arena_offset: arena.get(name)?.offset ?? null,
      bytes: arena.get(name)?.bytes ?? null,
    }
  }
  return steps.map((step) => ({
    step: step.label,
    kernel: step.kernel.name,
    input: place(step.operands.In),
    output: place(step.operands.Out),
    multiply_adds: step.multiplyAdds,
  }))
}

function showPlan(plan: Plan, steps: ReturnType<typeof describeSteps>): void {
  const { height, width, arenaBytes, program } = plan
  print(
    `\nplan for ${height}x${width}: ${steps.length} steps, arena ${byteSize(arenaBytes)}, program ${byteSize(program.length)}\n`,
  )
  const cell = (place: (typeof steps)[number]['input']) => [
    place?.shape?.join('x') ?? '',
    place?.arena_offset === undefined || place.arena_offset === null ? '' : `${place.arena_offset}`,
  ]
  const rows = steps.map(({ step, kernel, input, output, multiply_adds }, index) => [
    `${index}`,
    step,
    kernel,
    ...cell(input),
    ...cell(output),
    `${multiply_adds}`,
  ])
  const head = ['', 'step', 'kernel', 'input', 'at', 'output', 'at', 'multiply-adds']
  for (const line of columns([head, ...rows], new Set([0, 3, 4, 5, 6, 7]))) print(line)
}
