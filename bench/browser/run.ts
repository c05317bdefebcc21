import { existsSync } from 'node:fs'
import { launch } from 'puppeteer-core'
import type { Report } from '../../src/bench/report.ts'
import { DynedgeError } from '../../src/errors.ts'
import type { Options } from '../options.ts'
import type { bench } from './client.ts'
import { serveBench } from './serve.ts'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Serves the bench page until the process is stopped; port 0: any that is free. */
export async function servePage(port: number): Promise<void> {
  const { origin } = await serveBench(port)
  process.stderr.write(`The bench page is at ${origin}/ until you stop this (Ctrl+C).\n`)
  await new Promise(() => {})
}

/** The bench in a headless Chromium instead of Node: the same contenders, in the bench page. */
export async function benchInBrowser(options: Options): Promise<Report> {
  const { networks, sizes, precisions, variants, threads, peers, seconds } = options
  if (threads.length > 1)
    throw new DynedgeError('usage', `--browser takes one number of threads at a time, got ${threads.join(',')}.`)
  const executablePath = process.env.CHROMIUM ?? CANDIDATES.find((path) => existsSync(path))
  if (!executablePath)
    throw new DynedgeError(
      'usage',
      `There is no Chromium at ${CANDIDATES.join(', ')}: install it, or name it by CHROMIUM=<path>.`,
    )
  const { server, origin } = await serveBench()
  const browser = await launch({ executablePath, args: ['--no-sandbox'], protocolTimeout: 0 })
  try {
    const page = await browser.newPage()
    page.on('console', (message) => {
      if (message.type() === 'info') process.stderr.write(`${message.text()}\n`)
    })
    await page.goto(`${origin}/`)
    const asked = {
      networks,
      sizes,
      precisions,
      variants,
      threads: threads[0],
      peers: peers.filter((name) => name !== 'none'),
      seconds,
    }
    await page.waitForFunction('globalThis.dynedgeBench')
    const { report, fault } = await page.evaluate(async (given): Promise<{ report?: Report; fault?: string }> => {
      const { dynedgeBench } = globalThis as unknown as { dynedgeBench: typeof bench }
      try {
        return { report: await dynedgeBench(given, (text) => console.info(text)) }
      } catch (error) {
        return { fault: error instanceof Error ? error.message : String(error) }
      }
    }, asked)
    if (!report) throw new DynedgeError('unsupported-engine', `In Chromium: ${fault}`)
    const engine = { ...report.engine, browser: `${await browser.version()}` }
    return { ...report, engine }
  } finally {
    await browser.close()
    server.close()
  }
}
