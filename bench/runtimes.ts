import { DYNEDGE } from '../src/bench/report.ts'
import { DynedgeError } from '../src/errors.ts'
import type { Network, TensorInput, Variant } from '../src/interface.ts'
import { load } from './kernels.ts'
import { openLiteRt } from './litert.ts'
import { openOrt } from './ort.ts'
import { ORT, type PEERS, type Runtime, TFJS } from './peers.ts'
import type { PeerSession } from './sessions.ts'
import { openTfjs } from './tfjs.ts'

/** A network that is ready: every run takes the picture in place and makes the logits. */
export interface Opened {
  run(): unknown
  /** Puts another picture of the same size in place, and runs. */
  logits(picture: TensorInput): Promise<Float32Array>
  release(): Promise<void>
  network?: Network
}

/** Opens a bundle or model from its bytes. */
export async function open(
  { runtime, variant, threads }: { runtime: Runtime; variant: Variant | null; threads: number },
  file: Uint8Array,
  picture: TensorInput,
): Promise<Opened> {
  if (runtime !== DYNEDGE) {
    const session = await openPeer(runtime, variant, threads, file, picture)
    const logits = (other: TensorInput) => {
      session.show(other)
      return session.run()
    }
    return { run: session.run, logits, release: session.release }
  }
  const network = await load(file, { variant: variant!, threads, maxInput: [picture.height, picture.width] })
  if (network.threads !== threads)
    throw new DynedgeError(
      'unsupported-engine',
      `dynedge got ${network.threads} of ${threads} threads: ${network.threadsNote}`,
    )
  let placed = picture
  return {
    network,
    run: threads === 1 ? () => network.runSync(placed) : () => network.run(placed),
    logits: async (other) => {
      placed = other
      return (await network.run(other)).logits
    },
    release: async () => network.dispose(),
  }
}

function openPeer(
  runtime: (typeof PEERS)[number],
  variant: Variant | null,
  threads: number,
  file: Uint8Array,
  picture: TensorInput,
): Promise<PeerSession> {
  if (runtime === ORT) return openOrt(file, picture, threads)
  if (runtime === TFJS) return openTfjs(file, picture, threads)
  return openLiteRt(file, picture, variant!, threads)
}
