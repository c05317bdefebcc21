import { readFileSync } from 'node:fs'
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

/** A session of onnxruntime-web's wasm provider on one thread, with its input in place; every run returns the logits. */
export async function openOrt(model: Uint8Array, input: TensorInput): Promise<PeerSession> {
  const ort = await import('onnxruntime-web')
  ort.env.logLevel = 'error'
  Object.assign(ort.env.wasm, { numThreads: 1, simd: true, proxy: false })
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

/** H x W x 3 to 3 x H x W. */
function planar({ data, height, width }: TensorInput): Float32Array {
  const pixels = height * width
  const planes = new Float32Array(data.length)
  for (let i = 0; i < pixels; ++i)
    for (let channel = 0; channel < 3; ++channel) planes[channel * pixels + i] = data[i * 3 + channel]
  return planes
}
