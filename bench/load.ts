import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { minAndMedian, seededBundle, seededPicture, seededWeights } from '../src/bench/latency.ts'
import { buildNetwork } from '../src/networks/index.ts'
import type { Precision } from '../src/plan/weights.ts'
import type { Variant } from '../src/runtime/module.ts'
import { load } from './kernels.ts'

/** From bundle bytes in memory to a network that runs: header, memory, copy, checksums, compiling the kernels, planning, verifying. */
export interface LoadTime {
  network: string
  precision: Precision
  variant: Variant
  size: number
  bundleBytes: number
  /** Fresh processes. */
  cold: { min: number; median: number }
  /** Their first run, with code that nobody has optimised yet. */
  firstRun: { min: number; median: number }
  /** The same process again: kernels compiled. */
  warm: { min: number; median: number }
  memoryBytes: number
  weightBytes: number
}

interface Sample {
  cold: number
  firstRun: number
  warm: number[]
  memoryBytes: number
  weightBytes: number
}

const PROCESSES = 5
const WARM_LOADS = 10

export async function measureLoad(
  name: string,
  precision: Precision,
  variant: Variant,
  size: number,
): Promise<LoadTime> {
  const folder = await mkdtemp(join(tmpdir(), 'dynedge-bench-'))
  try {
    const graph = buildNetwork(name)
    const bundle = seededBundle(graph, seededWeights(graph), precision, size)
    const path = join(folder, 'bundle.safetensors')
    await writeFile(path, bundle)
    const samples: Sample[] = []
    for (let i = 0; i < PROCESSES; ++i) {
      const script = fileURLToPath(import.meta.url)
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--import',
        'tsx',
        '--no-warnings',
        script,
        path,
        variant,
        String(size),
      ])
      samples.push(JSON.parse(stdout))
    }
    const { memoryBytes, weightBytes } = samples[0]
    return {
      network: name,
      precision,
      variant,
      size,
      bundleBytes: bundle.length,
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

async function sample(path: string, variant: Variant, size: number): Promise<Sample> {
  const bytes = new Uint8Array(await readFile(path))
  const start = performance.now()
  const network = await load(bytes, { variant })
  const cold = performance.now() - start
  const picture = seededPicture(size)
  const begin = performance.now()
  network.runSync(picture)
  const firstRun = performance.now() - begin
  const { memoryBytes, weightBytes } = network.describe()
  network.dispose()
  const warm: number[] = []
  for (let i = 0; i < WARM_LOADS; ++i) {
    const again = performance.now()
    const second = await load(bytes, { variant })
    warm.push(performance.now() - again)
    second.dispose()
  }
  return { cold, firstRun, warm, memoryBytes, weightBytes }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path, variant, size] = process.argv.slice(2)
  process.stdout.write(JSON.stringify(await sample(path, variant as Variant, Number(size))))
}
