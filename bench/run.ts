import { CommanderError } from 'commander'
import { DynedgeError } from '../src/errors.ts'
import { benchInBrowser, servePage } from './browser/run.ts'
import { measure } from './measure.ts'
import { parse } from './options.ts'
import { writePage } from './page.ts'
import { measureParts } from './parts.ts'
import { markdown } from './table.ts'

/** Runs the bench; `argv` without node and script. Returns the exit code. */
export async function main(argv: string[]): Promise<number> {
  try {
    const options = await parse(argv)
    if (options.page !== undefined) await servePage(options.page)
    if (options.all || options.part.length || options.write) {
      await measureParts(options)
      return 0
    }
    const report = await (options.browser ? benchInBrowser(options) : measure(options))
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : markdown(report))
    if (options.html) await writePage(options.html, [{ title: 'Latency', report }])
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof DynedgeError) {
      process.stderr.write(`${error.message}\n`)
      return 1
    }
    throw error
  }
}

// A pool of a peer's workers would keep the process alive.
if (process.argv[1]?.endsWith('run.ts')) process.exit(await main(process.argv.slice(2)))
