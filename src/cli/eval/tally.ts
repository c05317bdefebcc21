/** What an evaluation keeps of one picture. */
export interface Answer {
  /** Best classes first, at most five. */
  top: [index: number, probability: number][]
  /** -ln of the probability of the true class, nats. */
  loss: number
  /** Probability of the true class. */
  own: number
}

/** Calibration: pictures whose highest probability lies in ((i) / 15, (i + 1) / 15]. */
export interface Bin {
  images: number
  correct: number
  /** Sum of the highest probabilities, millionths. */
  confidence: number
}

/** Sums over pictures. All are integers, so that parts add up to the same whole in any order. */
export interface Sums {
  images: number
  /** How often the true class is the best, and among the best five. */
  top1: number
  top5: number
  /** Millionths of a nat. */
  loss: number
  /** Cells that are not 0, sorted. */
  confusion: [label: number, predicted: number, images: number][]
  bins: Bin[]
}

export const BINS = 15
const MILLION = 1e6

export class Tally {
  private images = 0
  private top1 = 0
  private top5 = 0
  private loss = 0
  /** Key: label * classes + predicted; sparse, for thousands of classes. */
  private readonly cells = new Map<number, number>()
  private readonly bins: Bin[] = Array.from({ length: BINS }, () => ({ images: 0, correct: 0, confidence: 0 }))

  constructor(private readonly classes: number) {}

  /** Counts one picture of class `label`. */
  add(label: number, { top, loss }: Answer): void {
    const [predicted, confidence] = top[0]
    const correct = predicted === label ? 1 : 0
    this.images += 1
    this.top1 += correct
    this.top5 += top.slice(0, 5).some(([index]) => index === label) ? 1 : 0
    this.loss += Math.round(loss * MILLION)
    this.count(label, predicted, 1)
    const bin = this.bins[Math.min(BINS - 1, Math.max(0, Math.ceil(confidence * BINS) - 1))]
    bin.images += 1
    bin.correct += correct
    bin.confidence += Math.round(confidence * MILLION)
  }

  addSums(sums: Sums): void {
    this.images += sums.images
    this.top1 += sums.top1
    this.top5 += sums.top5
    this.loss += sums.loss
    for (const [label, predicted, images] of sums.confusion) this.count(label, predicted, images)
    for (const [i, { images, correct, confidence }] of sums.bins.entries()) {
      this.bins[i].images += images
      this.bins[i].correct += correct
      this.bins[i].confidence += confidence
    }
  }

  sums(): Sums {
    const { images, top1, top5, loss, classes } = this
    const confusion = [...this.cells]
      .sort(([a], [b]) => a - b)
      .map(([key, count]): [number, number, number] => [Math.floor(key / classes), key % classes, count])
    return { images, top1, top5, loss, confusion, bins: this.bins.map((bin) => ({ ...bin })) }
  }

  private count(label: number, predicted: number, images: number): void {
    const key = label * this.classes + predicted
    this.cells.set(key, (this.cells.get(key) ?? 0) + images)
  }
}
