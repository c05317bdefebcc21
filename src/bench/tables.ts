import { PAPER } from './figure7.ts'
import type { Breakdown, Report } from './report.ts'

/** A table for people; numbers are right-aligned where `numbers` says so by column. */
export interface Table {
  title?: string
  /** What a page calls it where it has no title. */
  label?: string
  /** Not to be missed. */
  open?: boolean
  head: string[]
  lines: string[][]
}

const MB = 1e6
const MIB = 2 ** 20
export const percent = (part: number) => `${(part * 100).toFixed(1)} %`

export function machineLine({ machine, engine, commit, date }: Report): string {
  const where = [`${machine.cpu}, ${machine.cores} cores`, `${machine.os} ${machine.arch}`.trim()]
  if (machine.load !== undefined) where.push(`load ${machine.load.toFixed(1)}`)
  const node = engine.node ? [`Node ${[engine.node, ...engine.flags].join(' ')}`] : []
  const runs = [...node, ...(engine.browser ? [engine.browser] : []), ...(engine.v8 ? [`V8 ${engine.v8}`] : [])]
  const peers = Object.entries(engine.peers).map(([name, version]) => `${name} ${version}`)
  return [where.join(', '), runs.join(', '), `dynedge ${commit}`, peers.join(', '), date].filter(Boolean).join('; ')
}

/** Everything a report holds, in the order of a reader's questions; without what is empty. */
export function tablesOf(report: Report): Table[] {
  return [
    latencies(report),
    ratios(report),
    ...reductions(report),
    peaks(report),
    shares(report),
    ...report.steps.map(breakdown),
    loads(report),
  ].filter(({ lines }) => lines.length > 0)
}

export function latencies({ rows }: Report): Table {
  const threaded = rows.some(({ threads }) => threads > 1)
  const trained = rows.some(({ agreement }) => agreement?.top1 !== undefined)
  const compared = rows.some(({ agreement }) => agreement)
  const filed = rows.some(({ bytes }) => bytes !== undefined)
  const mega = (bytes?: number) => (bytes === undefined ? '' : (bytes / MB).toFixed(2))
  const columns = (from: Report['rows'][number]) => [
    from.network,
    `${from.size}`,
    from.precision,
    from.runtime + (from.form ? ` (${from.form})` : ''),
    from.variant ?? '',
    ...(threaded ? [`${from.threads}`] : []),
    ...(filed ? [mega(from.bytes), mega(from.arenaBytes), from.loadMs?.toFixed(1) ?? ''] : []),
    from.ms.min.toFixed(2),
    from.ms.median.toFixed(2),
    from.ms.spread.toFixed(2),
    `${from.runs}`,
    ...(compared
      ? [
          from.agreement?.difference.toExponential(1) ?? '',
          from.agreement?.correlation.toFixed(4) ?? '',
          from.agreement ? percent(from.agreement.same) : '',
        ]
      : []),
    ...(trained ? [from.agreement?.top1 === undefined ? '' : percent(from.agreement.top1)] : []),
  ]
  const head = [
    ...['network', 'size', 'precision', 'runtime', 'variant'],
    ...(threaded ? ['threads'] : []),
    ...(filed ? ['file MB', 'arena MB', 'load ms'] : []),
    ...['min ms', 'median ms', 'spread ms', 'runs'],
    ...(compared ? ['logits differ', 'correlation', 'same class as f32'] : []),
    ...(trained ? ['top-1'] : []),
  ]
  return { label: 'Latency', head, lines: rows.map(columns) }
}

export function ratios(report: Report): Table {
  const threaded = report.ratios.some(({ threads }) => threads > 1)
  return {
    label: 'How many times as fast as',
    head: [
      'network',
      'size',
      'precision',
      'variant',
      ...(threaded ? ['threads'] : []),
      'as fast as',
      'by min',
      'by median',
    ],
    lines: report.ratios.map((ratio) => [
      ratio.network,
      `${ratio.size}`,
      ratio.precision,
      ratio.variant,
      ...(threaded ? [`${ratio.threads}`] : []),
      ratio.other,
      `${ratio.min.toFixed(2)}x`,
      `${ratio.median.toFixed(2)}x`,
    ]),
  }
}

/** Figure 7 of the DyNet paper, and its Table 2 where its size was measured. */
export function reductions(report: Report): Table[] {
  const sizes = [...new Set(report.reductions.flatMap(({ points }) => points.map(({ size }) => size)))].sort(
    (a, b) => a - b,
  )
  const lines = report.reductions.map(({ dynamic, fixed, runtime, precision, variant, points }) => [
    `${dynamic} against ${fixed}`,
    precision,
    [runtime, variant ?? ''].join(' ').trim(),
    ...sizes.map((size) => {
      const point = points.find((other) => other.size === size)
      return point ? percent(point.reduced) : ''
    }),
  ])
  if (lines.length && sizes.includes(PAPER.size))
    lines.push([
      'dy-mobile against mobilenetv2',
      'f32',
      'the paper',
      ...sizes.map((size) => (size === PAPER.size ? percent(PAPER.reduced) : '')),
    ])
  const figure = {
    title: 'Latency reduced ratio',
    open: true,
    head: ['networks', 'precision', 'runtime', ...sizes.map(String)],
    lines,
  }
  return [figure, table2(report)]
}

