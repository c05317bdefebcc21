import type { Machine } from '../../src/bench/report.ts'
import { tableText } from '../table.ts'
import { type FirstLabel, ownWork, type Visit } from './first-label.ts'
import type { MainThread } from './main-thread.ts'
import type { Endurance } from './memory.ts'

/** Where and when a part was measured. */
export interface Origin {
  machine: Machine
  browser: string
  commit: string
  date: string
  model: string
}

export interface Results {
  mainThread: Origin & { dynedge: MainThread; control: MainThread }
  /** The bundle kept by the browser's own cache, and by `load(url, { cache: true })`. */
  firstLabel: Origin & { browserCache: FirstLabel; cache?: FirstLabel }
  memory: Origin & Endurance
}

/** The results for people, as Markdown. */
export function resultsText({ mainThread, firstLabel, memory }: Partial<Results>): string {
  return [
    mainThread && mainThreadText(mainThread),
    firstLabel && firstLabelText(firstLabel),
    memory && memoryText(memory),
  ]
    .filter(Boolean)
    .join('\n')
}

const ms = (value: number) => value.toFixed(1)
const mb = (bytes: number) => (bytes / 1e6).toFixed(2)

function originText({ machine, browser, commit, date, model }: Origin): string {
  const load = machine.load === undefined ? '' : `, load ${machine.load.toFixed(1)}`
  return `${model}; ${machine.cpu}, ${machine.cores} cores${load}; ${browser}; dynedge ${commit}; ${date}`
}

function mainThreadText(measured: Results['mainThread']): string {
  const { dynedge, control } = measured
  const both = (what: string, of: (thread: MainThread) => string) => [what, of(dynedge), of(control)]
  const lines = [
    both('tasks', ({ tasks }) => `${tasks}`),
    both('longest in which a script of dynedge ran, ms of processor time', ({ longestOfDynedge }) =>
      longestOfDynedge ? ms(longestOfDynedge.processor) : '-',
    ),
    both('the same by the clock', ({ longestOfDynedge }) => (longestOfDynedge ? ms(longestOfDynedge.clock) : '-')),
    both('tasks of dynedge over 16 ms', ({ over16OfDynedge }) => `${over16OfDynedge}`),
    both('longest task of all, ms of processor time', ({ longest }) => ms(longest.processor)),
    both('the same by the clock', ({ longest }) => ms(longest.clock)),
    both('long tasks (50 ms) that PerformanceObserver tells of', ({ longTasks }) => `${longTasks}`),
    both('longest time between two animation frames, ms', ({ frameGap }) => ms(frameGap)),
    both('longest wait for a message that is due, ms', ({ messageGap }) => ms(messageGap)),
    both('frames classified', ({ frames }) => `${frames}`),
  ]
  return `## The main thread, ${dynedge.seconds} s from navigation on, loading included

${originText(measured)}

${tableText({ head: ['', 'with dynedge in a worker', 'the same page without dynedge'], lines })}
`
}

const STAGES: [keyof Visit, string][] = [
  ['script', "navigation, to the page's own script"],
  ['import', "dynedge's first script"],
  ['weights', 'worker, kernels compiled, header, plan'],
  ['read', 'weights from the cache into wasm memory'],
  ['loaded', 'checks; the network is loaded'],
  ['camera', 'the camera is on (meanwhile; not our work)'],
  ['asked', 'a frame to classify (waiting; not our work)'],
  ['answered', 'classified'],
  ['label', 'label in the page'],
]

function firstLabelText(measured: Results['firstLabel']): string {
  const { browserCache, cache } = measured
  return `## From navigation to the first label, milliseconds since navigation

${originText(measured)}

The bundle in the browser's own cache:

${visitsText(browserCache)}
${cache ? `\nThe bundle kept by \`load(url, { cache: true, integrity })\`, and by nothing else:\n\n${visitsText(cache)}\n` : ''}`
}

function visitsText({ cold, cached, fetchesOfBundle }: FirstLabel): string {
  const spread = (name: string, of: (visit: Visit) => number) => {
    const times = cached.map(of).sort((a, b) => a - b)
    return [name, ms(times[0]), ms(times[times.length >> 1]), ms(times.at(-1)!), ms(of(cold))]
  }
  const lines = [
    ...STAGES.map(([stage, name]) => spread(name, (visit) => visit[stage])),
    spread('**our own work**', ownWork),
  ]
  return tableText({
    title: `${cached.length} visits; the bundle was fetched ${fetchesOfBundle === 1 ? 'once' : `${fetchesOfBundle} times`}, at the first`,
    head: ['', 'least', 'median', 'most', 'first visit, nothing cached'],
    lines,
  })
}

function memoryText(measured: Results['memory']): string {
  const { samples, seconds, asked, answered, failed, frames, dropped, classes } = measured
  const [first] = samples
  const change = (of: (sample: (typeof samples)[number]) => number) => {
    const parts = samples.map((sample) => (100 * of(sample)) / of(first) - 100)
    return `${Math.min(...parts).toFixed(1)} to ${Math.max(...parts).toFixed(1)} %`
  }
  const line = (name: string, of: (sample: (typeof samples)[number]) => number) => [
    name,
    mb(of(first)),
    mb(of(samples.at(-1)!)),
    change(of),
  ]
  const lines = [
    line('wasm memory', ({ wasmBytes }) => wasmBytes),
    line('JavaScript heap of the page, after a collection', ({ pageBytes }) => pageBytes),
    line('JavaScript heap of the worker, after a collection', ({ workerBytes }) => workerBytes),
    line('the process of both, private', ({ residentBytes }) => residentBytes),
  ]
  return `## ${(seconds / 60).toFixed(0)} minutes of a camera at full speed

${originText(measured)}

${asked} calls asked for, ${answered} answered, ${failed} failed: ${frames} frames of the camera by \`net.stream\` (${dropped} dropped for newer
ones), the others by two loops of \`classify\` beside it. ${classes.length} classes were named: ${classes.join(', ')}.

${tableText({ head: ['MB', 'first', 'last', `difference from the first, ${samples.length} looks`], lines })}
`
}
