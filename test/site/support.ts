import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'puppeteer-core'
import { openBrowser } from '../browser/page.ts'

const { buildSite } = await import(new URL('../../site/build.mjs', import.meta.url).href)
const { serveSite } = await import(new URL('../../site/serve.mjs', import.meta.url).href)

/** Below a path of its own, as a project's page of a host is. */
const BASE = '/somewhere/else/'
/** Most of it is a machine that tests other things meanwhile. */
export const PATIENCE = { timeout: 60_000 }

export interface Site {
  folder: string
  files: string[]
  clean(): void
}

/** The site, built as `npm run site` builds it. */
export async function builtSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'dynedge-site-'))
  const files: string[] = await buildSite(folder)
  return { folder, files, clean: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface Visit {
  page: Page
  address: string
  /** Errors and warnings of the console. */
  complaints: string[]
  /** Paths that were asked for, below the site. */
  asked: string[]
  closeServer(): void
  close(): Promise<void>
}

/** A browser that has not been here before. */
export async function visit(folder: string, options: { isolated?: boolean } = {}): Promise<Visit> {
  const { address, close: closeServer } = await serveSite(folder, { base: BASE, ...options })
  const { page, complaints, close } = await openBrowser()
  const asked: string[] = []
  page.on('request', (request) => {
    const url = request.url()
    if (/^(blob|data):/.test(url)) return
    asked.push(url.startsWith(address) ? url.slice(address.length) : url)
  })
  await page.setViewport({ width: 1280, height: 900 })
  return {
    page,
    address,
    complaints,
    asked,
    closeServer,
    async close() {
      closeServer()
      await close()
    },
  }
}

export const textOf = (page: Page, selector: string) => page.$eval(selector, (element) => element.textContent!.trim())

/** The demo with its first picture named, or with what went wrong. */
export async function openDemo({ page, address }: Visit, hash = ''): Promise<void> {
  await page.goto('about:blank')
  await page.goto(address + hash)
  await named(page)
}

/** Waits until a picture has been named and timed. */
export async function named(page: Page): Promise<void> {
  await page.waitForFunction(
    `document.querySelector('#fact-ms').textContent !== '–' || !document.querySelector('#fault').hidden`,
    PATIENCE,
  )
}

/** Waits until the likeliest class is `label`. */
export const becomes = (page: Page, label: string) =>
  page.waitForFunction(`document.querySelector('#answers .label').textContent === ${JSON.stringify(label)}`, PATIENCE)

/** Installed with what the site needs, so there once the site is built. */
const AXE = new URL('../../site/node_modules/axe-core/axe.min.js', import.meta.url)

/** What axe finds wrong, as `rule: element`. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(AXE, 'utf8'))
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> }
    }
    const { violations } = await axe.run()
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
}