function table2({ rows, reductions }: Report): Table {
  const own = reductions.filter(({ runtime, dynamic }) => runtime === 'dynedge' && dynamic === 'dy-mobile')
  const at = own.flatMap(({ precision, variant, points }) =>
    points.filter(({ size }) => size === PAPER.size).map((point) => ({ ...point, precision, variant })),
  )
  const lines = at.length
    ? PAPER.table2.map(([network, error, ms]) => [
        network,
        `${error.toFixed(2)} %`,
        `${ms.toFixed(1)}`,
        ...at.map(({ fixedMs, dynamicMs }) => (network === 'dy-mobile' ? dynamicMs : fixedMs).toFixed(2)),
      ])
    : []
  if (lines.length && rows.length)
    lines.push(['reduced by', '', percent(PAPER.reduced), ...at.map(({ reduced }) => percent(reduced))])
  const columns = at.map(({ precision, variant }) => `ms here, ${precision} ${variant}`)
  return {
    title: 'Table 2 of the DyNet paper',
    open: true,
    head: ['network', "paper's top-1 error", "paper's ms", ...columns],
    lines,
  }
}

export function peaks(report: Report): Table {
  const shapes = report.peaks[0]?.gemm.map(({ shape }) => shape) ?? []
  return {
    title: 'Best float32 rates, GMAC/s: in registers, and of the pointwise kernel by depth x lanes x pixels',
    head: ['variant', 'best', 'registers', ...shapes],
    lines: report.peaks.map(({ variant, best, registers, gemm }) => [
      variant,
      ...[best, registers, ...gemm.map(({ rate }) => rate)].map((rate) => rate.toFixed(1)),
    ]),
  }
}

export function shares({ steps }: Report): Table {
  const head = [
    'network',
    'size',
    'precision',
    'variant',
    'pointwise of best f32',
    'network of best f32',
    'fusion of time',
  ]
  const lines = steps.map((step) => [
    step.network,
    `${step.size}`,
    step.precision,
    step.variant,
    percent(step.pointwiseOfBest),
    percent(step.networkOfBest),
    percent(step.fusion),
  ])
  return { label: 'Shares of the best rate', open: true, head, lines }
}

export function breakdown({ network, precision, variant, size, ms, classes }: Breakdown): Table {
  return {
    title: `${network} ${precision} ${variant} ${size}: ${ms.toFixed(2)} ms`,
    head: ['kind of step', 'steps', 'ms', 'share', 'GMAC/s'],
    lines: classes.map((group) => [
      group.does,
      `${group.steps}`,
      group.ms.toFixed(3),
      percent(group.share),
      group.multiplyAdds ? group.rate.toFixed(1) : '',
    ]),
  }
}

/** Every step that multiplies, by network. */
export function stepTables({ steps, peaks }: Report): Table[] {
  return steps.map((network) => {
    const best = peaks.find(({ variant }) => variant === network.variant)!.best
    return {
      title: `${network.network} ${network.precision} ${network.variant} ${network.size}, step by step`,
      head: ['step', 'kind', 'ms', 'GMAC/s', 'of best f32'],
      lines: network.steps.map(({ step, does, ms, rate }) => [
        step,
        does,
        ms.toFixed(3),
        rate.toFixed(1),
        percent(rate / best),
      ]),
    }
  })
}

export function loads({ load }: Report): Table {
  const pair = ({ min, median }: { min: number; median: number }) => `${min.toFixed(1)} / ${median.toFixed(1)}`
  return {
    label: 'Loading',
    open: true,
    head: [
      ...['network', 'size', 'precision', 'runtime', 'variant', 'file MB', 'to first result ms, min / median'],
      ...['cold load ms', 'first run ms', 'warm load ms', 'wasm heap MiB'],
    ],
    lines: load.map((time) => [
      time.network,
      `${time.size}`,
      time.precision,
      time.runtime,
      time.variant ?? '',
      (time.bundleBytes / MB).toFixed(1),
      pair(time.toFirstResult),
      pair(time.cold),
      pair(time.firstRun),
      pair(time.warm),
      (time.heapBytes / MIB).toFixed(1) +
        (time.weightBytes === undefined
          ? ''
          : ` (weights + ${((time.heapBytes - time.weightBytes) / MIB).toFixed(1)})`),
    ]),
  }
}
