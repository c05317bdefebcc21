import { milliseconds } from '../../output.ts'
import type { Metrics, Share } from '../metrics.ts'
import type { Evaluation, Mistake } from '../result.ts'
import { exact, html, type Markup, percent, whole } from './html.ts'

export function tiles({ timing, skipped, converted, shards, set }: Evaluation, metrics: Metrics): Markup {
  const { top1, top5, mean_loss, calibration_error, mean_confidence, mean_class_accuracy, images } = metrics
  const left = [
    `of ${whole(set.files)} files`,
    ...(skipped.length ? [`${skipped.length} skipped`] : []),
    ...(converted.length ? [`${converted.length} converted`] : []),
  ]
  const workers =
    shards.have.length > 1
      ? `${shards.have.length} parts`
      : `${timing.workers} worker${timing.workers === 1 ? '' : 's'}`
  return html`<section aria-label="Summary"><dl class="tiles">
${tile('Top-1', exact(top1.share), interval(top1), true)}
${top5 ? tile('Top-5', exact(top5.share), interval(top5)) : ''}
${tile('Mean of classes', exact(mean_class_accuracy), 'each class counts alike')}
${tile('Calibration error', exact(calibration_error), `mean confidence ${percent(mean_confidence)}`)}
${tile('Mean loss', mean_loss.toFixed(4), 'nats')}
${tile('Pictures', whole(images), left.join(', '))}
${tile('Speed', `${whole(Math.round(timing.images_per_second))}/s`, `${workers}; network alone ${milliseconds(1000 / timing.network_images_per_second)} a picture`)}
</dl></section>`
}

function tile(name: string, value: string, more: string, isMain = false): Markup {
  return html`<div class="tile${isMain ? ' main' : ''}"><dt>${name}</dt><dd>${value}</dd><dd class="more">${more}</dd></div>`
}

const interval = ({ low, high }: Share) => `95\u00a0% interval ${(low * 100).toFixed(2)} to ${exact(high)}`

export function confusedTable({ confused }: Metrics): Markup {
  if (confused.length === 0)
    return html`<section><h2>Most frequent mistakes</h2><p>There was not a single mistake.</p></section>`
  const rows = confused.map(
    ({ label, predicted, images, share }) => html`<tr><th scope="row">${label}</th><td>${predicted}</td>
<td class="number" data-value="${images}">${images}</td><td class="number" data-value="${share}">${percent(share)}</td></tr>`,
  )
  return html`<section><h2>Most frequent mistakes</h2>
<div class="scroll tall" tabindex="0" role="region" aria-label="Most frequent mistakes"><table class="sortable"><thead><tr>
${head('True class', 'text')}${head('Taken for', 'text')}${head('Pictures', 'number', 'descending')}${head('Of the class', 'number')}
</tr></thead><tbody>${rows}</tbody></table></div></section>`
}

/** A column's head, which the script makes a button; `count` is a name that sorts by its count. */
function head(name: string, kind: 'text' | 'number' | 'count', sorted?: 'ascending' | 'descending'): Markup {
  return html`<th scope="col" class="${kind}" ${sorted ? html`aria-sort="${sorted}"` : ''}>${name}</th>`
}

export function classTable({ per_class }: Metrics): Markup {
  const seen = per_class.filter(({ images }) => images > 0)
  const absent = per_class.length - seen.length
  const rows = seen.map(({ label, images, correct, accuracy, taken_for_it, mistaken_for }) => {
    const mistaken = mistaken_for ? `${mistaken_for.label} (${mistaken_for.images})` : ''
    return html`<tr><th scope="row">${label}</th>
<td class="number meter" data-value="${accuracy!}"><meter min="0" max="1" value="${accuracy!.toFixed(4)}" aria-hidden="true"></meter> ${percent(accuracy!)}</td>
<td class="number" data-value="${correct}">${correct} of ${images}</td>
<td data-value="${mistaken_for?.images ?? 0}">${mistaken}</td><td class="number" data-value="${taken_for_it}">${taken_for_it}</td></tr>`
  })
  return html`<section><h2>Classes</h2>
${absent ? html`<p class="note">${absent} of ${per_class.length} classes have no pictures in this set.</p>` : ''}
<div class="scroll tall" tabindex="0" role="region" aria-label="Accuracy of each class"><table class="sortable"><thead><tr>
${head('Class', 'text')}${head('Accuracy', 'number')}${head('Right', 'number')}${head('Most often taken for', 'count')}${head('Others taken for it', 'number')}
</tr></thead><tbody>${rows}</tbody></table></div></section>`
}

export function worstPictures({ worst }: Evaluation): Markup {
  if (worst.length === 0) return html``
  return html`<section><h2>Worst mistakes</h2><p>Wrong with the highest confidence. Sometimes it is the folder that errs.</p>
<ul class="pictures">${worst.map(picture)}</ul></section>`
}

function picture({ file, label, predicted, probability, own_probability, thumbnail }: Mistake): Markup {
  const image = thumbnail
    ? html`<img src="${thumbnail}" alt="Picture of class ${label}">`
    : html`<span class="missing">no picture in this result</span>`
  return html`<li><figure><div class="frame">${image}</div><figcaption>
<span class="wrong">${predicted} <b>${percent(probability)}</b></span>
<span>is <strong>${label}</strong> ${percent(own_probability)}</span>
<code title="${file}">${file}</code></figcaption></figure></li>`
}

const LISTED = 500

export function skippedList({ skipped, converted }: Evaluation): Markup {
  const list = (title: string, rows: [string, string][]) =>
    rows.length
      ? html`<details><summary>${title}: ${rows.length}</summary><ul class="files">
${rows.slice(0, LISTED).map(([file, why]) => html`<li><code>${file}</code> ${why}</li>`)}
${rows.length > LISTED ? html`<li>… and ${rows.length - LISTED} more</li>` : ''}</ul></details>`
      : ''
  const changed = converted.map(({ file, changes }): [string, string] => [file, changes.join('; ')])
  const left = skipped.map(({ file, reason }): [string, string] => [file, reason])
  if (!left.length && !changed.length) return html``
  return html`<section><h2>Files</h2>${list('Skipped', left)}${list('Evaluated, but not as stored', changed)}</section>`
}
