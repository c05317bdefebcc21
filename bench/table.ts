import type { Report } from './run.ts'

/** A report for people: Markdown tables, as bench/RESULTS.md has them. */
export function table(report: Report): string {
  const { machine, engine, commit, date } = report
  const peers = Object.entries(engine.peers).map(([name, version]) => `${name} ${version}`)
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.os} ${machine.arch}, load ${machine.load.toFixed(1)}; Node ${[engine.node, ...engine.flags].join(' ')}, V8 ${engine.v8}; ${['dynedge', commit].join(' ')}${peers.length ? `; ${peers.join(', ')}` : ''}; ${date}`,
    rows(report),
    ratios(report),
    peaks(report),
    shares(report),
    ...report.steps.map((breakdown) => {
      const { network, precision, variant, size, ms, classes } = breakdown
      const lines = classes.map((group) => [
        group.does,
        group.steps,
        group.ms.toFixed(3),
        percent(group.share),
        group.multiplyAdds ? group.rate.toFixed(1) : '',
      ])
      return `${network} ${precision} ${variant} ${size}: ${ms.toFixed(2)} ms\n\n${markdown(['kind of step', 'steps', 'ms', 'share', 'GMAC/s'], lines)}`
    }),
    loads(report),
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}

function rows({ rows }: Report): string {
  const MB = 1e6
  const trained = rows.some(({ agreement }) => agreement?.top1 !== undefined)
  const lines = rows.map((row) => [
    row.network,
    row.size,
    row.precision,
    row.runtime + (row.form ? ` (${row.form})` : ''),
    row.variant ?? '',
    (row.bytes / MB).toFixed(2),
    row.arenaBytes === undefined ? '' : (row.arenaBytes / MB).toFixed(2),
    row.loadMs.toFixed(1),
    row.ms.min.toFixed(2),
    row.ms.median.toFixed(2),
    row.runs,
    row.agreement!.difference.toExponential(1),
    row.agreement!.correlation.toFixed(4),
    percent(row.agreement!.same),
    ...(trained ? [row.agreement!.top1 === undefined ? '' : percent(row.agreement!.top1)] : []),
  ])
  const head = ['network', 'size', 'precision', 'runtime', 'variant', 'file MB', 'arena MB', 'load ms', 'min ms']
  const agreement = ['logits differ', 'correlation', 'same class as f32', ...(trained ? ['top-1'] : [])]
  return lines.length ? markdown([...head, 'median ms', 'runs', ...agreement], lines) : ''
}

function ratios(report: Report): string {
  const lines = report.ratios.map((ratio) => [
    ratio.network,
    ratio.size,
    ratio.precision,
    ratio.variant,
    ratio.other,
    `${ratio.min.toFixed(2)}x`,
    `${ratio.median.toFixed(2)}x`,
  ])
  return lines.length
    ? markdown(['network', 'size', 'precision', 'variant', 'as fast as', 'by min', 'by median'], lines)
    : ''
}

function peaks(report: Report): string {
  return report.peaks
    .map(({ variant, registers, gemm, best }) => {
      const shapes = gemm.map(({ shape, rate }) => `${shape}: ${rate.toFixed(1)}`)
      return `Best float32 rate of ${variant}: ${best.toFixed(1)} GMAC/s (registers ${registers.toFixed(1)}; pointwise, depth x lanes x pixels: ${shapes.join(', ')})`
    })
    .join('\n\n')
}

function shares(report: Report): string {
  const lines = report.steps.map((step) => [
    step.network,
    step.size,
    step.precision,
    step.variant,
    percent(step.pointwiseOfBest),
    percent(step.networkOfBest),
    percent(step.fusion),
  ])
  return lines.length
    ? markdown(
        ['network', 'size', 'precision', 'variant', 'pointwise of best f32', 'network of best f32', 'fusion of time'],
        lines,
      )
    : ''
}

function loads(report: Report): string {
  const MB = 1e6
  const lines = (report.load ?? []).map((load) => [
    load.network,
    load.size,
    load.precision,
    load.runtime,
    load.variant ?? '',
    (load.bundleBytes / MB).toFixed(1),
    `${load.cold.min.toFixed(1)} / ${load.cold.median.toFixed(1)}`,
    `${load.warm.min.toFixed(1)} / ${load.warm.median.toFixed(1)}`,
    `${load.firstRun.min.toFixed(1)} / ${load.firstRun.median.toFixed(1)}`,
    load.memoryBytes === undefined
      ? ''
      : `${(load.memoryBytes / MB).toFixed(2)} (weights + ${((load.memoryBytes - load.weightBytes!) / MB).toFixed(2)})`,
  ])
  return lines.length
    ? markdown(
        [
          'network',
          'size',
          'precision',
          'runtime',
          'variant',
          'file MB',
          'cold load ms, min / median',
          'warm load ms',
          'first run ms',
          'wasm memory MB',
        ],
        lines,
      )
    : ''
}

const percent = (part: number) => `${(part * 100).toFixed(1)} %`

function markdown(head: string[], lines: (string | number)[][]): string {
  const cells = [head, head.map(() => '---'), ...lines]
  return cells.map((line) => `| ${line.join(' | ')} |`).join('\n')
}
