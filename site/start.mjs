// npm run site: builds the demo site; with --serve also serves it.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { buildSite } from './build.mjs'
import { serveSite } from './serve.mjs'

const out = join(dirname(fileURLToPath(import.meta.url)), 'build')
const options = new Command('npm run site --')
  .description('build the demo site and its bench page into site/build/')
  .option('--serve', 'serve it on this machine until stopped')
  .option('--port <number>', 'where to serve it', Number, 8080)
  .option('--no-isolation', 'serve it without the headers that threads want, as many static hosts do')
  .parse()
  .opts()

try {
  const files = await buildSite(out)
  process.stdout.write(`${files.length} files in site/build/\n`)
  if (options.serve) {
    const { address } = await serveSite(out, { port: options.port, isolated: options.isolation })
    process.stdout.write(`The site is at ${address} until you stop this (Ctrl+C).\n`)
  }
} catch (error) {
  process.stderr.write(`site: ${error.message}\n`)
  process.exitCode = 1
}
