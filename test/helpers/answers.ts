import { buildNetwork } from '../../src/networks/index.ts'
import { integerBundle, load } from './bundles.ts'

/** A small network in integers: its answers are the same bits in every engine. */
export const wholeBundle = (): Uint8Array<ArrayBuffer> =>
  integerBundle(buildNetwork('dy-mobile', { width: 0.5, classes: 10 })) as Uint8Array<ArrayBuffer>

/** What a place says of one network. */
export interface Answer {
  logits: number[]
  /** All classes, best first, of raw RGBA. */
  top: { index: number; label: string; probability: number }[]
  variant: string
  threads: number
}

/** Source of a function `answer(load, bundle, options)`, for pages, workers and other engines; it needs nothing around it. */
export const ANSWER = `async function answer(load, bundle, options = {}) {
  const net = await load(bundle, options)
  const data = Uint8Array.from({ length: 70 * 50 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * (3 + (i % 4)) + ((i >> 8) ** 2)) & 255))
  const top = await net.classify({ data, width: 70, height: 50 }, { topK: 10 })
  const tensor = Float32Array.from({ length: 64 * 48 * 3 }, (_, i) => ((i * i) % 97) / 24 - 2)
  const { logits } = await net.run({ data: tensor, height: 64, width: 48 })
  const { variant, threads } = net
  net.dispose()
  return { logits: [...logits], top, variant, threads }
}`

/** What Node says, from the sources, in the baseline binary. */
export async function answerOfNode(bundle: Uint8Array): Promise<Answer> {
  const answer = new Function(`return ${ANSWER}`)() as (
    ...asked: [typeof load, ...Parameters<typeof load>]
  ) => Promise<Answer>
  return answer(load, bundle, { variant: 'simd' })
}
