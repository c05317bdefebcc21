import type { PageNetwork } from '../../src/browser.ts'
import { KINDS, profileOf } from '../../src/cli/profile.ts'
import { by, make, percent } from './page.ts'

// Where the time goes: kinds of steps as one bar with a legend, every step in a chart and a table.

/** For all runs of one measurement. */
const BUDGET_MS = 250

const body = by('steps-table').querySelector('tbody')!
const title = (kind: string) => kind[0].toUpperCase() + kind.slice(1)
const number = (text: string) => make('td', { className: 'number' }, text)

/** The colour of a kind, the same for every network; fusion has one of its own. */
function colourOf(kind: string): string {
  if (kind === KINDS.fuse) return 'var(--fusion)'
  const others = [...new Set(Object.values(KINDS))].filter((other) => other !== KINDS.fuse)
  return `var(--kind-${others.indexOf(kind) % 8})`
}

by('steps-table').querySelector<HTMLElement>('.scroll')!.tabIndex = 0

/** Measures every step and draws it. Throws as `net.profile` does. */
export async function showSteps(net: PageNetwork, size?: number): Promise<void> {
  const square = size ? ([size, size] as [number, number]) : undefined
  // The clock of a page is coarse: the more runs, the finer the mean.
  const first = await net.profile({ size: square })
  const repetitions = Math.round(Math.min(400, Math.max(20, BUDGET_MS / first.ms)))
  const { ms, kinds, steps } = profileOf(await net.profile({ size: square, repetitions }))
  by('time-text').textContent =
    `${steps.length} steps, each timed by itself in ${repetitions} runs: ${ms.toFixed(2)} ms in all at ${(square ?? net.input.size).join(' × ')}, on one picture of gray.`
  const bar = make('div', { className: 'stack', ariaHidden: 'true' })
  const legend = make('ul', { className: 'legend' })
  for (const { kind, ms: each, share, steps: count } of kinds) {
    const part = make('i', { title: `${kind}: ${each.toFixed(2)} ms` })
    part.style.flexGrow = `${share}`
    const dot = make('i')
    for (const mark of [part, dot]) mark.style.background = colourOf(kind)
    bar.append(part)
    legend.append(
      make(
        'li',
        {},
        dot,
        make('span', { title: `${count} ${count > 1 ? 'steps' : 'step'}` }, title(kind)),
        make('b', {}, `${each.toFixed(2)} ms`),
        make('small', {}, percent(share, 0)),
      ),
    )
  }
  by('kinds').replaceChildren(bar, legend)
  const named = steps.map((step) => ({ ...step, kind: KINDS[step.does as keyof typeof KINDS] ?? step.does }))
  body.replaceChildren(
    ...named.map(({ step, kind, ms: each, share }) =>
      make('tr', {}, make('td', {}, step), make('td', {}, kind), number(each.toFixed(4)), number(percent(share))),
    ),
  )
  by('steps-table').hidden = by('steps-chart').hidden = false
  const { drawSteps } = await import('./steps-chart.ts')
  drawSteps(by<HTMLCanvasElement>('steps'), named, colourOf)
}
