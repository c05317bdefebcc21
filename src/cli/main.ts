#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { DynedgeError } from '../errors.ts'
import { benchCommand } from './bench.ts'
import { compareCommand } from './compare.ts'
import { evalCommand } from './eval.ts'
import { inspectCommand } from './inspect.ts'
import { networksCommand } from './networks.ts'
import { complain, printJson } from './output.ts'
import { packCommand } from './pack.ts'
import { packageVersion } from './package.ts'
import { runCommand } from './run.ts'
import { unpackCommand } from './unpack.ts'

const program = new Command('dynedge')
  .description('Runs dynamic-convolution networks from packed bundles. Every command takes --json.')
  .version(packageVersion(), '-v, --version')
  .helpCommand(false)
  .exitOverride()
  // Errors come back as exceptions and are printed once, below.
  .configureOutput({ outputError: () => {} })

const commands = [
  runCommand,
  evalCommand,
  compareCommand,
  packCommand,
  unpackCommand,
  inspectCommand,
  networksCommand,
  benchCommand,
]
for (const add of commands) add(program)

// A reader that stops early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError && error.code === 'commander.help') process.exitCode = 1
  else if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = 0
  else fail(error)
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error)
  const code = error instanceof DynedgeError ? error.code : error instanceof CommanderError ? 'usage' : 'unexpected'
  complain(message)
  if (process.env.DYNEDGE_DEBUG) console.error(error)
  if (process.argv.includes('--json')) printJson({ error: message, code })
  process.exitCode = 1
}
