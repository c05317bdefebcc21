import type { Metrics } from '../metrics.ts'
import type { Evaluation } from '../result.ts'
import { html, type Markup } from './html.ts'

/** Up to so many classes the matrix is a table with numbers; more are drawn. */
const TABLE_CLASSES = 24

/** The confusion matrix, and a place where the script says what the cell under the pointer or cursor is. */
export function confusion(evaluation: Evaluation, metrics: Metrics): Markup {
  const { labels } = evaluation
  const isTable = labels.length <= TABLE_CLASSES
  return html`<section><h2>Confusion matrix</h2>
<p class="legend"><span class="swatch hit"></span> right <span class="swatch miss"></span> wrong; a row for each true class, a column for each
answer. The stronger the colour, the larger the share of the row. <span class="script">Point at a cell, or move with the arrow keys.</span></p>
<div class="matrix">${isTable ? table(evaluation, metrics) : drawing(labels.length)}
<aside class="script"><p id="readout" class="readout" role="status">&nbsp;</p>
<label>Class <select id="class-choice">${labels.map((label, index) => html`<option value="${index}">${label}</option>`)}</select></label>
<div class="both"><div><h3>Taken for</h3><ol id="taken-for"></ol></div><div><h3>Taken for it</h3><ol id="taken-for-it"></ol></div></div></aside>
</div></section>`
}

function table({ labels, sums }: Evaluation, { per_class }: Metrics): Markup {
  const counts = labels.map(() => labels.map(() => 0))
  for (const [label, predicted, images] of sums.confusion) counts[label][predicted] = images
  const cell = (images: number, row: number, column: number) => {
    const share = images / Math.max(1, per_class[row].images)
    // A root, so that a few mistakes in a hundred can be seen.
    const strength = Math.sqrt(share)
    const kind = `${row === column ? 'hit' : 'miss'}${strength > 0.78 ? ' strong' : ''}`
    return html`<td class="${kind}" style="--s:${strength.toFixed(3)}">${images || html`<span class="zero">0</span>`}</td>`
  }
  return html`<div class="scroll heat"><table id="heat-table"><caption>Pictures of each true class (rows) by answer (columns)</caption>
<thead><tr><td></td>${labels.map((label) => html`<th scope="col"><span>${label}</span></th>`)}</tr></thead>
<tbody>${counts.map((row, i) => html`<tr><th scope="row">${labels[i]}</th>${row.map((images, j) => cell(images, i, j))}</tr>`)}</tbody></table></div>`
}

function drawing(classes: number): Markup {
  return html`<div class="heat"><canvas id="heat-canvas" tabindex="0" role="application" aria-roledescription="heat map"
aria-label="Confusion matrix of ${classes} classes; arrow keys move from cell to cell, Shift from mistake to mistake" aria-describedby="readout"></canvas>
<noscript><p>The drawing needs a script; the tables below have the numbers.</p></noscript></div>`
}
