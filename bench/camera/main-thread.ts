import type { CDPSession, Page } from 'puppeteer-core'
import { openCameraPage } from './page.ts'

/** What the main thread of a page did, in milliseconds: by the clock, and of processor time, which other processes do not lengthen. */
export interface MainThread {
  seconds: number
  tasks: number
  /** The longest task of any kind, the browser's own included. */
  longest: Duration
  /** The longest in which a script of dynedge ran; its answers and what the page does with them are in it. */
  longestOfDynedge?: Duration & { while: string }
  /** Tasks of more than 16 ms of processor time. */
  over16: number
  over16OfDynedge: number
  /** Tasks of more than 50 ms as the page's own PerformanceObserver reports them. */
  longTasks: number
  /** Longest time between two callbacks of requestAnimationFrame, and between two messages of a channel to itself. */
  frameGap: number
  messageGap: number
  /** Frames that were classified. */
  frames: number
}

interface Duration {
  clock: number
  processor: number
}

interface TraceEvent {
  name: string
  ph: string
  ts: number
  dur?: number
  tdur?: number
  pid: number
  tid: number
  args: { name?: string; data?: { url?: string; fileName?: string } }
}

const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8.execute']

/** Runs in every page before its scripts. Times are the longest gaps until they are read. */
const PROBE = `(() => {
  const probe = (globalThis.probe = { longTasks: 0, frameGap: 0, messageGap: 0 })
  new PerformanceObserver((list) => { probe.longTasks += list.getEntries().length }).observe({ type: 'longtask', buffered: true })
  let frame = performance.now()
  requestAnimationFrame(function look() {
    const now = performance.now()
    probe.frameGap = Math.max(probe.frameGap, now - frame)
    frame = now
    requestAnimationFrame(look)
  })
  const { port1, port2 } = new MessageChannel()
  let message = performance.now()
  port1.onmessage = () => {
    const now = performance.now()
    probe.messageGap = Math.max(probe.messageGap, now - message)
    message = now
    setTimeout(() => { message = performance.now(); port2.postMessage(0) }, 4)
  }
  port2.postMessage(0)
})()`

/**
 * The camera page with dynedge in a worker, from its navigation until `seconds` after its first label, and the same page without
 * dynedge on the same machine: what the second does too is not dynedge's.
 */
export async function mainThreads(model: URL, seconds: number): Promise<{ dynedge: MainThread; control: MainThread }> {
  const { page, origin, close } = await openCameraPage(model)
  try {
    await page.evaluateOnNewDocument(PROBE)
    const control = await watched(page, `${origin}/?control`, seconds)
    const dynedge = await watched(page, origin, seconds)
    return { dynedge, control }
  } finally {
    await close()
  }
}

async function watched(page: Page, address: string, seconds: number): Promise<MainThread> {
  const browser = await page.browser().target().createCDPSession()
  await page.goto('about:blank')
  await browser.send('Tracing.start', {
    transferMode: 'ReturnAsStream',
    traceConfig: { includedCategories: CATEGORIES },
  })
  const start = performance.now()
  await page.goto(address)
  await page.waitForSelector('p:not(:empty)', { timeout: 60_000 })
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const probed = (await page.evaluate('({ ...probe, frames: globalThis.counts?.frames ?? 0 })')) as Pick<
    MainThread,
    'longTasks' | 'frameGap' | 'messageGap' | 'frames'
  >
  const watchedFor = Math.round((performance.now() - start) / 1000)
  const ended = new Promise<string>((resolve) =>
    browser.once('Tracing.tracingComplete', ({ stream }) => resolve(stream!)),
  )
  await browser.send('Tracing.end')
  const events = await read(browser, await ended)
  return { seconds: watchedFor, ...tasksOf(events, new URL(address).origin), ...probed }
}

async function read(session: CDPSession, handle: string): Promise<TraceEvent[]> {
  let text = ''
  for (;;) {
    const { data, eof } = await session.send('IO.read', { handle, size: 1 << 22 })
    text += data
    if (eof) return JSON.parse(text).traceEvents
  }
}

/** Tasks of the main thread of the page at `origin`, and those of them in which scripts of `dist/` ran. */
function tasksOf(events: TraceEvent[], origin: string) {
  const ours = ({ args }: TraceEvent) => (args.data?.url ?? args.data?.fileName ?? '').startsWith(`${origin}/`)
  const scripts = events.filter((event) => event.ph === 'X' && ours(event))
  const main = events.find(
    ({ name, args, pid, tid }) =>
      name === 'thread_name' &&
      args.name === 'CrRendererMain' &&
      scripts.some((script) => script.pid === pid && script.tid === tid),
  )
  if (!main) throw new Error('The trace has no main thread that ran the page.')
  const here = ({ pid, tid }: TraceEvent) => pid === main.pid && tid === main.tid
  const tasks = events.filter((event) => event.name === 'RunTask' && event.ph === 'X' && here(event))
  const dynedge = scripts.filter(
    (event) => here(event) && /\/dist\//.test(event.args.data!.url ?? event.args.data!.fileName!),
  )
  const within = (task: TraceEvent) =>
    dynedge.filter(({ ts }) => ts >= task.ts && ts <= task.ts + task.dur!).map(({ name }) => name)
  const measured = tasks.map((task) => ({
    clock: task.dur! / 1000,
    processor: (task.tdur ?? task.dur!) / 1000,
    names: within(task),
  }))
  const most = (among: typeof measured) => among.reduce((most, one) => (one.processor > most.processor ? one : most))
  const withDynedge = measured.filter(({ names }) => names.length)
  const over16 = (among: typeof measured) => among.filter(({ processor }) => processor > 16).length
  const { clock, processor } = most(measured)
  const longest = withDynedge.length ? most(withDynedge) : undefined
  return {
    tasks: tasks.length,
    longest: { clock, processor },
    longestOfDynedge: longest && {
      clock: longest.clock,
      processor: longest.processor,
      while: [...new Set(longest.names)].join(', '),
    },
    over16: over16(measured),
    over16OfDynedge: over16(withDynedge),
  }
}
