import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '../src/bench/report.ts'
import { DynedgeError } from '../src/errors.ts'
import { commit } from './machine.ts'
import type { Options } from './options.ts'
import { writeResults } from './results.ts'

const THREE = '--networks dy-mobile,dy-shuffle,mobilenetv2'
const OVER_SIZES = '--variants relaxed --no-rates --seconds 0.5'
const SIZES = ['96..128', '160..192', '224..256', '288..320', '352..384', '416..448']
const sizes = Object.fromEntries(
  SIZES.map((some) => [
    `sizes-${some}`,
    [
      `--networks dy-mobile,mobilenetv2 --precisions f32 --sizes ${some} ${OVER_SIZES}`,
      `--networks dy-mobile,mobilenetv2,dy-shuffle,shufflenetv2 --precisions f32,int8 --peers none --sizes ${some} ${OVER_SIZES}`,
    ],
  ]),
)

/** What bench/RESULTS.md is made of: command lines by name, each part a minute or two. */
export const PARTS: Record<string, readonly string[]> = {
  relaxed: [`${THREE} --variants relaxed --seconds 1.2`],
  simd: [`${THREE} --variants simd --seconds 1.2`],
  'no-vnni': [`${THREE} --variants relaxed --precisions f32,int8 --no-vnni --no-rates --seconds 1`],
  baseline: [`${THREE} --variants simd --peers none --no-rates --seconds 1.5`],
  forms: ['--networks dy-mobile,dy-shuffle --variants relaxed --precisions f32 --forms --no-rates --seconds 0.6'],
  ...sizes,
  threads: [
    '--networks dy-mobile,mobilenetv2 --variants relaxed --precisions f32,int8 --threads 1,2 --no-rates --seconds 1.5',
  ],
  'loading-dy-mobile': ['--networks dy-mobile --variants relaxed --precisions f32,int8 --no-latency --load'],
  'loading-mobilenetv2': ['--networks mobilenetv2 --variants relaxed --precisions f32,int8 --no-latency --load'],
}

/** A part as it is kept between runs. */
interface Kept {
  /** Commit and digest of the kernels that were measured. */
  of: string
  report: Report
}

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'bench', 'build', 'parts')
const say = (text: string) => process.stderr.write(`${text}\n`)

/** Measures parts, each in a process of its own, unless this commit's are there; then writes the results if asked to. */
export async function measureParts({ all, part, fresh, write }: Options): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const asked = all ? Object.keys(PARTS) : part
  const failed: string[] = []
  for (const [index, name] of asked.entries()) {
    const where = `part ${index + 1} of ${asked.length}, ${name}`
    if (!fresh && keptPart(name)?.of === measured()) {
      say(`${where}: measured before`)
      continue
    }
    say(where)
    const reports: Report[] = []
    for (const line of PARTS[name]) {
      const output = await runBench(line.split(' '))
      if (output !== undefined) reports.push(JSON.parse(output))
    }
    if (reports.length < PARTS[name].length) failed.push(name)
    else writeFileSync(pathOf(name), JSON.stringify({ of: measured(), report: merged(reports) } satisfies Kept))
  }
  if (write) await writeResults(root, keptReports())
  if (failed.length)
    throw new DynedgeError('usage', `Not measured, for the reasons above: ${failed.join(', ')}. --part measures one.`)
}

/** Whatever was measured last, by part. */
function keptReports(): Map<string, Report> {
  const found = new Map<string, Report>()
  const of = new Set<string>()
  for (const name of Object.keys(PARTS)) {
    const kept = keptPart(name)
    if (!kept) continue
    found.set(name, kept.report)
    of.add(kept.of)
  }
  if (of.size > 1) say(`The parts are of several commits (${[...of].join(', ')}); --all makes the old ones new.`)
  return found
}

const pathOf = (name: string) => join(folder, `${name}.json`)

function keptPart(name: string): Kept | undefined {
  return existsSync(pathOf(name)) ? JSON.parse(readFileSync(pathOf(name), 'utf8')) : undefined
}

let known: string | undefined

function measured(): string {
  if (known) return known
  const digest = createHash('sha256')
  for (const variant of ['simd', 'relaxed']) digest.update(readFileSync(join(root, 'build', `${variant}.wasm`)))
  known = `${commit()} ${digest.digest('hex').slice(0, 8)}`
  return known
}

/** Standard output of the bench, in the Node that bench/start.mjs picks; undefined where it failed. */
function runBench(args: string[]): Promise<string | undefined> {
  const node = process.env.npm_node_execpath ?? process.execPath
  const child = spawn(node, [join(root, 'bench', 'start.mjs'), ...args, '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? Buffer.concat(chunks).toString() : undefined))
  })
}

/** Reports of one machine and engine as one. */
export function merged(reports: readonly Report[]): Report {
  const [first] = reports
  const all = <T>(of: (report: Report) => readonly T[]) => reports.flatMap((report) => [...of(report)])
  return {
    ...first,
    engine: { ...first.engine, peers: Object.assign({}, ...reports.map(({ engine }) => engine.peers)) },
    rows: all(({ rows }) => rows),
    ratios: all(({ ratios }) => ratios),
    reductions: joined(all(({ reductions }) => reductions)),
    peaks: all(({ peaks }) => peaks),
    steps: all(({ steps }) => steps),
    load: all(({ load }) => load),
  }
}

/** The same pair on the same runtime over several sizes is one. */
function joined(reductions: Report['reductions']): Report['reductions'] {
  const found = new Map<string, Report['reductions'][number]>()
  for (const one of reductions) {
    const key = [one.dynamic, one.runtime, one.precision, one.variant].join(' ')
    const known = found.get(key)
    if (known) known.points.push(...one.points.filter(({ size }) => !known.points.some((point) => point.size === size)))
    else found.set(key, { ...one, points: [...one.points] })
  }
  return [...found.values()]
}
