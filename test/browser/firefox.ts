import { existsSync } from 'node:fs'
import puppeteer, { type Browser } from 'puppeteer-core'
import { asJson, parsed, type Session } from './browsers.ts'
import { listen } from './page.ts'

const CANDIDATES = process.env.FIREFOX ? [process.env.FIREFOX] : ['/usr/bin/firefox-esr', '/usr/bin/firefox']
const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
}

/**
 * A headless Firefox with a profile of its own and `more` preferences, driven by WebDriver BiDi. `watched`: it watches the workers of pages for
 * the driver, as it does for open developer tools; no user's Firefox does, and `new Worker` in a worker may hang for it (docs/browsers.md).
 */
export async function openFirefox(more: Record<string, unknown> = {}, watched = false): Promise<Session> {
  const executablePath = CANDIDATES.find(existsSync)
  if (!executablePath)
    throw new Error('There is no Firefox here: apt-get update && apt-get install -y firefox-esr (or FIREFOX=<path>).')
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox: { ...PREFERENCES, ...more },
    args: ['--remote-allow-system-access'],
  })
  if (!watched) await unwatch(browser)
  const page = await browser.newPage()
  return {
    version: await browser.version(),
    complaints: listen(page),
    hearsBrowser: true,
    goto: async (address) => void (await page.goto(address)),
    evaluate: async (expression) => parsed(await page.evaluate(asJson(expression))),
    close: () => browser.close(),
  }
}

/** Of puppeteer's own, what is used here. */
interface Connection {
  send(method: string, params: object): Promise<{ result: { contexts?: { context: string }[] } }>
}

/** In the browser's own window, which may do anything. */
async function unwatch(browser: Browser): Promise<void> {
  const { connection } = browser as unknown as { connection: Connection }
  const tree = await connection.send('browsingContext.getTree', { 'moz:scope': 'chrome' })
  const expression = "ChromeUtils.unregisterProcessActor('WebDriverWorkerListener')"
  const target = { context: tree.result.contexts![0].context }
  await connection.send('script.evaluate', { expression, target, awaitPromise: false })
}
