import { DynedgeError } from '../errors.ts'
import type { Graph, Node } from '../graph/graph.ts'
import type { Range } from '../pack/quantize-graph.ts'
import { Histogram } from './histogram.ts'
import { type Observer, observed } from './observers.ts'
import type { Runner } from './runner.ts'

/** What a tensor was like over all pictures; channels of all pixels together. */
export interface Seen {
  histogram: Histogram
  /** Largest absolute value of each channel, and of each picture. */
  reaches: Float64Array
  pictureReaches: number[]
  /** Mean of each channel; of coefficients, of what goes into their sigmoid. */
  means: Float64Array
  /** Share of a channel's values that its activation did not cut off. */
  active: Float64Array
}

/** Runs the float32 network over `pictures`: a look at every tensor that is made whole (right halves of shuffles are not). */
export function collect(runner: Runner, pictures: readonly Float32Array[], onPicture?: () => void): Map<string, Seen> {
  const { graph } = runner
  const makers = new Map(graph.nodes.map((node) => [node.output, node]))
  const wanted = comparable(graph)
  const seen = new Map<string, Seen>()
  for (const picture of pictures) {
    runner.run(picture, (tensor) => {
      if (!wanted.has(tensor)) return
      const maker = makers.get(tensor)
      const values = runner.read(tensor)
      const { channels } = runner.plan.pictures.get(tensor)!.shape
      const about = seen.get(tensor) ?? emptySeen(channels)
      seen.set(tensor, about)
      about.histogram.add(values)
      about.pictureReaches.push(reachOf(values))
      if (maker?.op === 'coefficients') beforeSigmoid(values)
      addChannels(about, values, maker)
    })
    onPicture?.()
  }
  for (const { histogram, means, active } of seen.values())
    for (const sums of [means, active])
      sums.forEach((sum, i) => {
        sums[i] = (sum * means.length) / histogram.total
      })
  return seen
}

/** Tensors that a network has in float32 and in integers: not pooled means, which differ in scale, nor probabilities. */
export function comparable(graph: Graph): Set<string> {
  const made = graph.nodes.filter(({ op }) => op !== 'globalpool' && op !== 'softmax')
  return new Set([graph.input, ...made.map(({ output }) => output)])
}

function reachOf(values: Float32Array): number {
  let reach = 0
  for (let i = 0; i < values.length; ++i) {
    if (values[i] > reach) reach = values[i]
    else if (-values[i] > reach) reach = -values[i]
  }
  return reach
}

/** A tensor that a picture drives this much farther than half of the pictures do. */
const RUNAWAY = 10
const MOST_RUNAWAYS = 0.1

/**
 * Numbers of the pictures on which the float32 network runs away: networks with relu and dynamic kernels do so on odd ones (Dy-shuffle on
 * one in some hundred: 20,000 where others have 10). A range for them would leave nothing for the others. None, where they are not few.
 */
export function runaways(seen: ReadonlyMap<string, Seen>): Set<number> {
  const found = new Set<number>()
  let pictures = 0
  for (const { pictureReaches } of seen.values()) {
    pictures = pictureReaches.length
    const median = [...pictureReaches].sort((a, b) => a - b)[pictures >> 1]
    pictureReaches.forEach((reach, picture) => {
      if (median > 0 && reach > RUNAWAY * median) found.add(picture)
    })
  }
  return found.size <= pictures * MOST_RUNAWAYS ? found : new Set()
}

function emptySeen(channels: number): Seen {
  const values = () => new Float64Array(channels)
  return { histogram: new Histogram(), reaches: values(), pictureReaches: [], means: values(), active: values() }
}

function addChannels({ reaches, means, active }: Seen, values: Float32Array, maker?: Node): void {
  const channels = reaches.length
  const activation = maker?.op === 'conv' ? maker.activation : 'none'
  const low = activation === 'none' ? Number.NEGATIVE_INFINITY : 0
  const high = activation === 'relu6' ? 6 : Number.POSITIVE_INFINITY
  for (let i = 0, channel = 0; i < values.length; ++i) {
    const value = values[i]
    means[channel] += value
    if (value > low && value < high) ++active[channel]
    if (value > reaches[channel]) reaches[channel] = value
    else if (-value > reaches[channel]) reaches[channel] = -value
    if (++channel === channels) channel = 0
  }
}

/** A coefficient of 0 or 1 comes from no number. */
const SURE = 1e-4

/** In place: what a sigmoid made into `values`. */
export function beforeSigmoid(values: Float32Array): void {
  for (let i = 0; i < values.length; ++i) {
    const value = Math.min(Math.max(values[i], SURE), 1 - SURE)
    values[i] = Math.log(value / (1 - value))
  }
}

/**
 * A range for each group of tensors that share one.
 * @throws DynedgeError `bad-model` where a value was not finite
 */
export function chooseRanges(
  groups: readonly (readonly string[])[],
  seen: ReadonlyMap<string, Seen>,
  observer: Observer,
  top: number,
): Map<string, Range> {
  const ranges = new Map<string, Range>()
  for (const group of groups) {
    const histogram = new Histogram()
    for (const tensor of group) {
      const about = seen.get(tensor)
      if (about) histogram.merge(about.histogram)
    }
    if (histogram.broken)
      throw new DynedgeError(
        'bad-model',
        `The f32 network makes values in ${group[0]} that are not finite; its weights are damaged, or it overflows.`,
      )
    const range = observed(observer, histogram, top)
    for (const tensor of group) ranges.set(tensor, range)
  }
  return ranges
}

/** The tensor that a layer's result lies in, and the channel of it that each of its own channels is. */
export function resultOf(graph: Graph, node: Node): { tensor: string; channelOf(channel: number): number } {
  const shuffle = graph.nodes.find((other) => other.op === 'shuffle' && other.right.tensor === node.output)
  if (shuffle?.op !== 'shuffle') return { tensor: node.output, channelOf: (channel) => channel }
  const { left, right, groups, output } = shuffle
  const depth = (left.channels + right.channels) / groups
  return {
    tensor: output,
    channelOf: (channel) => {
      const joined = left.channels + channel
      return (joined % depth) * groups + Math.floor(joined / depth)
    },
  }
}
