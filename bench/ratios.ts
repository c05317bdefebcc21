import { DYNEDGE, type Ratio, type Row } from '../src/bench/report.ts'
import { LITERT, PEERS } from './peers.ts'

/** Against each peer's fastest form, our own f32, our own single thread, and MobileNetV2: ours and LiteRT.js's. */
export function ratiosOf(rows: readonly Row[]): Ratio[] {
  const ratios: Ratio[] = []
  for (const row of rows) {
    const { network, precision, variant, threads, size } = row
    if (row.runtime !== DYNEDGE || !variant) continue
    const fastest = (found: Partial<Row>): Row | undefined =>
      rows
        .filter(
          (other) =>
            other.size === size &&
            (other.variant ?? variant) === variant &&
            Object.entries({ network, precision, threads, ...found }).every(
              ([key, value]) => other[key as keyof Row] === value,
            ),
        )
        .sort((a, b) => a.ms.min - b.ms.min)[0]
    const add = (other: Row | undefined, name: string) => {
      if (!other) return
      const factors = { min: other.ms.min / row.ms.min, median: other.ms.median / row.ms.median }
      ratios.push({ network, precision, variant, threads, size, other: name, ...factors })
    }
    if (precision !== 'f32') add(fastest({ runtime: DYNEDGE, precision: 'f32' }), 'our f32')
    if (threads > 1) add(fastest({ runtime: DYNEDGE, threads: 1 }), 'our 1 thread')
    for (const runtime of PEERS) add(fastest({ runtime }), runtime)
    if (network === 'mobilenetv2') continue
    add(fastest({ runtime: DYNEDGE, network: 'mobilenetv2' }), 'our mobilenetv2')
    if (network === 'dy-mobile') add(fastest({ runtime: LITERT, network: 'mobilenetv2' }), "litert.js's mobilenetv2")
  }
  return ratios
}
