import { DYNEDGE, type Row } from '../src/bench/report.ts'
import { DynedgeError } from '../src/errors.ts'
import type { TensorInput } from '../src/interface.ts'
import type { Precision } from '../src/plan/weights.ts'
import type { Subject } from './models.ts'

/** Who takes part in a race: what is known of it before, and how it is asked. */
export interface Contender {
  /** Puts another picture of the same size in place, and runs. */
  logits(picture: TensorInput): Promise<Float32Array>
  row: Omit<Row, 'ms' | 'runs'>
}

/** For messages. */
export function nameOf({ network, size, precision, runtime, variant, threads, form }: Contender['row']): string {
  const parts = [network, size, precision, runtime, variant, form, threads > 1 ? `${threads} threads` : '']
  return parts.filter(Boolean).join(' ')
}

/** Of the largest logit, where the arithmetic is float32. */
const TOLERANCE = 1e-3
/** int8 beside f32, mean of the pictures. */
const LEAST_CORRELATION = 0.9

/**
 * Compares everyone's logits with our f32 on all pictures, and refuses what does not compute the same network: float32 arithmetic within
 * 1e-3 of the largest logit of our own in that precision, int8 with a mean correlation of 0.9 or more.
 */
export async function compare(
  contenders: readonly Contender[],
  { pictures, classes, size }: Pick<Subject, 'pictures' | 'classes' | 'size'>,
): Promise<void> {
  const first = contenders.find(({ row }) => row.runtime === DYNEDGE && row.precision === 'f32') ?? contenders[0]
  const own = (precision: Precision) =>
    contenders.find(({ row }) => row.runtime === DYNEDGE && row.precision === precision) ?? first
  const sums = contenders.map(() => ({ difference: 0, correlation: 0, same: 0, right: 0 }))
  for (const [index, data] of pictures.entries()) {
    const picture = { data, height: size, width: size }
    const answers: Float32Array[] = []
    for (const contender of contenders) answers.push(await contender.logits(picture))
    const expected = answers[contenders.indexOf(first)]
    for (const [turn, { row }] of contenders.entries()) {
      const twin = row.precision === 'int8' ? expected : answers[contenders.indexOf(own(row.precision))]
      const sum = sums[turn]
      sum.difference = Math.max(sum.difference, differenceOf(answers[turn], twin))
      sum.correlation += correlationOf(answers[turn], expected) / pictures.length
      if (best(answers[turn]) === best(expected)) ++sum.same
      if (classes && best(answers[turn]) === classes[index]) ++sum.right
    }
  }
  for (const [turn, { row }] of contenders.entries()) {
    const { difference, correlation, same, right } = sums[turn]
    const count = pictures.length
    row.agreement = {
      pictures: count,
      difference,
      correlation,
      same: same / count,
      ...(classes && { top1: right / count }),
    }
    const who = nameOf(row)
    if (row.precision === 'int8' ? !(correlation >= LEAST_CORRELATION) : !(difference <= TOLERANCE))
      throw new DynedgeError(
        'bad-program',
        `${who} at ${size}: logits differ from ours by ${difference.toExponential(1)} of the largest, with a correlation of ${correlation.toFixed(4)} to f32; allowed are ${TOLERANCE}, of int8 ${LEAST_CORRELATION}. Nothing is timed.`,
      )
  }
}

function differenceOf(found: Float32Array, expected: Float32Array): number {
  let largest = 0
  let difference = found.length === expected.length ? 0 : Number.POSITIVE_INFINITY
  expected.forEach((value, index) => {
    largest = Math.max(largest, Math.abs(value))
    // Math.max hands a NaN of either side on, and NaN passes no comparison.
    difference = Math.max(difference, Math.abs(value - found[index]))
  })
  return difference / largest
}

function correlationOf(a: Float32Array, b: Float32Array): number {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanA, meanB] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  a.forEach((value, i) => {
    const [x, y] = [value - meanA, b[i] - meanB]
    ab += x * y
    aa += x * x
    bb += y * y
  })
  return ab / Math.sqrt(aa * bb)
}

const best = (values: Float32Array) => values.reduce((most, value, i) => (value > values[most] ? i : most), 0)
