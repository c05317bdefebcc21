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

/** What a plan may do besides the plain one: a step for each operation, every tensor whole, in as little memory as that takes. */
export interface PlanOptions {
  /** Fused kernels lie in bytes of their own, and stand from run to run. */
  keep?: Keep
  /** Takes blocks apart into bands of rows. */
  bands?: Bands
  /** Steps may run beside each other, where `share` runs them. */
  threads?: boolean
}

/**
 * Plans a network for one input size: steps, arena, binary program. Pure: no memory, no module.
 * @throws DynedgeError `bad-input` when the picture is too small, `unsupported-op`, `bad-bundle` when a weight is missing
 */
export function planNetwork(
  graph: Graph,
  precision: Precision,
  weights: WeightPlaces,
  weightBytes: number,
  height: number,
  width: number,
  { keep, bands, threads }: PlanOptions = {},
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
  const groups = threads ? groupSteps(draft.steps, size) : draft.steps.map((_, index) => [index, index])
  for (const [first, last] of groups)
    for (const { operands } of draft.steps.slice(first, last + 1))
      for (const name of Object.values(operands)) {
        touch(name, first)
        touch(name, last)
      }
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
      ASSERT: if (!place)
        throw new DynedgeError('bad-bundle', `The bundle has no tensor ${name}, which ${step.label} reads.`)
      tensors.push({ name, base: 'weights', offset: place!.offset, bytes: place!.bytes })
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

/**
 * Consecutive steps of which none touches arena tensors of another, as first and last index: they may run at the same time, so their
 * tensors must live through all of them. A fusion streams from memory while the convolution before it computes.
 */
function groupSteps(
  steps: PlannedStep[],
  inArena: (name: string) => number | undefined,
): [first: number, last: number][] {
  const groups: [number, number][] = []
  const touched = new Set<string>()
  steps.forEach(({ kernel, operands, words }, index) => {
    const names = Object.values(operands).filter(inArena)
    // A border is no work, but the picture it belongs to is large: beside another large one they would need room for both.
    const small = kernel.does !== 'border' || steps[index - 1]?.kernel.does === 'fuse'
    const beside = index > 0 && small && !names.some((name) => touched.has(name))
    if (beside) {
      words.Beside = 1
      groups.at(-1)![1] = index
    } else {
      touched.clear()
      groups.push([index, index])
    }
    for (const name of names) touched.add(name)
  })
  return groups
}
