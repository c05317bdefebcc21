/**
 * `import { runCli } from 'dynedge/cli'`: the command line, for programs in Node.
 * @module dynedge/cli
 */
import { Command, CommanderError } from 'commander'
import { DynedgeError } from '../errors.ts'
import { benchCommand } from './bench.ts'
import { compareCommand } from './compare.ts'
import { evalCommand } from './eval.ts'
import { Exit } from './exit.ts'
import { inspectCommand } from './inspect.ts'
import { networksCommand } from './networks.ts'
import { complain, printJson } from './output.ts'
import { packCommand } from './pack.ts'
import { packageVersion } from './package.ts'
import { runCommand } from './run.ts'
import { unpackCommand } from './unpack.ts'

const COMMANDS = [
  runCommand,
  evalCommand,
  compareCommand,
  packCommand,
  unpackCommand,
  inspectCommand,
  networksCommand,
  benchCommand,
]

/**
 * Runs a command line of `dynedge`, as the program of that name does: `runCli(['run', 'photo.jpg', '--json'])`. Answers go to standard
 * output, complaints to standard error. It ends no process and sets no exit code.
 * @param args what would follow `dynedge` in a shell, one word each
 * @returns the exit code: 0, or 1 for whatever went wrong, which was then said
 */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = new Command('dynedge')
    .description('Runs dynamic-convolution networks from packed bundles. Every command takes --json.')
    .version(packageVersion(), '-v, --version')
    .helpCommand(false)
    .exitOverride()
    // Errors come back as exceptions and are printed once, below.
    .configureOutput({ outputError: () => {} })
  for (const add of COMMANDS) add(program, args)
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof Exit) return error.code
    if (error instanceof CommanderError && error.code === 'commander.help') return 1
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    fail(error, args)
    return 1
  }
}

function fail(error: unknown, args: readonly string[]): void {
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error)
  const code = error instanceof DynedgeError ? error.code : error instanceof CommanderError ? 'usage' : 'unexpected'
  complain(message)
  if (process.env.DYNEDGE_DEBUG) console.error(error)
  if (args.includes('--json')) printJson({ error: message, code })
}
