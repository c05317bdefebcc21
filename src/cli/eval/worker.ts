// The thread of `dynedge eval`: one network, one picture after another, the next ones decoded meanwhile.
import { parentPort, workerData } from 'node:worker_threads'
import sharp from 'sharp'
import { DynedgeError } from '../../errors.ts'
import { load, type Network, type Variant } from '../../node.ts'
import { decodeFully } from '../decode.ts'
import { oneLine } from '../output.ts'
import type { Said } from './pool.ts'
import type { Answer } from './tally.ts'

export interface WorkerData {
  bundle: Uint8Array
  variant: Variant
  size: [height: number, width: number]
}

export interface Task {
  path: string
  /** Class index. */
  label: number
}

export type Evaluated = (Answer & { changes: string[]; networkMs: number }) | { skipped: string }

const { bundle, variant, size } = workerData as WorkerData
const port = parentPort!
const say = (said: Said<Evaluated>) => port.postMessage(said)

// The pool has a thread for each core; the decoder must not start its own for each picture.
sharp.concurrency(1)
sharp.cache(false)

try {
  const net = await load(bundle, { variant, maxInput: size })
  // The first pass plans and lets the engine compile.
  await net.classify({ data: new Uint8Array(3), width: 1, height: 1 }, { size })
  port.on('message', ({ id, task }: { id: number; task: Task }) => {
    // What is not the picture's fault must end the thread, not pass as one more skip.
    evaluate(net, task).then(
      (result) => say({ id, result }),
      (error) => setImmediate(() => crash(error)),
    )
  })
  say({ ready: true })
} catch (error) {
  const code = error instanceof DynedgeError ? error.code : 'unsupported-engine'
  say({ failed: { message: (error as Error).message, code } })
}

function crash(error: unknown): never {
  throw error
}

async function evaluate(net: Network, { path, label }: Task): Promise<Evaluated> {
  try {
    const { pixels, changes } = await decodeFully(path)
    const { top, outputs, ms } = await net.classifyFully(pixels, { size, topK: 5 })
    const loss = crossEntropy(outputs.logits, label)
    if (!Number.isFinite(loss))
      throw new DynedgeError('bad-image', `the network's answer is not finite (loss ${loss}); are its weights damaged?`)
    return {
      top: top.map(({ index, probability }) => [index, probability]),
      loss,
      own: outputs.probabilities[label],
      changes,
      networkMs: ms,
    }
  } catch (error) {
    const isPicture = error instanceof DynedgeError && ['bad-image', 'bad-input', 'not-found'].includes(error.code)
    if (!isPicture) throw error
    const message = oneLine(error.message)
    return { skipped: message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message }
  }
}

/** From the logits and not the float32 probability, which may be 0. */
function crossEntropy(logits: Float32Array, label: number): number {
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0)
  return Math.max(0, Math.log(sum) + largest - logits[label])
}
