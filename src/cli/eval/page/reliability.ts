import { type Metrics, reliability } from '../metrics.ts'
import type { Evaluation } from '../result.ts'
import { exact, html, type Markup, percent, whole } from './html.ts'

// The diagram's units: a square of 300, with room for the axes, and a strip for the counts below it.
const [SIDE, LEFT, TOP, STRIP] = [300, 46, 10, 50]
const TICKS = [0, 0.25, 0.5, 0.75, 1]
const place = (value: number) => value.toFixed(1)

/** Accuracy over confidence, the number of pictures in each bin, and the same as a table. */
export function reliabilityDiagram(
  { sums }: Evaluation,
  { calibration_error, mean_confidence, top1 }: Metrics,
): Markup {
  const bins = reliability(sums)
  const most = Math.max(...bins.map(({ images }) => images))
  const x = (value: number) => LEFT + value * SIDE
  const y = (value: number) => TOP + (1 - value) * SIDE
  const stripTop = TOP + SIDE + 42
  const bars = bins.map(({ from, to, images, accuracy, confidence }) => {
    if (accuracy === null || confidence === null) return ''
    const [left, width] = [place(x(from) + 1), place((to - from) * SIDE - 2)]
    const [low, high] = [Math.min(accuracy, confidence), Math.max(accuracy, confidence)]
    const strip = (images / most) * STRIP
    return html`<g><title>Confidence ${percent(from)} to ${percent(to)}: right in ${percent(accuracy)} of ${images}, mean confidence ${percent(confidence)}</title>
<rect class="bin" x="${left}" y="${place(y(accuracy))}" width="${width}" height="${place(accuracy * SIDE)}"/>
<rect class="gap" x="${left}" y="${place(y(high))}" width="${width}" height="${place((high - low) * SIDE)}"/>
<rect class="count" x="${left}" y="${place(stripTop + STRIP - strip)}" width="${width}" height="${place(strip)}"/></g>`
  })
  const axes = TICKS.map(
    (tick) => html`<line class="grid" x1="${x(0)}" x2="${x(1)}" y1="${y(tick)}" y2="${y(tick)}"/>
<text x="${LEFT - 6}" y="${y(tick) + 4}" text-anchor="end">${tick * 100}</text><text x="${x(tick)}" y="${TOP + SIDE + 16}" text-anchor="middle">${tick * 100}</text>`,
  )
  const verdict =
    mean_confidence > top1.share
      ? `It is surer than it is right: mean confidence ${percent(mean_confidence)}, accuracy ${percent(top1.share)}.`
      : `It is right more often than it is sure: mean confidence ${percent(mean_confidence)}, accuracy ${percent(top1.share)}.`
  const rows = bins
    .filter(({ images }) => images > 0)
    .map(
      ({ from, to, images, accuracy, confidence }) => html`<tr><th scope="row">${percent(from)} to ${percent(to)}</th>
<td class="number">${images}</td><td class="number">${percent(confidence!)}</td><td class="number">${percent(accuracy!)}</td></tr>`,
    )
  return html`<section><h2>Calibration</h2><p>${verdict} Expected calibration error ${exact(calibration_error)}.</p>
<figure class="reliability"><svg viewBox="0 0 ${LEFT + SIDE + 12} ${stripTop + STRIP + 24}" role="img" aria-label="Reliability diagram: accuracy over confidence in 15 bins; the table below has its numbers">
${axes}${bars}<line class="ideal" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>
<text class="axis" x="${x(0.5)}" y="${TOP + SIDE + 33}" text-anchor="middle">confidence, %</text>
<text class="axis" transform="translate(12 ${y(0.5)}) rotate(-90)" text-anchor="middle">accuracy, %</text>
<text class="axis" x="${x(0.5)}" y="${stripTop + STRIP + 16}" text-anchor="middle">pictures, at most ${whole(most)}</text></svg>
<figcaption><span class="swatch hit"></span> accuracy <span class="swatch gap"></span> distance to the confidence; on the dashed line both are equal.</figcaption></figure>
<details><summary>Table</summary><div class="scroll"><table><thead><tr><th scope="col">Confidence</th><th scope="col" class="number">Pictures</th>
<th scope="col" class="number">Mean confidence</th><th scope="col" class="number">Accuracy</th></tr></thead><tbody>${rows}</tbody></table></div></details></section>`
}
