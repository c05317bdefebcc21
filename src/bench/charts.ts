import { PAPER } from './figure7.ts'
import { DYNEDGE, type Report, type Row } from './report.ts'

/** A chart as data: what a plotting library wants, without its words. */
export interface Chart {
  title: string
  note?: string
  kind: 'bars' | 'lines'
  /** Of the values. */
  unit: string
  /** Categories of bars from top to bottom, or numbers along the horizontal axis. */
  labels: (string | number)[]
  /** What the horizontal axis of lines counts. */
  along?: string
  series: Series[]
}

export interface Series {
  name: string
  /** One per label; null where nothing was measured. */
  values: (number | null)[]
  /** Number of its colour; a runtime's is the same in all charts. */
  colour: number
  /** How much paler than that, from 0. */
  shade?: number
  dashed?: boolean
  /** Points alone. */
  dots?: boolean
}

const RUNTIMES = [DYNEDGE, 'onnxruntime-web', 'tensorflow.js', 'litert.js']
const PAPER_COLOUR = 7

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
const rounded = (value: number) => Number(value.toPrecision(4))

/** The charts that a report has numbers for. */
export function chartsOf(report: Report): Chart[] {
  const sizes = unique(report.rows.map(({ size }) => size))
  return [
    ...(sizes.length > 1 ? overSizes(report) : bars(report)),
    ...reduced(report),
    ...stepRates(report),
    ...firstResults(report),
  ]
}

const who = ({ runtime, variant, threads, form }: Row, forms: boolean, variants: boolean, threaded: boolean) =>
  [
    runtime,
    forms && form ? `(${form})` : '',
    variants ? (variant ?? '') : '',
    threaded ? `${threads} thread${threads > 1 ? 's' : ''}` : '',
  ]
    .filter(Boolean)
    .join(' ')

/** Names of the contenders of some rows: only as much as tells them apart. */
function namer(rows: readonly Row[]): (row: Row) => string {
  const several = (of: (row: Row) => unknown) => unique(rows.map(of)).length > 1
  const own = rows.filter(({ variant }) => variant)
  const variants = unique(own.map(({ variant }) => variant)).length > 1
  const forms = rows.some((row) => rows.some((other) => other.form !== row.form && sameBut(row, other, 'form')))
  const threaded = several(({ threads }) => threads)
  return (row) => who(row, forms, variants, threaded)
}

function sameBut(a: Row, b: Row, key: keyof Row): boolean {
  const keys = ['runtime', 'network', 'precision', 'variant', 'threads', 'size', 'form'] as const
  return keys.every((other) => other === key || a[other] === b[other])
}

/** The colour of a contender's runtime, paler for each of its contenders before. */
function colours(
  contenders: readonly string[],
  runtimeOf: (contender: string) => string,
): Pick<Series, 'colour' | 'shade'>[] {
  const seen = new Map<string, number>()
  return contenders.map((contender) => {
    const runtime = runtimeOf(contender)
    const shade = seen.get(runtime) ?? 0
    seen.set(runtime, shade + 1)
    return { colour: Math.max(0, RUNTIMES.indexOf(runtime)), shade }
  })
}

function bars({ rows }: Report): Chart[] {
  return unique(rows.map(({ precision }) => precision)).map((precision) => {
    const some = rows.filter((row) => row.precision === precision)
    const networks = unique(some.map(({ network }) => network))
    const name = namer(some)
    const contenders = unique(some.map(name))
    const runtimeOf = (contender: string) => some.find((row) => name(row) === contender)!.runtime
    const colour = colours(contenders, runtimeOf)
    return {
      title: `Latency, ${precision}`,
      note: `${some[0].size} x ${some[0].size}, minimum; shorter is faster.`,
      kind: 'bars' as const,
      unit: 'ms',
      labels: networks,
      series: contenders.map((contender, index) => ({
        name: contender,
        ...colour[index],
        values: networks.map((network) => {
          const row = some.find((other) => other.network === network && name(other) === contender)
          return row ? rounded(row.ms.min) : null
        }),
      })),
    }
  })
}

