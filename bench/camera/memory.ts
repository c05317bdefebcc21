import { readFileSync } from 'node:fs'
import type { CDPSession } from 'puppeteer-core'
import { heaps, openCameraPage } from './page.ts'

export interface Sample {
  /** Since the first. */
  seconds: number
  pageBytes: number
  workerBytes: number
  wasmBytes: number
  /** Of the process that has the page and its worker, as the system sees it. */
  residentBytes: number
}

export interface Endurance {
  seconds: number
  /** Calls of `classify`: by the stream, and two at a time beside it, so that the worker never rests. */
  asked: number
  answered: number
  failed: number
  /** Frames of the camera that were classified, and those for which there was no time. */
  frames: number
  dropped: number
  /** How many of the photographs of the clip were named at least once, by classes. */
  classes: string[]
  samples: Sample[]
}

/** The page counts what the stream and two loops of `classify` beside it ask for and get. */
const FULL_SPEED = `(() => {
  globalThis.stop = false
  const video = document.querySelector('video')
  globalThis.loops = [0, 1].map(async () => { while (!stop) await net.classify(video, { topK: 1 }) })
})()`

/** A stream from the camera at full speed for `seconds`, memory looked at every `interval` seconds after a collection of garbage. */
export async function endure(model: URL, seconds: number, interval: number): Promise<Endurance> {
  const { page, origin, complaints, close } = await openCameraPage(model)
  try {
    await page.goto(`${origin}/`)
    await page.waitForFunction('globalThis.counts?.frames > 10', { timeout: 60_000 })
    await page.evaluate(FULL_SPEED)
    const session = await page.createCDPSession()
    const processId = await rendererOf(await page.browser().target().createCDPSession())
    const look = async (start: number): Promise<Sample> => {
      const { page: pageBytes, worker: workerBytes } = await heaps(page, session)
      const wasmBytes = (await page.evaluate('net.describe().memoryBytes')) as number
      const seconds = Math.round((performance.now() - start) / 100) / 10
      return { seconds, pageBytes, workerBytes, wasmBytes, residentBytes: residentBytes(processId) }
    }
    // Code is compiled again and caches fill in the first seconds.
    await pause(Math.min(30, seconds / 5))
    const start = performance.now()
    const samples = [await look(start)]
    while (samples.at(-1)!.seconds + interval / 2 < seconds) {
      await pause(interval - (((performance.now() - start) / 1000) % interval))
      samples.push(await look(start))
    }
    const counts = (await page.evaluate(`(async () => {
      stop = true
      await Promise.all(loops)
      // What the stream has asked for is answered within some frames.
      for (let turns = 0; counts.asked !== counts.answered && turns < 2000; ++turns) await new Promise((turn) => setTimeout(turn))
      return { ...counts, classes: [...classes].sort() }
    })()`)) as Omit<Endurance, 'samples' | 'seconds'>
    if (complaints.length) throw new Error(`The page complains: ${complaints.join('; ')}`)
    return { seconds: samples.at(-1)!.seconds, ...counts, samples }
  } finally {
    await close()
  }
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

/** The process of the page: of all renderers the one that has the most memory, for there is one page. */
async function rendererOf(browser: CDPSession): Promise<number> {
  const { processInfo } = await browser.send('SystemInfo.getProcessInfo')
  const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  return renderers.reduce((most, one) => (residentBytes(one) > residentBytes(most) ? one : most))
}

/** Private memory of a process on Linux; 0 elsewhere. */
function residentBytes(processId: number): number {
  try {
    const rollup = readFileSync(`/proc/${processId}/smaps_rollup`, 'utf8')
    const kilobytes = [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].map(([, number]) => Number(number))
    return 1024 * kilobytes.reduce((sum, number) => sum + number, 0)
  } catch {
    return 0
  }
}
