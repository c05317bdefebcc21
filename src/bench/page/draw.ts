import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  Tooltip,
} from 'chart.js'
import type { Chart as Drawn, Series } from '../charts.ts'

Chart.register(BarController, BarElement, LineController, LineElement, PointElement)
Chart.register(CategoryScale, LinearScale, LogarithmicScale, Legend, Tooltip)

const COLOURS = 8
const BAR_PIXELS = 15
const FRAME_PIXELS = 90
const SHADE = 0.22
const PALEST = 0.25

let drawn: Chart[] = []

/** Draws every `canvas[data-chart]` below `root`, and again whenever the system turns light or dark. */
export function drawAll(charts: readonly Drawn[], root: ParentNode): void {
  const draw = () => {
    for (const chart of drawn) chart.destroy()
    drawn = [...root.querySelectorAll<HTMLCanvasElement>('canvas[data-chart]')].map((canvas) => {
      const chart = charts[Number(canvas.dataset.chart)]
      const bars = chart.labels.length * chart.series.length
      canvas.parentElement!.style.height =
        chart.kind === 'bars' ? `${bars * BAR_PIXELS + chart.labels.length * 12 + FRAME_PIXELS}px` : ''
      return new Chart(canvas, (chart.kind === 'bars' ? barsOf(chart) : linesOf(chart)) as ChartConfiguration)
    })
  }
  draw()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
}

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Paler shades let the card shine through. */
function colourOf({ colour, shade = 0 }: Series): string {
  const part = Math.round(100 * Math.max(PALEST, 1 - shade * SHADE))
  return `color-mix(in srgb, ${style(`--series-${colour % COLOURS}`)} ${part}%, ${style('--card')})`
}

function look() {
  Object.assign(Chart.defaults.font, { family: 'system-ui, sans-serif', size: 12 })
  return { ink: style('--soft'), line: style('--line'), paper: style('--card') }
}

function barsOf({ labels, series, unit }: Drawn): ChartConfiguration<'bar'> {
  const { ink, line } = look()
  const datasets: ChartDataset<'bar'>[] = series.map((one) => ({
    label: one.name,
    data: one.values as number[],
    backgroundColor: colourOf(one),
    borderRadius: 2,
    barPercentage: 0.95,
    categoryPercentage: 0.85,
  }))
  const numbers = { color: ink, maxRotation: 0, callback: (value: string | number) => `${value} ${unit}` }
  return {
    type: 'bar',
    data: { labels: labels.map(String), datasets },
    options: {
      indexAxis: 'y',
      maintainAspectRatio: false,
      animation: false,
      scales: {
        x: { beginAtZero: true, ticks: numbers, grid: { color: line }, border: { display: false } },
        y: { ticks: { color: ink }, grid: { display: false }, border: { color: line } },
      },
      plugins: plugins(unit, ink),
    },
  }
}

function linesOf({ labels, series, unit, along }: Drawn): ChartConfiguration<'line'> {
  const { ink, line, paper } = look()
  const datasets: ChartDataset<'line'>[] = series.map((one) => ({
    label: one.name,
    data: one.values.map((y, index) => ({ x: Number(labels[index]), y: y as number })),
    borderColor: colourOf(one),
    backgroundColor: colourOf(one),
    pointBackgroundColor: one.dots ? colourOf(one) : paper,
    borderDash: one.dashed ? [6, 4] : [],
    borderWidth: 2,
    pointRadius: one.dots ? 7 : 3,
    pointStyle: one.dots ? 'rectRot' : 'circle',
    showLine: !one.dots,
    spanGaps: true,
    // Half a point beyond the frame is still a point.
    clip: 8,
  }))
  const numbers = { color: ink, maxRotation: 0, callback: (value: string | number) => `${value} ${unit}` }
  const logarithmic = unit === 'ms'
  return {
    type: 'line',
    data: { labels, datasets },
    options: {
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: 'index', intersect: false },
      scales: {
        x: {
          type: 'linear',
          min: Number(labels[0]),
          max: Number(labels.at(-1)),
          ticks: { color: ink, maxRotation: 0 },
          grid: { color: line },
          title: { display: true, text: along, color: ink },
          afterBuildTicks: (axis) => {
            axis.ticks = labels.map((size) => ({ value: Number(size) }))
          },
        },
        y: {
          type: logarithmic ? 'logarithmic' : 'linear',
          ticks: numbers,
          grid: { color: line },
          border: { display: false },
          afterBuildTicks: (axis) => {
            if (logarithmic) axis.ticks = axis.ticks.filter(({ value }) => isRound(value))
          },
        },
      },
      plugins: plugins(unit, ink, true),
    },
  }
}

/** 1, 2 or 5 times a power of ten: more marks would run into each other. */
function isRound(value: number): boolean {
  const digit = Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9))
  return [1, 2, 5].includes(digit)
}

const LEGEND = { boxWidth: 14, boxHeight: 10 }
/** Shows which lines are dashed, and what is a point only. */
const LINE_LEGEND = {
  usePointStyle: true,
  pointStyleWidth: 28,
  generateLabels: (chart: Chart) =>
    Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item) => {
      const { borderDash, showLine } = chart.data.datasets[item.datasetIndex!] as ChartDataset<'line'>
      return { ...item, lineDash: borderDash as number[], pointStyle: showLine ? ('line' as const) : item.pointStyle }
    }),
}

const plugins = (unit: string, color: string, lines = false) => ({
  legend: { position: 'bottom' as const, labels: { color, ...(lines ? LINE_LEGEND : LEGEND) } },
  tooltip: {
    callbacks: {
      label: ({ dataset, formattedValue }: { dataset: { label?: string }; formattedValue: string }) =>
        `${dataset.label}: ${formattedValue} ${unit}`,
    },
  },
})
