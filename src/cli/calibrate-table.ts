import type { JsonObject } from '../bundle/header.ts'
import type { Measured } from '../calibrate/measure.ts'
import type { Graph } from '../graph/graph.ts'
import { columns, percent, print } from './output.ts'

/** [decibels, worst channel, its decibels]; null where nothing differs, or the tensor is always zero. */
type Ratio = [number | null, number | null, number | null]

/**
 * What an int8 bundle says under `quantization`, compactly: ranges themselves are in its graph. `noise`: of each tensor the ratio of signal
 * to quantization noise and the channel where it is lowest.
 */
export function summaryOf(graph: Graph, how: JsonObject, measured?: Measured): JsonObject {
  const summary: JsonObject = {
    weights: 'int8, symmetric, one float32 scale per output channel and fixed kernel',
    arithmetic: 'int8',
    ...how,
  }
  if (!measured) return summary
  const { agreeing, pictures, noise } = measured
  if (agreeing !== undefined) summary.agreement = Number((agreeing / pictures).toFixed(4))
  const order = [graph.input, ...graph.nodes.map(({ output }) => output)]
  summary.noise = Object.fromEntries(
    order.flatMap((tensor): [string, Ratio][] => {
      const about = noise.get(tensor)
      if (!about) return []
      const { worst } = about
      return [[tensor, [tenths(about.decibels), worst?.channel ?? null, worst ? tenths(worst.decibels) : null]]]
    }),
  )
  return summary
}

function tenths(decibels: number): number | null {
  return Number.isFinite(decibels) ? Number(decibels.toFixed(1)) : null
}

/** Prints every tensor's range and, where pictures were measured, its ratio of signal to noise; then the agreement. */
export function showSummary(graph: Graph, summary: JsonObject): void {
  const noise = (summary.noise ?? {}) as Record<string, Ratio>
  const { quantization = {} } = graph
  const decibels = (value: number | null | undefined) => (typeof value === 'number' ? `${value.toFixed(1)} dB` : '-')
  const rows = [graph.input, ...graph.nodes.map(({ output }) => output)].flatMap((tensor) => {
    const stored = Object.hasOwn(quantization, tensor) ? quantization[tensor] : undefined
    const ratio = noise[tensor]
    if (!stored && !ratio) return []
    const range = stored
      ? [
          (-stored.zero * stored.scale).toPrecision(4),
          ((2 ** stored.bits - 1 - stored.zero) * stored.scale).toPrecision(4),
          stored.scale.toPrecision(4),
          `${stored.zero}`,
        ]
      : ['f32', '', '', '']
    const worst = ratio && ratio[1] !== null ? `${ratio[1]}: ${decibels(ratio[2])}` : ''
    return [[tensor, ...range, ...(summary.noise ? [decibels(ratio?.[0]), worst] : [])]]
  })
  const head = ['tensor', 'from', 'to', 'scale', 'zero', ...(summary.noise ? ['signal : noise', 'worst channel'] : [])]
  for (const line of columns([head, ...rows], new Set([1, 2, 3, 4, 5, 6]))) print(line)
  print()
  if (typeof summary.agreement === 'number')
    print(`Same answer as f32: ${percent(summary.agreement)} of ${summary.images} pictures`)
  else if (!summary.noise) print('Ranges from training. Not measured on pictures: dynedge compare does that.')
}
