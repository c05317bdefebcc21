import { BarController, BarElement, CategoryScale, Chart, LinearScale, Tooltip } from 'chart.js'

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip)

interface Step {
  step: string
  kind: string
  ms: number
}

let drawn: { chart?: Chart; draw(): void } | undefined

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const plain = (colour: string) => style(colour.slice('var('.length, -1))

/** One bar a step, in the order in which they run; drawn anew when the system turns light or dark. */
export function drawSteps(canvas: HTMLCanvasElement, steps: readonly Step[], colourOf: (kind: string) => string): void {
  if (!drawn) matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawn?.draw())
  drawn?.chart?.destroy()
  const draw = () => {
    drawn?.chart?.destroy()
    drawn!.chart = chartOf(canvas, steps, (kind) => plain(colourOf(kind)))
  }
  drawn = { draw }
  draw()
}

function chartOf(canvas: HTMLCanvasElement, steps: readonly Step[], colour: (kind: string) => string): Chart {
  const [ink, line] = [style('--soft'), style('--line')]
  Object.assign(Chart.defaults.font, { family: 'system-ui, sans-serif', size: 12 })
  return new Chart(canvas, {
    type: 'bar',
    data: {
      labels: steps.map(({ step }) => step),
      datasets: [
        {
          data: steps.map(({ ms }) => ms),
          backgroundColor: steps.map(({ kind }) => colour(kind)),
          barPercentage: 1,
          categoryPercentage: 0.9,
          minBarLength: 1,
        },
      ],
    },
    options: {
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: 'index', intersect: false },
      scales: {
        x: {
          ticks: { display: false },
          grid: { display: false },
          border: { color: line },
          title: { display: true, text: 'steps, first to last', color: ink },
        },
        y: {
          ticks: { color: ink, maxTicksLimit: 5, callback: (value) => `${value} ms` },
          grid: { color: line },
          border: { display: false },
        },
      },
      plugins: {
        tooltip: {
          callbacks: { label: ({ dataIndex }) => `${steps[dataIndex].kind}: ${steps[dataIndex].ms.toFixed(4)} ms` },
        },
      },
    },
  })
}
