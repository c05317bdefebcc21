import { bar, columns, complain, milliseconds, percent, print } from '../output.ts'
import type { About } from './evaluate.ts'
import type { Metrics, Share } from './metrics.ts'
import type { Evaluation } from './result.ts'

const LISTED = 10
/** A matrix with more classes than this does not fit a terminal. */
const MATRIX_CLASSES = 12

export const exact = (share: number) => `${(share * 100).toFixed(2)} %`
const rate = (perSecond: number) => (perSecond < 10 ? perSecond.toFixed(1) : `${Math.round(perSecond)}`)

export function showStart(about: About, folder: string): void {
  const { network, precision, variant, input, workers, files, total, folders, labels, matching } = about
  print(`${network} ${precision}, variant ${variant}, input ${input.join('x')}, ${plural(workers, 'worker')}`)
  const part = files === total ? plural(files, 'file') : `${files} of ${plural(total, 'file')}`
  const classes =
    folders === labels.length ? `${folders} classes` : `${folders} of the bundle's ${labels.length} classes`
  print(`${part} in ${classes}, ${folder}; folders matched ${matching}`)
}

export function showEvaluation(evaluation: Evaluation): void {
  const { metrics, timing, shards } = evaluation
  print(metrics ? '' : '\nThis part has no pictures.')
  if (!metrics) return
  const { top1, top5, mean_class_accuracy, mean_loss, calibration_error, mean_confidence } = metrics
  const rows = [
    ['top-1', exact(top1.share), interval(top1, metrics.images)],
    ...(top5 ? [['top-5', exact(top5.share), interval(top5, metrics.images)]] : []),
    ['mean of classes', exact(mean_class_accuracy)],
    ['mean loss', mean_loss.toFixed(4), 'nats'],
    ['calibration error', exact(calibration_error), `mean confidence ${exact(mean_confidence)}`],
  ]
  for (const line of columns(rows, new Set([1]))) print(line)
  const workers =
    shards.have.length > 1
      ? `${shards.have.length} parts, ${timing.seconds.toFixed(1)} s in all`
      : plural(timing.workers, 'worker')
  print(
    `\n${rate(timing.images_per_second)} images/s (${workers}); the network alone takes ${milliseconds(
      1000 / timing.network_images_per_second,
    )}, ${rate(timing.network_images_per_second)} images/s on one core`,
  )
  showClasses(metrics)
  if (evaluation.labels.length <= MATRIX_CLASSES) showMatrix(evaluation)
  else showConfused(metrics)
}

function interval({ low, high, correct }: Share, images: number): string {
  return `95 % interval ${exact(low)} to ${exact(high)}, ${correct} of ${images}`
}

function showClasses({ per_class }: Metrics): void {
  const seen = per_class
    .filter(({ images }) => images > 0)
    .sort((a, b) => a.accuracy! - b.accuracy! || a.index - b.index)
  print(seen.length > MATRIX_CLASSES ? `\nThe ${LISTED} worst of ${seen.length} classes` : '\nClasses')
  const rows = (seen.length > MATRIX_CLASSES ? seen.slice(0, LISTED) : seen).map((row) => [
    `  ${row.label}`,
    percent(row.accuracy!),
    `${row.correct} of ${row.images}`,
    bar(row.accuracy!).padEnd(24),
    row.mistaken_for ? `${row.mistaken_for.images} taken for ${row.mistaken_for.label}` : '',
  ])
  for (const line of columns(rows, new Set([1, 2]))) print(line)
}

function showMatrix({ sums, labels }: Evaluation): void {
  print('\nConfusion: a row for each true class, a column for each answer')
  const cells = labels.map(() => labels.map(() => 0))
  for (const [label, predicted, images] of sums.confusion) cells[label][predicted] = images
  const short = labels.map((label) => (label.length > 10 ? `${label.slice(0, 9)}…` : label))
  const rows = cells.map((row, i) => [`  ${short[i]}`, ...row.map((images) => (images ? `${images}` : '·'))])
  for (const line of columns([['', ...short], ...rows], new Set(labels.map((_, i) => i + 1)))) print(line)
}

function showConfused({ confused }: Metrics): void {
  print('\nMost frequent mistakes')
  const rows = confused
    .slice(0, LISTED)
    .map(({ label, predicted, images, share }) => [`  ${label}`, `taken for ${predicted}`, `${images}`, percent(share)])
  for (const line of columns(rows, new Set([2, 3]))) print(line)
}

/** On standard error: how many files were left out or changed, and the first of them. */
export function complainOf({ skipped, converted }: Evaluation, elsewhere: string): void {
  const rest = (count: number) => (count > LISTED ? [`… and ${count - LISTED} more${elsewhere}`] : [])
  const report = (count: number, what: string, lines: string[]) => {
    if (count) complain(`${plural(count, 'file')} ${what}:`)
    for (const line of lines) complain(`  ${line}`)
  }
  const listed = <T>(list: readonly T[], line: (item: T) => string) => [
    ...list.slice(0, LISTED).map(line),
    ...rest(list.length),
  ]
  report(
    skipped.length,
    'skipped',
    listed(skipped, ({ file, reason }) => `${file}: ${reason}`),
  )
  report(
    converted.length,
    'evaluated, but not as stored',
    listed(converted, ({ file, changes }) => `${file}: ${changes.join('; ')}`),
  )
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
