import type { Command } from 'commander'
import { writeStateDict } from '../bundle/safetensors.ts'
import { DynedgeError } from '../errors.ts'
import type { InputSpec } from '../image/spec.ts'
import { checkHeader } from '../load.ts'
import { unpackWeights } from '../pack/unpack.ts'
import type { Precision } from '../plan/weights.ts'
import { openBundle } from './bundle.ts'
import { writeWhole } from './files.ts'
import { byteSize, print, printJson } from './output.ts'

export function unpackCommand(program: Command): void {
  program
    .command('unpack')
    .description('write the weights of a bundle, dequantized, as a state dict in PyTorch naming')
    .argument('<bundle>', 'path or URL, or name of a network of dynedge-models')
    .requiredOption('-o, --output <file>', 'safetensors file to write')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nBatch norm was folded when packing: here it is the identity, with the folded bias as its beta.',
    )
    .action(unpack)
}

async function unpack(path: string, options: { output: string; json?: boolean }): Promise<void> {
  const { bytes, network, precision, tensors } = await unpackedFile(path)
  await writeWhole(options.output, bytes)
  if (options.json) printJson({ output: options.output, network, precision, tensors, bytes: bytes.length })
  else print(`${options.output}: ${tensors} tensors, ${byteSize(bytes.length)}, from ${network} ${precision}`)
}

/** The state dict of a bundle as a safetensors file, with what the bundle says of its network in the metadata. */
export async function unpackedFile(
  path: string,
): Promise<{ bytes: Uint8Array; network: string; precision: Precision; tensors: number }> {
  const { header, data, damaged, sha256 } = await openBundle(path)
  if (damaged.length || !sha256)
    throw new DynedgeError(
      'damaged-bundle',
      `${path} is damaged: ${damaged[0] ?? 'SHA-256 of the data'}; fetch it again`,
    )
  const graph = checkHeader(header)
  const { network, labels } = header.metadata
  const precision = header.metadata.precision as Precision
  const state = unpackWeights(graph, precision, (name, dtype) => {
    const { offset, bytes } = header.tensors.get(name)!
    const copy = data.slice(offset, offset + bytes).buffer
    return new { F32: Float32Array, I8: Int8Array, I32: Int32Array }[dtype](copy)
  })
  const input = header.metadata.input as unknown as InputSpec
  // What `pack` and models/dynedge_torch read back.
  const facts: Record<string, string> = {
    network: graph.network,
    width: String(graph.width),
    classes: String(graph.classes),
    g: String(graph.kernels),
    name: network,
    input_size: input.size[0] === input.size[1] ? String(input.size[0]) : JSON.stringify(input.size),
    shorter_side: String(input.shorterSide),
    mean: JSON.stringify(input.mean),
    std: JSON.stringify(input.std),
    unpacked_from: precision,
  }
  if (labels) facts.labels = JSON.stringify(labels)
  if (header.metadata.licence) facts.licence = header.metadata.licence
  const tensors = [...state].map(([name, { shape, data }]) => ({ name, shape, data }))
  return { bytes: writeStateDict(tensors, facts), network, precision, tensors: tensors.length }
}
