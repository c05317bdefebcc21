import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import { type Life, placeTensors } from './arena.ts'
import type { Bands } from './bands.ts'
import type { Keep } from './keep.ts'
import { type Picture, pictureBytes } from './pictures.ts'
import { encodeProgram, type PlacedTensor, type PlannedStep } from './program.ts'
import { draftSteps } from './steps.ts'
import type { Precision } from './weights.ts'

/** Where a bundle's weights lie: offset in the data section and bytes, by tensor name. */
export type WeightPlaces = ReadonlyMap<string, { offset: number; bytes: number }>

export interface PlacedPicture extends Picture {
  offset: number
}

export interface Plan {
  height: number
  width: number
  steps: PlannedStep[]
  tensors: PlacedTensor[]
  /** Pictures in the arena; offsets in bytes from its start. */
  pictures: Map<string, PlacedPicture>
  arenaBytes: number
  program: Uint8Array<ArrayBuffer>
  /** Does a run find kernels of the run before in the arena? Then the arena must begin as zeros, and nothing else write to it. */
  keeps: boolean
}

/**
 * Plans a network for one input size: steps, arena, binary program. Pure: no memory, no module. With `keep`, fused kernels lie in bytes
 * of their own, and stand from run to run. `bands` may take blocks apart into bands of
 * rows; without it every tensor is whole.
 * @throws DynedgeError `bad-input` when the picture is too small, `unsupported-op`, `bad-bundle` when a weight is missing
 */
export function planNetwork(
  graph: Graph,
  precision: Precision,
  weights: WeightPlaces,
  weightBytes: number,
  height: number,
  width: number,
  keep?: Keep,
  bands?: Bands,
): Plan {
  const draft = draftSteps(graph, precision, height, width)
  bands?.(draft, graph, pictureBytes)
  const lives = new Map<string, Life>()
  const size = (name: string) => {
    const picture = draft.pictures.get(name)
    return picture ? pictureBytes(picture) : draft.scratch.get(name)
  }
  const touch = (name: string, step: number) => {
    const bytes = size(name)
    if (bytes === undefined) return
    const life = lives.get(name)
    if (!life) lives.set(name, { bytes, first: step, last: step })
    else life.last = Math.max(life.last, step)
  }
  const lasting = keep?.adapt(draft) ?? []
  for (const name of lasting) touch(name, 0)
  // The host writes the picture before the first step, around its border, and reads the outputs after the last.
  touch(graph.input, 0)
  draft.steps.forEach((step, index) => {
    for (const name of Object.values(step.operands)) touch(name, index)
  })
  for (const tensor of [...lasting, ...Object.values(graph.outputs)]) touch(tensor, draft.steps.length)
  const names = [...lives.keys()]
  const arena = placeTensors([...lives.values()])
  const tensors: PlacedTensor[] = names.map((name, index) => ({
    name,
    base: 'arena',
    offset: arena.offsets[index],
    bytes: lives.get(name)!.bytes,
  }))
  const known = new Set(names)
  for (const step of draft.steps)
    for (const name of Object.values(step.operands)) {
      if (known.has(name)) continue
      const place = weights.get(name)
      if (!place) throw new DynedgeError('bad-bundle', `The bundle has no tensor ${name}, which ${step.label} reads.`)
      tensors.push({ name, base: 'weights', offset: place.offset, bytes: place.bytes })
      known.add(name)
    }
  const pictures = new Map<string, PlacedPicture>()
  names.forEach((name, index) => {
    const picture = draft.pictures.get(name)
    if (picture) pictures.set(name, { ...picture, offset: arena.offsets[index] })
  })
  const program = encodeProgram(draft.steps, tensors, weightBytes, arena.bytes)
  const keeps = lasting.length > 0
  return { height, width, steps: draft.steps, tensors, pictures, arenaBytes: arena.bytes, program, keeps }
}
