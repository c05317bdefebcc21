import { BINS, type Sums } from './tally.ts'

/** A share of pictures with its 95 % interval (Wilson); all from 0 to 1. */
export interface Share {
  correct: number
  share: number
  low: number
  high: number
}

export interface ClassMetrics {
  index: number
  label: string
  images: number
  correct: number
  /** Null for a class without pictures. */
  accuracy: number | null
  /** How many pictures of other classes were taken for it. */
  taken_for_it: number
  /** What its pictures were most often taken for. */
  mistaken_for: { index: number; label: string; images: number } | null
}

export interface Confused {
  label: string
  predicted: string
  images: number
  /** Of the pictures of `label`. */
  share: number
}

export interface Metrics {
  images: number
  top1: Share
  /** Null where there are five classes or fewer. */
  top5: Share | null
  /** Mean of the accuracies of the classes that have pictures. */
  mean_class_accuracy: number
  /** Nats. */
  mean_loss: number
  mean_confidence: number
  /** Expected calibration error over 15 bins of equal width, 0 to 1. */
  calibration_error: number
  per_class: ClassMetrics[]
  /** Most frequent mistakes first. */
  confused: Confused[]
}

const CONFUSED_KEPT = 30

/** Everything that follows from the sums; needs at least one picture. */
export function metricsOf(sums: Sums, labels: readonly string[]): Metrics {
  const { images, top1, top5, loss, bins } = sums
  const perClass = classMetrics(sums, labels)
  const accuracies = perClass.flatMap(({ accuracy }) => accuracy ?? [])
  const million = images * 1e6
  return {
    images,
    top1: share(top1, images),
    top5: labels.length > 5 ? share(top5, images) : null,
    mean_class_accuracy: accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length,
    mean_loss: loss / million,
    mean_confidence: bins.reduce((sum, { confidence }) => sum + confidence, 0) / million,
    calibration_error:
      bins.reduce((sum, { correct, confidence }) => sum + Math.abs(correct * 1e6 - confidence), 0) / million,
    per_class: perClass,
    confused: confusedPairs(sums, labels, perClass),
  }
}

/** Wilson's score interval at 95 %. */
export function share(correct: number, images: number): Share {
  const z = 1.959963984540054
  const p = correct / images
  const scale = 1 / (1 + (z * z) / images)
  const centre = scale * (p + (z * z) / (2 * images))
  const half = scale * z * Math.sqrt((p * (1 - p)) / images + (z * z) / (4 * images * images))
  return { correct, share: p, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}

function classMetrics({ confusion }: Sums, labels: readonly string[]): ClassMetrics[] {
  const rows = labels.map((label, index) => ({ index, label, images: 0, correct: 0, taken: 0, most: [-1, 0] }))
  for (const [label, predicted, images] of confusion) {
    const row = rows[label]
    row.images += images
    if (label === predicted) row.correct += images
    else {
      rows[predicted].taken += images
      if (images > row.most[1]) row.most = [predicted, images]
    }
  }
  return rows.map(({ index, label, images, correct, taken, most }) => ({
    index,
    label,
    images,
    correct,
    accuracy: images ? correct / images : null,
    taken_for_it: taken,
    mistaken_for: most[0] < 0 ? null : { index: most[0], label: labels[most[0]], images: most[1] },
  }))
}

function confusedPairs({ confusion }: Sums, labels: readonly string[], rows: readonly ClassMetrics[]): Confused[] {
  return confusion
    .filter(([label, predicted]) => label !== predicted)
    .sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1])
    .slice(0, CONFUSED_KEPT)
    .map(([label, predicted, images]) => ({
      label: labels[label],
      predicted: labels[predicted],
      images,
      share: images / rows[label].images,
    }))
}

/** For the reliability diagram: accuracy and mean confidence of each bin, null for an empty one. */
export function reliability({ bins }: Sums) {
  return bins.map(({ images, correct, confidence }, i) => ({
    from: i / BINS,
    to: (i + 1) / BINS,
    images,
    accuracy: images ? correct / images : null,
    confidence: images ? confidence / images / 1e6 : null,
  }))
}
