import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededBundle, seededPicture, seededWeights } from '../src/bench/latency.ts'
import { race } from '../src/bench/race.ts'
import type { Peaks } from '../src/bench/report.ts'
import type { Graph } from '../src/graph/graph.ts'
import type { Variant } from '../src/interface.ts'
import type { Load } from '../src/load.ts'
import { Builder } from '../src/networks/builder.ts'

/** Depth, lanes, side of the picture. */
const SHAPES = [
  [96, 96, 28],
  [192, 64, 28],
  [128, 256, 16],
  [256, 128, 16],
  [384, 64, 14],
  [512, 256, 14],
] as const
const CHAINS = 12
const LANES = 4
const ROUNDS = 400_000
const FEATURES = ['simd', 'bulk-memory', 'sign-extension', 'mutable-globals', 'nontrapping-f2i']

export async function measurePeaks(load: Load, variant: Variant): Promise<Peaks> {
  const registers = await registerRate(variant)
  const gemm = []
  for (const [depth, lanes, side] of SHAPES)
    gemm.push({ shape: `${depth}x${lanes}x${side * side}`, rate: await gemmRate(load, variant, depth, lanes, side) })
  return { variant, registers, gemm, best: Math.max(registers, ...gemm.map(({ rate }) => rate)) }
}

async function registerRate(variant: Variant): Promise<number> {
  const module = await WebAssembly.compile(await peakKernel(variant))
  const { multiplyAdds } = (await WebAssembly.instantiate(module)).exports as {
    multiplyAdds(rounds: number, factor: number, term: number): number
  }
  let sink = 0
  const [times] = await race([() => (sink += multiplyAdds(ROUNDS, 0.5, 0.5))], { seconds: 0.5 })
  if (!Number.isFinite(sink)) throw new Error(`The register loop gave ${sink}.`)
  return (ROUNDS * CHAINS * LANES) / Math.min(...times) / 1e6
}

/** Compiled once, with the compiler and flags of the kernels. */
async function peakKernel(variant: Variant): Promise<Uint8Array<ArrayBuffer>> {
  const folder = dirname(fileURLToPath(import.meta.url))
  const source = join(folder, 'peak', 'index.ts')
  const target = join(folder, 'build', `peak.${variant}.wasm`)
  const made = statSync(target, { throwIfNoEntry: false })
  if (!made || made.mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(dirname(target), { recursive: true })
    const asc = await import('assemblyscript/asc')
    const features = variant === 'relaxed' ? [...FEATURES, 'relaxed-simd'] : FEATURES
    const flags = ['--runtime', 'stub', '-O3', '--noAssert', ...features.flatMap((feature) => ['--enable', feature])]
    const { error, stderr } = await asc.main([
      'peak/index.ts',
      '--baseDir',
      folder,
      '--outFile',
      `build/peak.${variant}.wasm`,
      ...flags,
    ])
    if (error) throw new Error(`The register loop does not compile: ${error.message} ${stderr}`)
  }
  return new Uint8Array(readFileSync(target))
}

/** A network of two 1x1 convolutions: the first makes the channels that the second, the one to time, reads. */
async function gemmRate(load: Load, variant: Variant, depth: number, lanes: number, side: number): Promise<number> {
  const net = new Builder()
  const made = net.conv('first', net.image, depth)
  net.conv('gemm', made, lanes, { activation: 'relu6' })
  const graph: Graph = {
    ...net.graph('gemm', { width: 1, classes: 1, kernels: 1 }),
    kernels: 0,
    outputs: { out: 'gemm' },
  }
  const network = await load(seededBundle(graph, seededWeights(graph), 'f32', side), { variant })
  network.runSync(seededPicture(side))
  const { steps } = await network.profile({ repetitions: 300 })
  network.dispose()
  const { ms } = steps.find(({ step }) => step === 'gemm')!
  return (depth * lanes * side * side) / ms / 1e6
}
