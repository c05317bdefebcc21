import type { Network, TensorInput } from '../src/network.ts'
import type { Variant } from '../src/runtime/module.ts'
import { load } from './kernels.ts'
import { openLiteRt } from './litert.ts'
import { openOrt } from './ort.ts'

export const DYNEDGE = 'dynedge'
export const ORT = 'onnxruntime-web'
export const LITERT = 'litert.js'
export const PEERS = [ORT, LITERT] as const
export type Runtime = typeof DYNEDGE | (typeof PEERS)[number]

/** A network that is ready: every run takes the picture in place and makes the logits. */
export interface Opened {
  run(): unknown
  /** Puts another picture of the same size in place, and runs. */
  logits(picture: TensorInput): Promise<Float32Array>
  release(): Promise<void>
  network?: Network
}

/** Opens a bundle or model from its bytes, on one thread. */
export async function open(
  runtime: Runtime,
  variant: Variant | null,
  file: Uint8Array,
  picture: TensorInput,
): Promise<Opened> {
  if (runtime !== DYNEDGE) {
    const session = await (runtime === ORT ? openOrt(file, picture) : openLiteRt(file, picture, variant!))
    const logits = (other: TensorInput) => {
      session.show(other)
      return session.run()
    }
    return { run: session.run, logits, release: session.release }
  }
  const network = await load(file, { variant: variant!, maxInput: [picture.height, picture.width] })
  let placed = picture
  return {
    network,
    run: () => network.runSync(placed),
    logits: async (other) => {
      placed = other
      return network.runSync(other).logits
    },
    release: async () => network.dispose(),
  }
}
