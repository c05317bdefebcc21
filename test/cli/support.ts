import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp, { type Sharp } from 'sharp'
import type { JsonObject } from '../../src/bundle/header.ts'
import { writeStateDict } from '../../src/bundle/safetensors.ts'
import { calibrate } from '../../src/calibrate/calibrate.ts'
import { summaryOf } from '../../src/cli/calibrate-table.ts'
import { type StateDict, seededState, seededUniform } from '../../src/graph/parameters.ts'
import type { NetworkOptions } from '../../src/networks/builder.ts'
import { buildNetwork } from '../../src/networks/index.ts'
import { packBundle } from '../../src/pack/pack.ts'
import type { Precision } from '../../src/plan/weights.ts'
import { readWasm } from '../helpers/wasm.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CLI = join(ROOT, 'dist', 'cli.js')

export interface Ran {
  status: number | null
  stdout: string
  /** Lines on standard error. */
  errors: string[]
}

/** Runs the built command line, as a user's shell would. */
export function dynedge(
  args: string[],
  { cli = CLI, cwd = ROOT, env = {} }: { cli?: string; cwd?: string; env?: Record<string, string> } = {},
): Ran {
  if (!existsSync(cli)) throw new Error(`There is no ${cli}; run npm run build.`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { status, stdout, errors: stderr.split('\n').filter(Boolean) }
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape
export function json(args: string[], status = 0): any {
  const ran = dynedge([...args, '--json'])
  if (ran.status !== status)
    throw new Error(`dynedge ${args.join(' ')}: exit code ${ran.status}, ${ran.errors.join('\n')}`)
  return JSON.parse(ran.stdout)
}

export function temporary(): { folder: string; at: (name: string) => string; clean: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'dynedge-cli-'))
  return { folder, at: (name) => join(folder, name), clean: () => rmSync(folder, { recursive: true, force: true }) }
}

export const SMALL: NetworkOptions = { width: 0.25, classes: 4, kernels: 2 }
export const LABELS = ['cat', 'dog', 'ship', 'frog']

export function smallState(network: string, options = SMALL): StateDict {
  return seededState(buildNetwork(network, options), 5, { coefficients: 1, weights: 0.6 })
}

export function writeState(path: string, state: StateDict, metadata: Record<string, string> = {}): void {
  writeFileSync(
    path,
    writeStateDict(
      [...state].map(([name, tensor]) => ({ name, ...tensor })),
      metadata,
    ),
  )
}

const ABOUT = {
  input: {
    channels: 3,
    mean: [0.5, 0.4, 0.3],
    std: [0.25, 0.3, 0.2],
    size: [32, 48],
    shorterSide: 40,
    resampling: 'bilinear',
  },
  labels: LABELS,
  quantization: null,
  provenance: { weights: 'random' },
  licence: 'CC0-1.0',
}

export function writeBundleFile(
  path: string,
  network: string,
  precision: Precision,
  options = SMALL,
  labels = LABELS,
): void {
  writeFileSync(
    path,
    packBundle(buildNetwork(network, options), smallState(network, options), precision, { ...ABOUT, labels }),
  )
}

/** As `writeBundleFile`, in int8, calibrated on noise; what it says under `quantization` comes back. */
export async function writeIntegerBundle(path: string, network: string): Promise<JsonObject> {
  const graph = buildNetwork(network, SMALL)
  const module = new WebAssembly.Module(readWasm('simd') as BufferSource)
  const pictures = Array.from({ length: 4 }, (_, i) => seededUniform(`picture ${i}`, 3, 32 * 48 * 3, (u) => 4 * u - 2))
  const settings = { observer: 'minmax', equalize: false, biasCorrection: false, keep: [], bits: 7 } as const
  const found = calibrate(module, graph, smallState(network), pictures, [32, 48], settings)
  const how = { ranges: 'calibration', observer: 'minmax', images: pictures.length }
  const quantization = summaryOf(found.graph, how, found.measured)
  writeFileSync(path, packBundle(found.graph, found.state, 'int8', { ...ABOUT, quantization }))
  return quantization
}

/** A smooth picture with nothing symmetric in it. */
export function drawing(width: number, height: number): Sharp {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3)
    return 127 + 120 * Math.sin((i % 3) + (pixel % width) / 17 + Math.floor(pixel / width) / 9)
  })
  return sharp(data, { raw: { width, height, channels: 3 } })
}
