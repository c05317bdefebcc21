import { DynedgeError } from '../errors.ts'
import type { Graph } from '../graph/graph.ts'
import type { Range, Ranges, StoredRange } from '../pack/quantize-graph.ts'

/** Metadata key of a state dict: JSON {tensor: {low, high} or {scale, zero} or all four}, from quantization-aware training. */
export const RANGES_KEY = 'quantization_ranges'

/**
 * Ranges that training left for the tensors of `graph`.
 * @throws DynedgeError `bad-model` for text that is no such JSON, or names a tensor that the network lacks; `usage` for another number of bits
 */
export function rangesIn(metadata: ReadonlyMap<string, string>, graph: Graph, bits: 7 | 8): Ranges {
  const tensors = new Set([graph.input, ...graph.nodes.map(({ output }) => output)])
  const ranges = new Map<string, Range | StoredRange>()
  for (const [tensor, value] of Object.entries(parsed(metadata.get(RANGES_KEY)!))) {
    if (!tensors.has(tensor)) throw bad(`names ${tensor}, which ${graph.network} lacks`)
    ranges.set(tensor, rangeOf(tensor, value, bits))
  }
  return ranges
}

function parsed(text: string): Record<string, unknown> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw bad(`is ${JSON.stringify(text.slice(0, 60))}, expected JSON`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw bad('is no JSON object of tensors')
  return json as Record<string, unknown>
}

function rangeOf(tensor: string, value: unknown, bits: 7 | 8): Range | StoredRange {
  const { low, high, scale, zero } = (value ?? {}) as Partial<Record<'low' | 'high' | 'scale' | 'zero', unknown>>
  const ends = typeof low === 'number' && typeof high === 'number' ? { low, high } : undefined
  if (typeof scale === 'number' && typeof zero === 'number') {
    const steps = ends ? Math.round((ends.high - ends.low) / scale) : 2 ** bits - 1
    if (steps !== 2 ** bits - 1)
      throw new DynedgeError(
        'usage',
        `${tensor} was trained with ${steps + 1} levels, --activation-bits ${bits} has ${2 ** bits}; they must be the same.`,
      )
    return { scale, zero }
  }
  if (ends) return ends
  throw bad(`has ${JSON.stringify(value)?.slice(0, 60)} for ${tensor}, expected {low, high} or {scale, zero}`)
}

function bad(what: string): DynedgeError {
  return new DynedgeError('bad-model', `The metadata of the weights: ${RANGES_KEY} ${what}.`)
}
