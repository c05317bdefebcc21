import { existsSync } from 'node:fs'
import puppeteer from 'puppeteer-core'
import { asJson, parsed, type Session } from './browsers.ts'
import { listen } from './page.ts'

const CANDIDATES = process.env.FIREFOX ? [process.env.FIREFOX] : ['/usr/bin/firefox-esr', '/usr/bin/firefox']
const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
}

/** A headless Firefox with a profile of its own and `more` preferences, driven by WebDriver BiDi. */
export async function openFirefox(more: Record<string, unknown> = {}): Promise<Session> {
  const executablePath = CANDIDATES.find(existsSync)
  if (!executablePath)
    throw new Error('There is no Firefox here: apt-get update && apt-get install -y firefox-esr (or FIREFOX=<path>).')
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    extraPrefsFirefox: { ...PREFERENCES, ...more },
  })
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
