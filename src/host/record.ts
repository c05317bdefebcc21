import { PROGRAM_VERSION } from '../../assembly/program/format.ts'
import { crc32c } from '../bundle/checksum.ts'
import { type BundleMetadata, type BundleTensor, WEIGHT_LAYOUT } from '../bundle/header.ts'
import type { Graph } from '../graph/graph.ts'
import type { InputSpec } from '../image/spec.ts'
import { pixelAt, pixelBytes, rowBytes } from '../plan/pictures.ts'
import type { PlacedPicture, Plan } from '../plan/plan.ts'
import {
  HOST_MAGIC,
  HOST_OUTPUT_WORDS,
  HOST_PLACE_WORDS,
  HOST_TENSOR_WORDS,
  HOST_VERSION,
  HostProgram,
  HostWord,
} from './format.ts'

/** A plan, and where its program lies in the data section. */
export interface PlacedProgram {
  plan: Plan
  offset: number
}

/** The host record of a bundle; equal input gives equal bytes. */
export function hostRecord(
  graph: Graph,
  metadata: BundleMetadata,
  weights: readonly BundleTensor[],
  programs: readonly PlacedProgram[],
): Uint8Array {
  const record = new Writer()
  const outputs = Object.entries(graph.outputs)
  const [{ plan: first }] = programs
  const input = first.pictures.get(graph.input)!
  const spec = metadata.input as unknown as InputSpec
  const labels = metadata.labels ?? []
  const at = record.take(HostWord.Words)
  const tensorsAt = record.take(weights.length * HOST_TENSOR_WORDS)
  const programsAt = record.take(programs.length * HostProgram.Words)
  const outputsAt = record.take(outputs.length * HOST_OUTPUT_WORDS)
  const labelsAt = record.take(labels.length)
  weights.forEach(({ name, offset, bytes, crc32c }, index) => {
    record.put(tensorsAt + index * HOST_TENSOR_WORDS * 4, [offset, bytes, crc32c, record.text(name)])
  })
  programs.forEach((program, index) => {
    record.put(programsAt + index * HostProgram.Words * 4, programWords(record, graph, program))
  })
  outputs.forEach(([name, tensor], index) => {
    const { bytes, shape, lanes } = first.pictures.get(tensor)!
    const lanesAt = record.take(lanes.length)
    record.put(lanesAt, [...lanes])
    const words = [record.text(name), bytes, shape.channels, lanes.length, lanesAt]
    record.put(outputsAt + index * HOST_OUTPUT_WORDS * 4, words)
  })
  record.put(
    labelsAt,
    labels.map((label) => record.text(label)),
  )
  const { quantization } = input
  const names = [record.text(metadata.network), record.text(metadata.precision)]
  const parts = [
    weights.length,
    tensorsAt,
    programs.length,
    programsAt,
    outputs.length,
    outputsAt,
    labels.length,
    labelsAt,
  ]
  const weightBytes = weights.reduce((sum, { bytes }) => sum + bytes, 0)
  record.put(at, [
    HOST_MAGIC,
    HOST_VERSION,
    PROGRAM_VERSION,
    WEIGHT_LAYOUT,
    record.bytes,
    weightBytes,
    ...parts,
    ...names,
  ])
  record.put(at + HostWord.Height * 4, [...spec.size, spec.shorterSide])
  record.putFloats(at + HostWord.Mean * 4, [...spec.mean, ...spec.std])
  record.put(at + HostWord.InputBytes * 4, [input.bytes])
  record.putFloats(at + HostWord.InputScale * 4, [quantization?.scale ?? 0])
  record.put(at + HostWord.InputZero * 4, [quantization?.zero ?? 0, quantization ? 2 ** quantization.bits - 1 : 0])
  return record.finish()
}

function programWords(record: Writer, graph: Graph, { plan, offset }: PlacedProgram): number[] {
  const { program, steps, pictures, arenaBytes } = plan
  const stepNamesAt = record.take(steps.length)
  record.put(
    stepNamesAt,
    steps.map(({ label }) => record.text(label)),
  )
  const tensors = Object.values(graph.outputs)
  const outputsAt = record.take(tensors.length * HOST_PLACE_WORDS)
  tensors.forEach((tensor, index) => {
    const picture = pictures.get(tensor)!
    const { height, width } = picture.shape
    record.put(outputsAt + index * HOST_PLACE_WORDS * 4, [...place(picture), height, width])
  })
  const about = [plan.height, plan.width, offset, program.length, crc32c(program), arenaBytes, steps.length]
  return [...about, stepNamesAt, ...place(pictures.get(graph.input)!), outputsAt]
}

function place(picture: PlacedPicture): [at: number, row: number, pixel: number] {
  return [picture.offset + pixelAt(picture, 0), rowBytes(picture), pixelBytes(picture)]
}

/** Words and texts at the end of what there is; a text that is there already stays one. */
class Writer {
  private view = new DataView(new ArrayBuffer(1 << 16))
  private readonly texts = new Map<string, number>()
  bytes = 0

  /** Room for so many words, zero; returns its offset. */
  take(words: number): number {
    const at = Math.ceil(this.bytes / 4) * 4
    this.reach(at + words * 4)
    return at
  }

  put(at: number, words: readonly number[]): void {
    words.forEach((word, index) => {
      this.view.setInt32(at + index * 4, word, true)
    })
  }

  putFloats(at: number, values: readonly number[]): void {
    values.forEach((value, index) => {
      this.view.setFloat32(at + index * 4, value, true)
    })
  }

  /** A zero byte inside would end it early: readers see it up to there. */
  text(value: string): number {
    const known = this.texts.get(value)
    if (known !== undefined) return known
    const bytes = new TextEncoder().encode(value)
    const at = this.bytes
    this.reach(at + bytes.length + 1)
    new Uint8Array(this.view.buffer).set(bytes, at)
    this.texts.set(value, at)
    return at
  }

  finish(): Uint8Array {
    return new Uint8Array(this.view.buffer, 0, this.bytes)
  }

  private reach(end: number): void {
    if (end > this.view.byteLength) {
      const larger = new Uint8Array(end * 2)
      larger.set(new Uint8Array(this.view.buffer, 0, this.bytes))
      this.view = new DataView(larger.buffer)
    }
    this.bytes = end
  }
}
