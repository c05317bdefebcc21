import type { Reduction, Row } from './report.ts'

/** The pairs of Figure 7 and what else the DyNet paper compares: dynamic, fixed. */
export const PAIRS = [
  ['dy-mobile', 'mobilenetv2'],
  ['dy-shuffle', 'shufflenetv2'],
] as const

/**
 * What the DyNet paper says in numbers: Table 2, at 224x224 (Caffe, Intel Core i7-7700, batch 1, mean of 50 runs). Its Figure 7 is a
 * picture; the text says of it that the ratio grows with the input.
 */
export const PAPER = {
  size: 224,
  /** Name, top-1 error on ImageNet in percent, milliseconds. */
  table2: [
    ['mobilenetv2', 28.0, 109.1],
    ['dy-mobile', 28.27, 58.3],
  ],
  reduced: 1 - 58.3 / 109.1,
} as const

/** Latency reduced ratios of every pair that was measured in one run, over the sizes. */
export function reductionsOf(rows: readonly Row[]): Reduction[] {
  const found = new Map<string, Reduction>()
  for (const [dynamic, fixed] of PAIRS)
    for (const row of rows) {
      if (row.network !== dynamic || row.threads !== 1) continue
      const { runtime, precision, variant, size } = row
      const best = (network: string) =>
        Math.min(
          ...rows
            .filter(
              (other) =>
                other.network === network &&
                other.runtime === runtime &&
                other.precision === precision &&
                other.variant === variant &&
                other.size === size &&
                other.threads === 1,
            )
            .map(({ ms }) => ms.min),
        )
      const [dynamicMs, fixedMs] = [best(dynamic), best(fixed)]
      if (!Number.isFinite(fixedMs)) continue
      const key = [dynamic, runtime, precision, variant].join(' ')
      const reduction = found.get(key) ?? { dynamic, fixed, runtime, precision, variant, points: [] }
      found.set(key, reduction)
      if (!reduction.points.some((point) => point.size === size))
        reduction.points.push({ size, dynamicMs, fixedMs, reduced: 1 - dynamicMs / fixedMs })
    }
  for (const { points } of found.values()) points.sort((a, b) => a.size - b.size)
  return [...found.values()]
}
