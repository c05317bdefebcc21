import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { minAndMedian } from '../src/bench/latency.ts'
import type { TensorInput } from '../src/network.ts'
import type { Precision } from '../src/plan/weights.ts'
import type { Variant } from '../src/runtime/module.ts'
import type { Model } from './models.ts'
import { open, type Runtime } from './runtimes.ts'

/**
 * From the bytes of a bundle or model in memory to a network that runs. Of dynedge: header, memory, copy, checksums, compiling the kernels,
 * planning, verifying; of peers: reading their script, compiling their runtime, making a session.
 */
export interface LoadTime {
  runtime: string
  network: string
  precision: Precision
  variant: Variant | null
  size: number
  bundleBytes: number
  /** Fresh processes. */
  cold: { min: number; median: number }
  /** Their first run, with code that nobody has optimised yet. */
  firstRun: { min: number; median: number }
  /** The same process again: kernels compiled. */
  warm: { min: number; median: number }
  /** Of dynedge. */
  memoryBytes?: number
  weightBytes?: number
}

interface Sample {
  cold: number
  firstRun: number
  warm: number[]
  memoryBytes?: number
  weightBytes?: number
}

const PROCESSES = 5
const WARM_LOADS = 10

export async function measureLoad(model: Model, picture: TensorInput): Promise<LoadTime> {
  const { runtime, network, precision, variant, size, file } = model
  const folder = await mkdtemp(join(tmpdir(), 'dynedge-bench-'))
  try {
    const path = join(folder, 'model')
    await writeFile(path, file)
    await writeFile(`${path}.picture`, picture.data)
    const samples: Sample[] = []
    for (let i = 0; i < PROCESSES; ++i) {
      const script = fileURLToPath(import.meta.url)
      const flags = ['--import', 'tsx', '--no-warnings', ...process.execArgv.filter((flag) => flag.includes('vnni'))]
      const given = [script, path, runtime, variant ?? 'none', String(size)]
      const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...given])
      samples.push(JSON.parse(stdout))
    }
    const { memoryBytes, weightBytes } = samples[0]
    return {
      runtime,
      network,
      precision,
      variant,
      size,
      bundleBytes: file.length,
      cold: minAndMedian(samples.map(({ cold }) => cold)),
      firstRun: minAndMedian(samples.map(({ firstRun }) => firstRun)),
      warm: minAndMedian(samples.flatMap(({ warm }) => warm)),
      memoryBytes,
      weightBytes,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function sample(path: string, runtime: Runtime, variant: Variant | null, size: number): Promise<Sample> {
  const bytes = new Uint8Array(await readFile(path))
  const values = new Uint8Array(await readFile(`${path}.picture`))
  const picture = { data: new Float32Array(values.buffer), height: size, width: size }
  const start = performance.now()
  const first = await open({ runtime, variant, threads: 1 }, bytes, picture)
  const cold = performance.now() - start
  const begin = performance.now()
  await first.run()
  const firstRun = performance.now() - begin
  const { memoryBytes, weightBytes } = first.network?.describe() ?? {}
  await first.release()
  const warm: number[] = []
  for (let i = 0; i < WARM_LOADS; ++i) {
    const again = performance.now()
    const second = await open({ runtime, variant, threads: 1 }, bytes, picture)
    warm.push(performance.now() - again)
    await second.release()
  }
  return { cold, firstRun, warm, memoryBytes, weightBytes }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path, runtime, variant, size] = process.argv.slice(2)
  const build = variant === 'none' ? null : (variant as Variant)
  process.stdout.write(JSON.stringify(await sample(path, runtime as Runtime, build, Number(size))))
}
