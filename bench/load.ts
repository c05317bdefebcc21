import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { timesOf } from '../src/bench/race.ts'
import type { LoadTime } from '../src/bench/report.ts'
import type { TensorInput, Variant } from '../src/interface.ts'
import type { Model } from './models.ts'
import type { Runtime } from './peers.ts'
import { open } from './runtimes.ts'

interface Sample {
  cold: number
  firstRun: number
  warm: number[]
  heapBytes: number
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
    const { heapBytes, weightBytes } = samples[0]
    return {
      runtime,
      network,
      precision,
      variant,
      size,
      bundleBytes: file.length,
      cold: timesOf(samples.map(({ cold }) => cold)),
      firstRun: timesOf(samples.map(({ firstRun }) => firstRun)),
      toFirstResult: timesOf(samples.map(({ cold, firstRun }) => cold + firstRun)),
      warm: timesOf(samples.flatMap(({ warm }) => warm)),
      heapBytes,
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
  const memories = watchMemories()
  const start = performance.now()
  const first = await open({ runtime, variant, threads: 1 }, bytes, picture)
  const cold = performance.now() - start
  const begin = performance.now()
  await first.run()
  const firstRun = performance.now() - begin
  const heapBytes = [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0)
  const weightBytes = first.network?.describe().weightBytes
  await first.release()
  const warm: number[] = []
  for (let i = 0; i < WARM_LOADS; ++i) {
    const again = performance.now()
    const second = await open({ runtime, variant, threads: 1 }, bytes, picture)
    warm.push(performance.now() - again)
    await second.release()
  }
  return { cold, firstRun, warm, heapBytes, weightBytes }
}

/** The memories of all instances that are made from now on. */
function watchMemories(): Set<WebAssembly.Memory> {
  const memories = new Set<WebAssembly.Memory>()
  const { instantiate, Instance, Memory } = WebAssembly
  const note = (instance: WebAssembly.Instance) => {
    for (const value of Object.values(instance.exports)) if (value instanceof Memory) memories.add(value)
    return instance
  }
  Object.assign(WebAssembly, {
    instantiate: async (...given: Parameters<typeof instantiate>) => {
      const made = await instantiate(...given)
      note(made instanceof Instance ? made : (made as unknown as WebAssembly.WebAssemblyInstantiatedSource).instance)
      return made
    },
    Instance: class extends Instance {
      constructor(...given: ConstructorParameters<typeof Instance>) {
        super(...given)
        note(this)
      }
    },
    Memory: class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor)
        memories.add(this)
      }
    },
  })
  return memories
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path, runtime, variant, size] = process.argv.slice(2)
  const build = variant === 'none' ? null : (variant as Variant)
  process.stdout.write(JSON.stringify(await sample(path, runtime as Runtime, build, Number(size))))
}
