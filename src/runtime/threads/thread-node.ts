// The worker of a network's team in Node.
import { parentPort, workerData } from 'node:worker_threads'
import { takePart } from './take-part.ts'
import type { ThreadStart } from './team.ts'

takePart(workerData as ThreadStart, () => parentPort!.postMessage('ready'))
