import type { Graph } from '../graph/graph.ts'
import { isInteger } from '../graph/integer.ts'
import type { StateDict } from '../graph/parameters.ts'
import { foldLayer } from '../pack/fold.ts'
import { packIntegerLayer } from '../pack/pack-int8.ts'
import { weightLayouts } from '../plan/weights.ts'
import { beforeSigmoid, resultOf, type Seen } from './collect.ts'
import { type Layer, layersOf, offsetsOf } from './folded.ts'
import type { Runner } from './runner.ts'

/** Where an activation cuts more off than this leaves, the mean of the rest says little about what came before it. */
const LEAST_ACTIVE = 0.3
/** Of all arenas together; beyond, fewer pictures. */
const MEMORY = 256 * 2 ** 20

/**
 * Bias correction: gives each integer layer the mean result per channel that the float32 network has, one layer after the other, each on
 * the results of the corrected ones before it. All pictures go through a layer before the next one begins; their arenas are kept meanwhile.
 *
 * Changes the biases in `folded` (BN is the identity there) and the weights in the memory of `integer`.
 */
export function correctBiases(
  integer: Runner,
  folded: StateDict,
  seen: ReadonlyMap<string, Seen>,
  pictures: readonly Float32Array[],
  onLayer?: () => void,
): void {
  const { graph, plan, engine } = integer
  const arena = () => new Uint8Array(engine.backend.memory.buffer, engine.places.arena, plan.arenaBytes)
  const count = Math.min(pictures.length, Math.max(1, Math.floor(MEMORY / plan.arenaBytes)))
  const arenas = Array.from({ length: count }, (_, i) => {
    integer.write(pictures[Math.floor((i * pictures.length) / count)])
    return arena().slice()
  })
  let from = 0
  const forEachArena = (to: number, visit: (saved: Uint8Array) => void) => {
    for (const saved of arenas) {
      arena().set(saved)
      for (let step = from; step < to; ++step) integer.step(step)
      visit(saved)
    }
  }
  for (const node of layersOf(graph)) {
    const offsets = offsetsOf(node, folded)
    const { tensor, channelOf } = resultOf(graph, node)
    const wanted = seen.get(tensor)
    const last = integer.lastWriter(tensor)
    if (offsets && wanted && last !== undefined && isInteger(graph, node)) {
      const got = new Float64Array(wanted.means.length)
      forEachArena(last + 1, () => addMeans(got, integer.read(tensor), node))
      const mean = (channel: number) => got[channel] / arenas.length
      offsets.forEach((offset, channel) => {
        const at = channelOf(channel)
        offsets[channel] = offset + (wanted.means[at] - mean(at)) / Math.max(LEAST_ACTIVE, wanted.active[at])
      })
      repack(integer, node, graph, folded)
      forEachArena(last + 1, (saved) => saved.set(arena()))
      from = last + 1
    }
    onLayer?.()
  }
}

function addMeans(means: Float64Array, values: Float32Array, node: Layer): void {
  if (node.op === 'coefficients') beforeSigmoid(values)
  const channels = means.length
  const part = channels / values.length
  for (let i = 0, channel = 0; i < values.length; ++i) {
    means[channel] += values[i] * part
    if (++channel === channels) channel = 0
  }
}

function repack(integer: Runner, node: Layer, graph: Graph, folded: StateDict): void {
  const layout = weightLayouts(graph).find((each) => each.node === node)!
  for (const { name, data } of packIntegerLayer(graph, layout, foldLayer(node, folded)))
    integer.writeWeights(name, data)
}
