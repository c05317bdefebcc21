import type { DynedgeError } from '../errors.ts'
import type { Engine } from '../runtime/engine.ts'
import type { Draft } from './steps.ts'

// Kernels that stand from one frame of a stream to the next. A page fetches this file when it is asked for; an import of anything
// but types would break what every page fetches into two files.

/** Keeps fused kernels between the runs of a plan; assembly/dynamic/kept.ts says when. */
export interface Keep {
  /** Lets the fusions of `draft` keep kernels. Returns the tensors whose bytes must last from run to run. */
  adapt(draft: Draft): string[]
  /** Of all weights of fused kernels, the share that the last run kept: 0 to 1. */
  share(engine: Engine): number
}

/** State of four lanes after a run that kept them. */
const KEPT = 2

/** `tolerance`: how far each coefficient may lie from the one that its kernel was fused from. Throws `bad-input`. */
export function keepKernels(tolerance: number, Failure: typeof DynedgeError): Keep {
  if (!(tolerance >= 0)) throw new Failure('bad-input', `keepKernels is ${tolerance}, expected a number from 0 on.`)
  return { adapt: (draft) => adapt(draft, tolerance), share }
}

function adapt({ steps, scratch }: Draft, tolerance: number): string[] {
  const lasting: string[] = []
  for (const step of steps) {
    const { operands, words } = step
    if (step.kernel.does !== 'fuse') continue
    const kept = `${step.label}.kept`
    // Integers have no coefficients for padding lanes.
    const coefficients = (words.Lanes! - bitsOf(words.Holes ?? 0)) * words.Group!
    scratch.set(kept, words.Lanes! + 4 * coefficients)
    operands.Kept = kept
    words.Keeps = 1
    step.floats = { ...step.floats, Tolerance: tolerance }
    lasting.push(kept, operands.Out!, operands.Side!)
    if (operands.Factors) lasting.push(operands.Factors)
  }
  return lasting
}

function share({ current, backend, places }: Engine): number {
  let [kept, all] = [0, 0]
  const offsets = new Map(current?.tensors.map(({ name, offset }) => [name, offset]))
  for (const { operands, words, multiplyAdds } of current?.steps ?? []) {
    if (!operands.Kept) continue
    const fours = words.Lanes! / 4
    const states = new Uint32Array(backend.memory.buffer, places.arena + offsets.get(operands.Kept)!, fours)
    kept += (multiplyAdds * states.filter((state) => state === KEPT).length) / fours
    all += multiplyAdds
  }
  return all && kept / all
}

function bitsOf(word: number): number {
  return word ? (word & 1) + bitsOf(word >>> 1) : 0
}
