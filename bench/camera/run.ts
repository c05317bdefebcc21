// npm run measure:page -- [main-thread] [first-label] [memory]: what dynedge costs a camera page in Chromium. All three without a
// name; `--minutes 1` for a shorter look at memory, `--write` keeps results in bench/camera/.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { commit, machine } from '../machine.ts'
import { firstLabels } from './first-label.ts'
import { mainThreads } from './main-thread.ts'
import { endure } from './memory.ts'
import { browserVersion } from './page.ts'
import { type Origin, type Results, resultsText } from './results.ts'

const MODEL = new URL('../../models/dynedge-models/dy-mobile-200/dy-mobile-200.int8.safetensors', import.meta.url)
const RESULTS = new URL('results.json', import.meta.url)
const TEXT = new URL('RESULTS.md', import.meta.url)
const WATCHED_SECONDS = 30
const VISITS = 20

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    model: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const model = values.model ? pathToFileURL(values.model) : MODEL
const measures: Record<keyof Results, () => Promise<object>> = {
  mainThread: () => mainThreads(model, WATCHED_SECONDS),
  firstLabel: async () => ({
    browserCache: await firstLabels(model, VISITS),
    cache: await firstLabels(model, VISITS, true),
  }),
  memory: () => endure(model, Number(values.minutes) * 60, Math.max(2, Number(values.minutes) * 2)),
}
const NAMES: Record<string, keyof Results> = {
  'main-thread': 'mainThread',
  'first-label': 'firstLabel',
  memory: 'memory',
}
for (const name of positionals)
  if (!NAMES[name]) {
    process.stderr.write(`There is no measurement ${name}; there are ${Object.keys(NAMES).join(', ')}.\n`)
    process.exit(2)
  }

const results: Partial<Results> = values.write && existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {}
for (const name of positionals.length ? positionals : Object.keys(NAMES)) {
  const origin: Origin = {
    machine: machine(),
    browser: await browserVersion(),
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
    model: model.pathname.split('/').at(-1)!.replace('.safetensors', ''),
  }
  const measured = { ...origin, ...(await measures[NAMES[name]]()) }
  Object.assign(results, { [NAMES[name]]: measured })
  process.stdout.write(resultsText({ [NAMES[name]]: measured }))
  if (values.write) {
    writeFileSync(RESULTS, `${JSON.stringify(results)}\n`)
    writeFileSync(
      TEXT,
      `# A camera page, measured\n\nBy \`npm run measure:page -- --write\`; how, and what it means: docs/browsers.md.\n\n${resultsText(results)}`,
    )
  }
}