function overSizes({ rows }: Report): Chart[] {
  return unique(rows.map(({ precision }) => precision)).map((precision) => {
    const some = rows.filter((row) => row.precision === precision)
    const sizes = unique(some.map(({ size }) => size)).sort((a, b) => a - b)
    const name = namer(some)
    const runtimes = unique(some.map(name))
    const networks = unique(some.map(({ network }) => network))
    const lines = unique(some.map((row) => `${row.network}, ${name(row)}`))
    return {
      title: `Latency over input size, ${precision}`,
      note: 'Squares; minimum. Logarithmic scale.',
      kind: 'lines' as const,
      unit: 'ms',
      along: 'input size in pixels',
      labels: sizes,
      series: lines.map((line) => {
        const members = some.filter((row) => `${row.network}, ${name(row)}` === line)
        const { network } = members[0]
        return {
          name: line,
          colour: runtimes.length > 1 ? RUNTIMES.indexOf(members[0].runtime) : networks.indexOf(network),
          shade: runtimes.length > 1 && networks.indexOf(network) > 1 ? 3 : 0,
          dashed: runtimes.length > 1 && networks.indexOf(network) % 2 > 0,
          values: sizes.map((size) => {
            const row = members.find((other) => other.size === size)
            return row ? rounded(row.ms.min) : null
          }),
        }
      }),
    }
  })
}

/** Figure 7 of the DyNet paper. */
function reduced({ reductions }: Report): Chart[] {
  const own = reductions.filter(({ points }) => points.length > 1)
  if (!own.length) return []
  const sizes = unique(own.flatMap(({ points }) => points.map(({ size }) => size))).sort((a, b) => a - b)
  const pairs = unique(own.map(({ dynamic }) => dynamic))
  return unique(own.map(({ precision }) => precision)).map((precision) => {
    const some = own.filter((reduction) => reduction.precision === precision)
    const runtimes = unique(some.map(({ runtime }) => runtime))
    const paper: Series = {
      name: 'dy-mobile, the paper (Table 2)',
      values: sizes.map((size) => (size === PAPER.size ? rounded(PAPER.reduced * 100) : null)),
      colour: PAPER_COLOUR,
      dots: true,
    }
    return {
      title: `Latency reduced ratio over input size, ${precision}`,
      note: '1 - latency of the dynamic network / latency of the fixed one: Figure 7 of the DyNet paper. Dy-mobile against MobileNetV2, Dy-shuffle against ShuffleNetV2.',
      kind: 'lines' as const,
      unit: '%',
      along: 'input size in pixels',
      labels: sizes,
      series: [
        ...some.map(({ dynamic, runtime, points }) => ({
          name: `${dynamic}, ${runtime}`,
          colour: runtimes.length > 1 ? RUNTIMES.indexOf(runtime) : pairs.indexOf(dynamic),
          dashed: runtimes.length > 1 && pairs.indexOf(dynamic) > 0,
          values: sizes.map((size) => {
            const point = points.find((other) => other.size === size)
            return point ? rounded(point.reduced * 100) : null
          }),
        })),
        ...(sizes.includes(PAPER.size) && precision === 'f32' ? [paper] : []),
      ],
    }
  })
}

function stepRates({ steps, peaks }: Report): Chart[] {
  return unique(steps.map(({ precision, variant }) => `${precision} ${variant}`)).map((build) => {
    const some = steps.filter(({ precision, variant }) => `${precision} ${variant}` === build)
    const best = peaks.find(({ variant }) => variant === some[0].variant)!.best
    const kinds = unique(some.flatMap(({ classes }) => classes.filter(({ rate }) => rate > 0).map(({ does }) => does)))
    return {
      title: `Share of the best float32 rate by kind of step, ${build}`,
      note: `The best this build reaches on this machine: ${best.toFixed(1)} GMAC/s.`,
      kind: 'bars' as const,
      unit: '%',
      labels: kinds,
      series: some.map(({ network, size, classes }, index) => ({
        name: unique(some.map((step) => step.size)).length > 1 ? `${network} ${size}` : network,
        colour: index,
        values: kinds.map((kind) => {
          const group = classes.find(({ does }) => does === kind)
          return group ? rounded((group.rate / best) * 100) : null
        }),
      })),
    }
  })
}

function firstResults({ load }: Report): Chart[] {
  if (!load.length) return []
  const runtimes = unique(load.map(({ runtime }) => runtime))
  const labels = unique(load.map(({ network, precision }) => `${network} ${precision}`))
  return [
    {
      title: 'From bytes in memory to the first result',
      note: 'In a fresh process, minimum.',
      kind: 'bars',
      unit: 'ms',
      labels,
      series: runtimes.map((runtime) => ({
        name: runtime,
        colour: RUNTIMES.indexOf(runtime),
        values: labels.map((label) => {
          const times = load.filter((time) => time.runtime === runtime && `${time.network} ${time.precision}` === label)
          return times.length ? rounded(Math.min(...times.map(({ toFirstResult }) => toFirstResult.min))) : null
        }),
      })),
    },
  ]
}
