import type { Graph } from '../graph/graph.ts'
import { comparable } from './collect.ts'
import type { Runner } from './runner.ts'

/** How far the integers of a tensor are from the float32 values, over all pictures. */
export interface Noise {
  /** Signal to quantization noise, 10 log10 of the ratio of squares; Infinity where there is no difference. */
  decibels: number
  /** The channel with the lowest ratio of those that matter: with a thousandth of the mean power or more; undefined where all are 0. */
  worst?: { channel: number; decibels: number }
}

export interface Measured {
  noise: Map<string, Noise>
  pictures: number
  /** Pictures for which both networks have the same best class; undefined without logits. */
  agreeing?: number
}

/** Runs both networks over `pictures` and compares the tensors that both make, and their answers. */
export function measure(
  float: Runner,
  integer: Runner,
  pictures: readonly Float32Array[],
  onPicture?: () => void,
): Measured {
  const powers = new Map<string, { signal: Float64Array; noise: Float64Array }>()
  const answer = answerOf(float.graph)
  const wanted = comparable(float.graph)
  let agreeing = 0
  for (const picture of pictures) {
    const exact = new Map<string, Float32Array>()
    float.run(picture, (tensor) => {
      if (wanted.has(tensor)) exact.set(tensor, float.read(tensor))
    })
    integer.run(picture, (tensor) => {
      const values = exact.get(tensor)
      if (!values) return
      const got = integer.read(tensor)
      if (tensor === answer && best(got) === best(values)) ++agreeing
      const { channels } = integer.plan.pictures.get(tensor)!.shape
      const power = powers.get(tensor) ?? { signal: new Float64Array(channels), noise: new Float64Array(channels) }
      powers.set(tensor, power)
      for (let i = 0, channel = 0; i < got.length; ++i) {
        const error = got[i] - values[i]
        power.signal[channel] += values[i] * values[i]
        power.noise[channel] += error * error
        if (++channel === channels) channel = 0
      }
    })
    onPicture?.()
  }
  const noise = new Map([...powers].map(([tensor, power]) => [tensor, noiseOf(power)]))
  return { noise, pictures: pictures.length, ...(answer && { agreeing }) }
}

const FAINT = 1e-3

function noiseOf({ signal, noise }: { signal: Float64Array; noise: Float64Array }): Noise {
  const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)
  const least = (sum(signal) / signal.length) * FAINT
  let worst: Noise['worst']
  signal.forEach((power, channel) => {
    if (power === 0 || power < least) return
    const decibels = decibelsOf(power, noise[channel])
    if (!worst || decibels < worst.decibels) worst = { channel, decibels }
  })
  return { decibels: decibelsOf(sum(signal), sum(noise)), ...(worst && { worst }) }
}

function decibelsOf(signal: number, noise: number): number {
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise)
}

/** The tensor whose largest value is the answer; undefined in a network that is no classifier. */
function answerOf({ outputs }: Graph): string | undefined {
  return outputs.logits ?? outputs.probabilities
}

function best(values: ArrayLike<number>): number {
  let at = 0
  for (let i = 1; i < values.length; ++i) if (values[i] > values[at]) at = i
  return at
}
