import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as Ort from 'onnxruntime-web'
import type { TensorInput } from '../src/network.ts'

export interface PeerSession {
  run(): Promise<Float32Array>
  /** Takes another picture of the same size. */
  show(picture: TensorInput): void
  release(): Promise<void>
}

/** The peer's own version, from what is installed. */
export const ortVersion: string = JSON.parse(
  readFileSync(new URL('./node_modules/onnxruntime-web/package.json', import.meta.url), 'utf8'),
).version

/** A session of onnxruntime-web's wasm provider, with its input in place; every run returns the logits. */
export async function openOrt(model: Uint8Array, input: TensorInput, threads: number): Promise<PeerSession> {
  const ort = await libraryOf(threads)
  ort.env.logLevel = 'error'
  Object.assign(ort.env.wasm, { numThreads: threads, simd: true, proxy: false })
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  })
  const place = (picture: TensorInput) =>
    new ort.Tensor('float32', planar(picture), [1, 3, picture.height, picture.width])
  let image = place(input)
  return {
    run: async () => (await session.run({ [session.inputNames[0]]: image })).logits.data as Float32Array,
    show: (picture) => {
      image = place(picture)
    },
    release: () => session.release(),
  }
}

/** A library of its own for each number of threads, which it keeps in variables of its modules: so they are made one module. */
async function libraryOf(threads: number): Promise<typeof Ort> {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'build', `onnxruntime-web-${ortVersion}`)
  const script = join(folder, 'ort.mjs')
  if (!existsSync(script)) {
    mkdirSync(folder, { recursive: true })
    const entry = fileURLToPath(import.meta.resolve('onnxruntime-web'))
    for (const end of ['mjs', 'wasm']) {
      const name = `ort-wasm-simd-threaded.${end}`
      copyFileSync(join(dirname(entry), name), join(folder, name))
    }
    const { build } = await import('esbuild')
    const options = { bundle: true, format: 'esm', platform: 'node', legalComments: 'none' } as const
    await build({ ...options, entryPoints: [entry], outfile: script })
  }
  return import(`${pathToFileURL(script)}?threads=${threads}`)
}

/** H x W x 3 to 3 x H x W. */
function planar({ data, height, width }: TensorInput): Float32Array {
  const pixels = height * width
  const planes = new Float32Array(data.length)
  for (let i = 0; i < pixels; ++i)
    for (let channel = 0; channel < 3; ++channel) planes[channel * pixels + i] = data[i * 3 + channel]
  return planes
}
