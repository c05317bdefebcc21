import type * as LiteRt from '@litertjs/core'
import type * as Tfjs from '@tensorflow/tfjs-core'
import type * as Ort from 'onnxruntime-web'
import type { TensorInput } from '../src/interface.ts'
import { compile } from './tfjs/network.ts'
import { turned } from './tflite/turned.ts'

// How each peer runs a model, in Node and in a page; how its library is found there is the business of others.

export interface PeerSession {
  run(): Promise<Float32Array>
  /** Takes another picture of the same size. */
  show(picture: TensorInput): void
  release(): Promise<void>
}

/** onnxruntime-web's wasm provider, with its input in place; every run returns the logits. */
export async function ortSession(
  ort: typeof Ort,
  model: Uint8Array,
  input: TensorInput,
  threads: number,
): Promise<PeerSession> {
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

/** H x W x 3 to 3 x H x W. */
function planar({ data, height, width }: TensorInput): Float32Array {
  const pixels = height * width
  const planes = new Float32Array(data.length)
  for (let i = 0; i < pixels; ++i)
    for (let channel = 0; channel < 3; ++channel) planes[channel * pixels + i] = data[i * 3 + channel]
  return planes
}

/** LiteRT.js's CPU accelerator (XNNPACK), with its input in place; every run returns the logits. */
export async function litertSession(
  litert: typeof LiteRt,
  model: Uint8Array,
  input: TensorInput,
  threads: number,
): Promise<PeerSession> {
  const compiled = await litert.loadAndCompile(model, { accelerator: 'wasm', cpuOptions: { numThreads: threads } })
  const place = (picture: TensorInput) => new litert.Tensor(turned(picture.data), [1, picture.height, picture.width, 3])
  let image = place(input)
  return {
    run: async () => {
      const outputs = await compiled.run(image)
      const logits = outputs[0].toTypedArray() as Float32Array
      for (const output of outputs) output.delete()
      return logits
    },
    show: (picture) => {
      image.delete()
      image = place(picture)
    },
    release: async () => {
      image.delete()
      compiled.delete()
    },
  }
}

/** TensorFlow.js's wasm backend, with its input in place; every run returns the logits. `activate` comes before all it does. */
export function tfjsSession(tf: typeof Tfjs, activate: () => void, file: Uint8Array, input: TensorInput): PeerSession {
  activate()
  const network = compile(tf, file)
  const place = ({ data, height, width }: TensorInput) => tf.tensor4d(data, [1, height, width, 3])
  let image = place(input)
  return {
    run: async () => {
      activate()
      const logits = network.predict(image)
      const values = await logits.data<'float32'>()
      logits.dispose()
      return values
    },
    show: (picture) => {
      activate()
      image.dispose()
      image = place(picture)
    },
    release: async () => {
      activate()
      image.dispose()
      network.dispose()
    },
  }
}
