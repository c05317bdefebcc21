// The worker of Node: one thread, one network.
import { parentPort, type TransferListItem } from 'node:worker_threads'
import { loader } from '../load.ts'
import { nodePlatform } from '../runtime/node-platform.ts'
import type { Request } from './protocol.ts'
import { serve } from './serve.ts'

const port = parentPort!
const load = loader(nodePlatform)
const hear = serve(
  (reply, transfer) => port.postMessage(reply, transfer as TransferListItem[]),
  () => load,
)
port.on('message', (request: Request) => hear(request))
