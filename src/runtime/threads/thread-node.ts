// The worker of a network's team in Node.
import { parentPort } from 'node:worker_threads'
import { takePart } from './take-part.ts'
import type { ThreadStart } from './team.ts'

parentPort!.on('message', (start: ThreadStart) => takePart(start, () => parentPort!.postMessage('ready')))
